//! The one integration binary: everything is tested from outside the crate.
//!
//! | file | tests |
//! |---|---|
//! | `decode.rs` | bytes to rows, against the `csv` crate |
//! | `columns.rs` | whole numbers in Parquet pages, against polars |
//! | `dialects.rs` | every shape of export |
//! | `cli.rs` | the binary: commands, exit codes, output, files |
//! | `show.rs` | what `show` and `schema` print, and what is published |
//! | `claims.rs` | verdicts on what others say, claims files, the command |
//! | `accounts.rs` | same exports, same bytes; where every row went |
//! | `crash.rs` | kills at any instant and step, full disks, two runs at once |
//! | `verify.rs` | each kind of damage to ledger and runs, and what `verify` says of it |
//! | `forget.rs` | taking exports out of the ledger |
//! | `history.rs` | what a run changed, and what is kept of the past |
//! | `catalog.rs` | who is who: roles, dated names, songs, works, look-alikes |
//! | `bad_days.rs` | disks, clocks, links and downloaders that misbehave; the last good state survives |
//! | `hostile.rs` | exports made to harm, in bounded memory and time |
//! | `store/` | exports and tables at object stores; `tests/store/run` starts the servers |
//! | `signals.rs` | SIGINT and SIGTERM at any moment |
//! | `fuzz.rs` | mutated exports, pipelines and catalogs |
//! | `operations.rs` | logs, metrics, freshness |
//! | `timings.rs` | what a run says of the time its stages took |
//! | `views.rs` | help, tables on the screen, names that mean harm, progress; golden texts |
//! | `first_steps.rs` | `init`, proposals of `inspect`, refusals that help |
//! | `golden.rs` | the cases of `tests/golden` |
//! | `properties.rs` | the tables, against the oracle on made-up worlds |
//! | `explain.rs` | proofs of published figures, all of them and one by one |
//! | `report.rs` | the report as a file; `tests/browser` opens it |
//! | `readme.rs` | what the README shows, against what is printed |
//! | `sample.rs` | the exports that ship and the story they tell |
//! | `real_exports.rs` | exports of the real world, where they are at hand |

mod accounts;
mod bad_days;
mod catalog;
mod claims;
mod cli;
mod columns;
mod corrections;
mod crash;
mod decode;
mod dialects;
mod explain;
mod first_steps;
mod forget;
mod fuzz;
mod golden;
mod history;
mod hostile;
mod nights;
mod operations;
mod oracle;
mod properties;
mod readme;
mod real_exports;
mod report;
mod sample;
mod show;
mod signals;
mod spark;
mod store;
mod support;
mod timings;
mod truth;
mod verify;
mod views;
mod world;
