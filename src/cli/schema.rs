//! `chartledger schema`

use std::io::{self, Write};

use chartledger::error::Error;
use chartledger::tables::describe;
use chartledger::tables::{self, Contract};
use clap::{Args, ValueEnum};
use serde_json::Value;

/// What `schema` takes.
#[derive(Args)]
pub struct SchemaArgs {
    /// One table; all of them without it
    #[arg(value_name = "TABLE")]
    table: Option<String>,
    /// How to write it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Text,
    Json,
}

pub fn main(args: SchemaArgs) -> anyhow::Result<()> {
    let contracts = match &args.table {
        Some(name) => vec![contract(name)?],
        None => tables::ALL.to_vec(),
    };
    let mut out = io::stdout().lock();
    match args.format {
        Format::Json => {
            let values: Vec<Value> = contracts.into_iter().map(describe::describe).collect();
            let value =
                if args.table.is_some() { values.into_iter().next() } else { Some(Value::from(values)) };
            writeln!(out, "{:#}", value.unwrap_or_default())?;
        }
        Format::Text => {
            for (place, contract) in contracts.into_iter().enumerate() {
                writeln!(out, "{}{}: {}", if place > 0 { "\n" } else { "" }, contract.name, contract.about)?;
                writeln!(out, "  grain and order: {}", contract.grain.join(", "))?;
                for field in contract.columns {
                    let kind = format!("{}{}", field.kind.word(), if field.nullable { "?" } else { "" });
                    writeln!(out, "  {:<21} {kind:<9} {}", field.name, field.about)?;
                }
            }
        }
    }
    Ok(())
}

/// The contract of a table by its name.
pub fn contract(name: &str) -> Result<&'static Contract, Error> {
    let nearest = |contract: &&&Contract| (strsim::jaro_winkler(contract.name, name) * 1e6) as u32;
    tables::ALL.into_iter().find(|contract| contract.name == name).ok_or_else(|| {
        let meant = tables::ALL.iter().max_by_key(nearest).map_or("", |contract| contract.name);
        let all = tables::ALL.map(|contract| contract.name).join(", ");
        Error::Usage(format!("no table is called `{name}`; did you mean {meant}? The tables are {all}"))
    })
}
