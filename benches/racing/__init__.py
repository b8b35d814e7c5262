"""The race: what is loaded, who runs, how it is measured, and what is said of it."""
