//! `chartledger history`

use clap::Args;

use super::{KeptArgs, show};

/// What `history` takes.
#[derive(Args)]
pub struct HistoryArgs {
    #[command(flatten)]
    kept: KeptArgs,
    /// Only the last so many
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// How to write it; a table on a terminal, CSV elsewhere
    #[arg(long, value_enum)]
    format: Option<show::Format>,
}

pub fn main(args: HistoryArgs) -> anyhow::Result<()> {
    let HistoryArgs { kept, limit, format } = args;
    let plan = kept.load()?;
    let frame = chartledger::history::timeline(&plan)?;
    let frame = limit.map_or(frame.clone(), |limit| frame.tail(Some(limit)));
    show::write(&frame, show::Format::or_usual(format))
}
