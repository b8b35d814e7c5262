//! The binary: a result to an exit code, and the allocator.

mod cli;

use std::process::ExitCode;

// Decoding allocates from all threads at once, which the system's allocator serves slowly.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::main()
}
