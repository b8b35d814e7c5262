//! `chartledger ledger`: what is done to the ledger by hand. One file for each subcommand.

mod forget;

use clap::{Args, Subcommand};

/// What `ledger` takes.
#[derive(Args)]
pub struct LedgerArgs {
    #[command(subcommand)]
    command: LedgerCommand,
}

#[derive(Subcommand)]
enum LedgerCommand {
    /// Take an export out of the ledger, or with --undo let it come in again
    Forget(forget::ForgetArgs),
}

pub fn main(args: LedgerArgs, quiet: bool) -> anyhow::Result<()> {
    match args.command {
        LedgerCommand::Forget(args) => forget::main(args, quiet),
    }
}
