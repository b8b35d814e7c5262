//! Stands between chartledger and object stores.
//!
//! chartledger starts this program, sends one request a line to its standard input and reads the
//! answers, one a line, from its standard output. What objects mean is decided there; here they are
//! listed, copied and written. It is a program of its own because it brings a hundred crates that
//! nobody else needs. When the requests end, however that comes, so does it.
#![forbid(unsafe_code)]

mod address;
mod objects;
mod open;
mod problem;
mod profile;
mod wire;

use std::process::ExitCode;
use std::sync::mpsc;
use std::{io, thread};

use open::Stores;
use problem::Problem;
use wire::{Answer, Request, say};

fn main() -> ExitCode {
    if std::env::args().len() > 1 {
        eprintln!("chartledger-store is started by chartledger, for addresses such as s3://bucket/exports");
        return ExitCode::from(2);
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            say(&Answer::Failed(Problem::file("threads", &error)));
            return ExitCode::FAILURE;
        }
    };
    say(&Answer::Ready { engine: env!("CARGO_PKG_VERSION") });
    let (requests, inbox) = mpsc::channel::<io::Result<Request>>();
    thread::spawn(move || {
        for request in wire::requests(io::stdin().lock()) {
            if requests.send(request).is_err() {
                return;
            }
        }
        // Nobody waits for an answer any more.
        std::process::exit(0);
    });
    let stores = Stores::default();
    for request in inbox {
        let answer = match request {
            Ok(request) => runtime.block_on(objects::answer(&stores, request)),
            Err(error) => Err(Problem::protocol(error)),
        };
        say(&answer.unwrap_or_else(Answer::Failed));
    }
    ExitCode::SUCCESS
}
