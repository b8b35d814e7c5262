"""Reads every version of a ledger in four ways and compares them.

1. deltalake's own reader (DataFusion, over its implementation of the protocol in Rust)
2. polars' scan_delta (the log by deltalake, the Parquet files by polars)
3. the log by the few lines of json below, the Parquet files by polars
4. the tables that chartledger published of that version: rows of every export, rows of every date,
   streams of every track

python check.py PROGRAM FOLDER
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import polars as pl
from deltalake import DeltaTable, QueryBuilder

PROGRAM, DESK = sys.argv[1], Path(sys.argv[2])
LEDGER = DESK / "ledger" / "c"
PIPELINE = """
name = "c"
description = "conformance"
ledger = "ledger"
out = "out"

[exports]
paths = ["exports"]

[[mapped]]
name = "label"
chart = "my label, 100%:daily"
region = "global"

[mapped.columns]
date = "Day"
rank = "Pos"
track = "ISRC"
title = "Song"
artists = "Artist"
streams = "Plays"

[[tally]]
name = "track"
entity = "track"
clock = "all_time"
thresholds = [1_000_000]
"""
COLUMNS = {
    "chart": pl.String,
    "month": pl.String,
    "region": pl.Int32,
    "date": pl.Date,
    "rank": pl.Int32,
    "listing": pl.Int32,
    "streams": pl.Int64,
    "export": pl.Int32,
    "line": pl.Int32,
    "total": pl.Int64,
    "peak_rank": pl.Int32,
    "previous_rank": pl.Int32,
    "appearances": pl.Int32,
}


def chartledger(*args):
    done = subprocess.run([PROGRAM, *args], cwd=DESK, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"chartledger {' '.join(args)}: {done.returncode}\n{done.stderr}")


def synth(folder, dialect, *more):
    common = "--rows-per-chart 30 --tracks 90 --from 2023-12-20".split()
    chartledger("synth", "--output", f"exports/{folder}", "--dialect", dialect, *common, *more)
    for path in (DESK / "exports" / folder).rglob("*"):
        os.utime(path, (1_700_000_000, 1_700_000_000))


def commit(version):
    path = LEDGER / "_delta_log" / f"{version:020}.json"
    return [json.loads(line) for line in path.read_text().splitlines()]


def publish(tables):
    """Runs, and keeps the tables for the version that they count."""
    chartledger("run", "c.toml", "--quiet", "--allow-loss")
    latest = DESK / "out" / "c" / "latest"
    version = json.loads((latest / "run.json").read_text())["ledger"]["version"]
    tables[version] = DESK / f"tables-{version}"
    shutil.copytree(latest, tables[version], dirs_exist_ok=True)


def history():
    """Seven versions: a start, new charts and columns, a correction in place, a rival, a removal, and
    what comes after; the published tables of those that were published."""
    tables = {}
    DESK.joinpath("c.toml").write_text(PIPELINE)
    synth("kaggle", "kaggle", "--regions", "3", "--days", "20")
    publish(tables)
    # A chart whose name has to be escaped, in the path and in the log.
    label = DESK / "exports" / "label.csv"
    label.write_text("Day,Pos,ISRC,Song,Artist,Plays\n2023-12-20,1,X1,Some Song,Some Artist,1204\n")
    os.utime(label, (1_700_000_000, 1_700_000_000))
    synth("scraper", "scraper", "--days", "28")
    synth("kworb", "kworb", "--days", "20")
    publish(tables)
    changed = next(path for path in sorted((DESK / "exports" / "kaggle").rglob("*.csv")))
    lines = changed.read_text().splitlines(keepends=True)
    changed.write_text("".join(lines[: len(lines) * 2 // 3]))
    os.utime(changed, (1_700_000_100, 1_700_000_100))
    publish(tables)
    synth("rival", "official-daily", "--days", "20", "--seed", "7")
    publish(tables)
    name = str(changed.relative_to(DESK / "exports"))
    chartledger("ledger", "forget", name, "c.toml")
    publish(tables)
    chartledger("ledger", "forget", "--undo", name, "c.toml")
    # Which file is welcome again changes no row.
    tables[max(tables) + 1] = tables[max(tables)]
    publish(tables)
    return tables


def in_order(frame):
    missing = [pl.lit(None, dtype).alias(name) for name, dtype in COLUMNS.items() if name not in frame.columns]
    frame = frame.with_columns(missing).select(pl.col(name).cast(dtype) for name, dtype in COLUMNS.items())
    return frame.sort(frame.columns)


def by_hand(version):
    live = {}
    for number in range(version + 1):
        for action in commit(number):
            if remove := action.get("remove"):
                live.pop(remove["path"])
            if add := action.get("add"):
                live[add["path"]] = add
    frames = []
    for uri, add in live.items():
        path = unquote(uri)
        frame = pl.read_parquet(LEDGER / path, hive_partitioning=False)
        assert len(frame) == json.loads(add["stats"])["numRecords"], path
        assert (LEDGER / path).stat().st_size == add["size"], path
        frames.append(in_order(frame.with_columns(pl.lit(value).alias(key) for key, value in add["partitionValues"].items())))
    return in_order(pl.concat(frames))


def by_deltalake(version):
    table = DeltaTable(LEDGER, version=version)
    assert table.version() == version
    assert table.metadata().partition_columns == ["chart", "month"]
    assert {"WRITE"} <= {said["operation"] for said in table.history()}
    query = QueryBuilder().register("observations", table)
    return in_order(pl.DataFrame(query.execute("select * from observations").read_all()))


def by_polars(version):
    return in_order(pl.scan_delta(str(LEDGER), version=version).collect())


def same(what, one, other):
    if one.equals(other, null_equal=True):
        return
    odd = pl.concat([one.join(other, on=one.columns, how="anti", nulls_equal=True).head(3), other.join(one, on=one.columns, how="anti", nulls_equal=True).head(3)])
    sys.exit(f"{what}: {len(one)} and {len(other)} rows differ, such as\n{odd}")


def explained(version, rows):
    """The rows with names for codes, by the dictionaries of the newest commit up to a version."""
    said = next(action for action in commit(version) if "commitInfo" in action)["commitInfo"]["chartledger"]
    def names(path, *columns):
        return pl.read_parquet(LEDGER / path).select(columns)
    listings = names(said["listings"], "uri").with_row_index("listing")
    exports = names(said["exports"], "name").with_row_index("export")
    regions = pl.DataFrame({"place": said["regions"]}).with_row_index("region")
    for codes in (listings, exports, regions):
        code = codes.columns[0]
        rows = rows.join(codes.with_columns(pl.col(code).cast(pl.Int32)), on=code, how="left")
    assert rows.select("uri", "name", "place").null_count().sum_horizontal().item() == 0, "codes without names"
    return rows


def published(version, folder, rows):
    rows = explained(version, rows)
    tables = {name: pl.read_parquet(folder / f"{name}.parquet") for name in ("exports", "coverage", "totals")}

    used = rows.group_by(pl.col("name").alias("export")).agg(pl.len().cast(pl.Int64).alias("rows_used")).sort("export")
    due = tables["exports"].filter(pl.col("rows_used") > 0).select("export", "rows_used").sort("export")
    same(f"version {version}, rows of exports", used, due)

    key = ["chart", "region", "date"]
    rows = rows.with_columns(pl.col("place").alias("region"))
    dates = rows.group_by(key).agg(pl.len().cast(pl.Int64).alias("rows")).sort(key)
    due = tables["coverage"].filter(pl.col("rows") > 0).select(*key, "rows").sort(key)
    same(f"version {version}, rows of dates", dates, due)

    # A stale date does not count, and a counter adds its growth.
    stale = tables["coverage"].filter(pl.col("state") == "stale").select(key)
    counted = rows.filter(~pl.col("chart").str.starts_with("kworb")).join(stale, on=key, how="anti")
    key = ["chart", "region", "entity_id"]
    streams = counted.group_by("chart", "region", pl.col("uri").alias("entity_id")).agg(pl.col("streams").sum()).sort(key)
    due = tables["totals"].filter(pl.col("basis") == "chart").select(*key, "streams").sort(key)
    same(f"version {version}, streams of tracks", streams, due)
    return len(used), len(dates), len(streams)


def main():
    tables = history()
    newest = max(int(path.stem) for path in (LEDGER / "_delta_log").glob("*.json"))
    assert newest >= 6 and len(tables) == newest + 1, (newest, tables)
    operations = [commit(version)[0]["commitInfo"]["operation"] for version in range(newest + 1)]
    assert "DELETE" in operations, operations
    for version in range(newest + 1):
        rows = by_hand(version)
        if operations[version] == "DELETE":
            assert not rows.equals(by_hand(version - 1)), "nothing was taken out"
        same(f"version {version}, deltalake", rows, by_deltalake(version))
        same(f"version {version}, polars", rows, by_polars(version))
        exports, dates, tracks = published(version, tables[version], rows)
        print(
            f"version {version} ({operations[version]}): {len(rows)} rows by deltalake, polars and the log itself;"
            f" the tables of {exports} exports, {dates} dates, {tracks} tracks agree"
        )


main()
