//! chartledger: from music-streaming chart exports to published milestone and ranking tables.
//!
//! ```text
//! exports ──▶ ledger ──▶ tally ──▶ tables ──▶ publish
//!                          ▲
//!                       catalog
//! ```
//!
//! Data goes one way. A room knows the rooms to its left through plain data and never the ones to
//! its right; [`run`] walks them in order. The rules behind every figure are in
//! `docs/definitions.md`, the reasons for this layout in `docs/design.md`.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod arrivals;
pub mod catalog;
pub mod changes;
pub mod claims;
pub mod dates;
pub mod engine;
pub mod error;
pub mod explain;
pub mod exports;
pub mod files;
pub mod frame;
pub mod freshness;
pub mod history;
pub mod hook;
pub mod ledger;
pub mod metrics;
pub mod parquet;
pub mod pipeline;
pub mod proof;
pub mod publish;
pub mod report;
pub mod reporting;
pub mod run;
pub mod seal;
pub mod starter;
pub mod store;
pub mod synth;
pub mod tables;
pub mod tally;
pub mod underway;
pub mod verify;

/// The version of this program and the source it was made of.
pub const PROGRAM: &str = concat!(env!("CARGO_PKG_VERSION"), "+", env!("CHARTLEDGER_SOURCE"));
