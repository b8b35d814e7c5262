//! `chartledger ledger`: what is done to the ledger by hand. One file for each subcommand.

mod forget;
mod vacuum;

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
    #[command(after_help = crate::cli::examples::LEDGER_FORGET)]
    Forget(forget::ForgetArgs),
    /// Remove the files that neither the newest version nor a kept run needs
    #[command(after_help = crate::cli::examples::LEDGER_VACUUM)]
    Vacuum(vacuum::VacuumArgs),
}

/// Runs the subcommand; with `quiet`, says no more than it must.
pub fn main(args: LedgerArgs, quiet: bool) -> anyhow::Result<()> {
    match args.command {
        LedgerCommand::Forget(args) => forget::main(args, quiet),
        LedgerCommand::Vacuum(args) => vacuum::main(args, quiet),
    }
}
