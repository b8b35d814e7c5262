//! `chartledger completions` and `chartledger man`: for shells and manuals.

use std::io::{self, Write};
use std::path::PathBuf;

use chartledger::error::Error;
use clap::{Args, Command};
use clap_complete::Shell;

use super::text;

/// What `completions` takes.
#[derive(Args)]
pub struct CompletionsArgs {
    /// For which shell
    #[arg(value_enum)]
    shell: Shell,
}

/// What `man` takes.
#[derive(Args)]
pub struct ManArgs {
    /// Where to write a page for each command; without it the first page goes to standard output
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
}

/// Writes the completions of `command` to standard output.
pub fn completions(args: CompletionsArgs, mut command: Command) -> anyhow::Result<()> {
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, name, &mut script);
    Ok(io::stdout().lock().write_all(&script)?)
}

/// Writes the manual of `command`.
pub fn man(args: ManArgs, command: Command, quiet: bool) -> anyhow::Result<()> {
    let Some(directory) = args.directory else {
        let mut page = Vec::new();
        clap_mangen::Man::new(command).render(&mut page)?;
        return Ok(io::stdout().lock().write_all(&page)?);
    };
    std::fs::create_dir_all(&directory).map_err(Error::write(&directory))?;
    clap_mangen::generate_to(command, &directory).map_err(Error::write(&directory))?;
    if !quiet {
        writeln!(io::stderr(), "written    the manual to {}", text::path(&directory))?;
    }
    Ok(())
}
