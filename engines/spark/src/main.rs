//! Stands between `chartledger run --engine spark` and a Spark cluster.
//!
//! chartledger starts this program, sends one request a line to its standard input and reads the
//! answers, one a line, from its standard output. What the statements mean is decided there; here
//! they are only passed on, with the manners that a long job on other people's machines needs: a
//! dead server is found before anything starts, a lost one within seconds, and when the requests end
//! early (Ctrl-C, or chartledger was killed) the job on the cluster is cancelled.

mod cells;
mod problem;
mod session;
mod wire;

use std::process::ExitCode;
use std::sync::mpsc;
use std::{io, thread};

use problem::Problem;
use session::Session;
use wire::{Answer, Request, say};

fn main() -> ExitCode {
    let Some(remote) = std::env::args().nth(1) else {
        eprintln!("chartledger-spark is started by `chartledger run --engine spark --remote sc://HOST:PORT`");
        return ExitCode::from(2);
    };
    let session = match Session::connect(&remote) {
        Ok(session) => session,
        Err(problem) => {
            say(&Answer::Failed(problem));
            return ExitCode::FAILURE;
        }
    };
    say(&Answer::Connected { server: session.version.clone(), engine: env!("CARGO_PKG_VERSION") });
    let (requests, inbox) = mpsc::channel::<io::Result<Request>>();
    let watched = session.clone();
    thread::spawn(move || {
        for request in wire::requests(io::stdin().lock()) {
            if requests.send(request).is_err() {
                return;
            }
        }
        // Nobody waits for an answer any more.
        watched.leave();
        std::process::exit(0);
    });
    session.watch();
    for request in inbox {
        let answer = request.map_err(Problem::protocol).and_then(|request| session.answer(request));
        say(&answer.unwrap_or_else(Answer::Failed));
    }
    ExitCode::SUCCESS
}
