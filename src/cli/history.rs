//! `chartledger history`

use clap::Args;

use super::output::OutputArgs;
use super::{KeptArgs, Runs};

/// What `history` takes.
#[derive(Args)]
pub struct HistoryArgs {
    #[command(flatten)]
    kept: KeptArgs,
    /// Only the last so many
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    #[command(flatten)]
    output: OutputArgs,
}

pub fn main(args: HistoryArgs) -> anyhow::Result<()> {
    let HistoryArgs { kept, limit, output } = args;
    let mut plan = kept.load()?;
    super::at_hand(&mut plan, Runs::All)?;
    let frame = chartledger::history::timeline(&plan)?;
    let frame = limit.map_or(frame.clone(), |limit| frame.tail(Some(limit)));
    output.write(&frame, false)
}
