//! `chartledger schema`

use std::ffi::OsStr;
use std::io::{self, Write};

use chartledger::error::Error;
use chartledger::tables::describe;
use chartledger::tables::{self, Contract};
use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, Args, Command, ValueEnum};
use serde_json::Value;

use super::nearest::did_you_mean;
use super::text;

/// What `schema` takes.
#[derive(Args)]
pub struct SchemaArgs {
    /// One table; all of them without it
    #[arg(value_name = "TABLE", value_parser = TableName)]
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

/// The name of a table, for which help and completions list those there are. What is none of them is
/// answered later, with the nearest.
#[derive(Clone)]
pub struct TableName;

impl TypedValueParser for TableName {
    type Value = String;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let named = |contract: &&Contract| PossibleValue::new(contract.name).help(contract.about);
        Some(Box::new(tables::ALL.iter().map(named).collect::<Vec<_>>().into_iter()))
    }
}

/// The contract of a table by its name.
pub fn contract(name: &str) -> Result<&'static Contract, Error> {
    tables::ALL.into_iter().find(|contract| contract.name == name).ok_or_else(|| {
        let names = tables::ALL.map(|contract| contract.name);
        let all = format!("the tables are {}", names.join(", "));
        let meant = did_you_mean(names, name, all);
        Error::Usage(format!("no table is called `{}`; {meant}", text::printable(name)))
    })
}
