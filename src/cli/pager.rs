//! Long texts on a terminal go through a pager.

use std::env;
use std::io::{self, IsTerminal, Write};
use std::process::{Command, Stdio};

use terminal_size::{Height, Width, terminal_size_of};

/// How many columns the terminal has that standard output is; `None` where it is none.
pub fn width() -> Option<u16> {
    terminal_size_of(io::stdout()).map(|(Width(width), _)| width)
}

/// Writes a text for people to standard output: through a pager if it is longer than the screen and
/// `paged`, else as it is.
pub fn write(text: &str, paged: bool) -> io::Result<()> {
    let stdout = io::stdout();
    let height = terminal_size_of(&stdout).map(|(_, Height(height))| usize::from(height));
    let is_long = height.is_some_and(|height| text.lines().count() + 1 > height);
    if !(paged && is_long && stdout.is_terminal() && through(text)?) {
        let mut out = stdout.lock();
        out.write_all(text.as_bytes())?;
        out.flush()?;
    }
    Ok(())
}

/// Shows a text in `$PAGER`, or else in `less`; false where there is none.
fn through(text: &str) -> io::Result<bool> {
    let mut command = match env::var("PAGER") {
        Ok(pager) if pager.trim().is_empty() || pager.trim() == "cat" => return Ok(false),
        Ok(pager) => {
            let mut shell = Command::new("sh");
            shell.args(["-c", &pager]);
            shell
        }
        Err(_) => Command::new("less"),
    };
    // Lines are cut at the edge, where the arrow keys go on; a short text needs no key to leave.
    for (name, value) in [("LESS", "FSX"), ("LESSCHARSET", "utf-8")] {
        if env::var_os(name).is_none() {
            command.env(name, value);
        }
    }
    let Ok(mut pager) = command.stdin(Stdio::piped()).spawn() else { return Ok(false) };
    let written = pager.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(text.as_bytes()));
    let ended = pager.wait()?;
    match written {
        // The shell's word for a command that it has not found.
        _ if ended.code() == Some(127) => Ok(false),
        Ok(()) => Ok(true),
        // Whoever leaves the pager has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(true),
        Err(error) => Err(error),
    }
}
