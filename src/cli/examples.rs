//! What stands below the help of every command.

/// Below the help of the program itself.
pub const FIRST: &str = "\
Examples:
  chartledger init my-charts           a place to start from
  chartledger inspect FILE             what an export is
  chartledger run                      read new exports, count, publish
  chartledger show rankings            what came of it
  chartledger help show                how to ask for more";
pub const RUN: &str = "\
Examples:
  chartledger run                                        the pipeline that is here
  chartledger run pipelines/charts.toml --exports ~/charts --ledger ledger/mine --out out/mine
  chartledger run --as-of 2024-03-18                     as if it were that day
  chartledger run --strict --log-format json             unattended: stop at a bad row, log in JSON
  chartledger run --on-change 'mail -s charts me@example.org'";
pub const PLAN: &str = "\
Examples:
  chartledger plan
  chartledger plan pipelines/charts.toml --exports ~/charts --ledger ledger/mine";
pub const INSPECT: &str = "\
Examples:
  chartledger inspect data/exports/kaggle-2023-autumn
  chartledger inspect --pipeline chartledger.toml report.csv    with its mapped dialects
  chartledger inspect --propose report.csv >> chartledger.toml  have an unknown file read";
pub const SHOW: &str = "\
Examples:
  chartledger show rankings --ranking best-year-to-1b
  chartledger show milestones --entity seven --columns threshold,reached_on,certainty,day_number
  chartledger show totals --where 'streams>=1000000000' --sort streams --desc
  chartledger show chart_runs --artist 정국 --format markdown
  chartledger show rankings --format spreadsheet > rankings.csv
  chartledger show pace --as-of-run 20240320 --format ndjson";
pub const DIFF: &str = "\
Examples:
  chartledger diff                                       the latest run against the one before
  chartledger diff 20240318 20240320 --columns change,says
  chartledger diff --format json --limit 10";
pub const REPORT: &str = "\
Examples:
  chartledger report --output report.html                the latest run as one page
  chartledger report pipelines/charts.toml --output charts.html --no-race
  chartledger report --as-of-run 20240320 --output then.html";
pub const HISTORY: &str = "\
Examples:
  chartledger history --limit 10
  chartledger history pipelines/charts.toml --format csv";
pub const EXPLAIN: &str = "\
Examples:
  chartledger explain --entity seven --threshold 1000000000
  chartledger explain --entity \"Jung Kook\" --total --tally artist-year --window 2024
  chartledger explain --entity seven --rows --format csv > rows.csv";
pub const SCHEMA: &str = "\
Examples:
  chartledger schema milestones
  chartledger schema --format json";
pub const VERIFY: &str = "\
Examples:
  chartledger verify
  chartledger verify pipelines/charts.toml --ledger ledger/mine --out out/mine --limit 100";
pub const CATALOG: &str = "\
Examples:
  chartledger catalog check";
pub const CATALOG_CHECK: &str = "\
Examples:
  chartledger catalog check
  chartledger catalog check pipelines/charts.toml --catalog data/catalog --format json";
pub const CLAIMS: &str = "\
Examples:
  chartledger claims check data/claims/k-soloists.toml";
pub const CLAIMS_CHECK: &str = "\
Examples:
  chartledger claims check data/claims/k-soloists.toml
  chartledger claims check claims.toml pipelines/charts.toml --as-of 2023-12-31 --strict";
pub const LEDGER: &str = "\
Examples:
  chartledger ledger forget kaggle-2023-autumn/charts.csv.zst
  chartledger ledger vacuum --dry-run";
pub const LEDGER_FORGET: &str = "\
Examples:
  chartledger ledger forget kaggle-2023-autumn/charts.csv.zst
  chartledger ledger forget kaggle-2023-autumn/charts.csv.zst --undo";
pub const LEDGER_VACUUM: &str = "\
Examples:
  chartledger ledger vacuum --dry-run                    what would go
  chartledger ledger vacuum";
pub const SYNTH: &str = "\
Examples:
  chartledger synth --scenario k-soloists --output exports
  chartledger synth --output exports --seed 7 --days 365 --regions 20 --dialect official-daily";
pub const INIT: &str = "\
Examples:
  chartledger init my-charts
  chartledger init .";
pub const COMPLETIONS: &str = "\
Examples:
  chartledger completions bash > ~/.local/share/bash-completion/completions/chartledger
  chartledger completions zsh > ~/.zfunc/_chartledger
  chartledger completions fish > ~/.config/fish/completions/chartledger.fish";
pub const MAN: &str = "\
Examples:
  chartledger man ~/.local/share/man/man1                then: man chartledger-show
  chartledger man | man -l -";
