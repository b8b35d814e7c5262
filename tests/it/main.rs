//! The one integration binary: everything is tested from outside the crate.

mod cli;
mod decode;
mod dialects;
mod oracle;
mod properties;
mod support;
mod world;
