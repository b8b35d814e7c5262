"""Checks that a peer published the same rows as chartledger, in the columns that both have.

    compare.py RUN PEER

RUN is a published run (`out/four-tables/latest`), PEER the folder of the peer's four tables. Says how
many rows were compared, or what differs, with the row and both values, and exits with 1.
"""

import sys

import duckdb

MILESTONE = """threshold, reached_on, start_on, days_elapsed, day_number, cumulative_before,
               streams_on_date, cumulative"""
RANKING = "value, rank, dense_rank"

# Peer's table: what it is in ours, its key, its other columns.
TABLES = {
    "track_milestones": (
        "milestones", "tally = 'track'", ["region", "entity_id", "threshold"],
        f"region, entity_id, entity, artists, {MILESTONE}"),
    "artist_milestones": (
        "milestones", "tally = 'artist-year'", ["region", "entity_id", "window", "threshold"],
        f'region, entity_id, entity, "window", {MILESTONE}, contributing_songs'),
    "most_streamed_tracks": (
        "rankings", "ranking = 'most-streamed-track'", ["region", "entity_id"],
        f"region, entity_id, entity, artists, {RANKING}"),
    "most_streamed_artists": (
        "rankings", "ranking = 'most-streamed-artist-in-year'", ["region", "entity_id", "window"],
        f'region, entity_id, entity, "window", {RANKING}, contributing_songs'),
}


def differences(con, name, run, peer):
    """The number of rows that agree, and sentences on what does not."""
    table, which, key, columns = TABLES[name]
    con.execute(f"CREATE OR REPLACE TEMP VIEW ours AS SELECT {columns} FROM '{run}/{table}.parquet' WHERE {which}")
    # By name, so that a peer may have its columns in any order; and a sum that became a float, or a
    # date that stayed text, is no longer the same column.
    con.execute(f"CREATE OR REPLACE TEMP VIEW theirs AS SELECT {columns} FROM read_parquet('{peer}/{name}*.parquet')")
    described = {side: con.execute(f"DESCRIBE {side}").fetchall() for side in ("ours", "theirs")}
    kinds = {side: {row[0]: kind(row[1]) for row in rows} for side, rows in described.items()}
    told = [
        f"{column} is {kinds['theirs'][column]}, ours is {ours}"
        for column, ours in kinds["ours"].items() if kinds["theirs"][column] != ours
    ]
    keys = ", ".join(f'"{column}"' for column in key)
    for side in ("ours", "theirs"):
        twice = con.execute(
            f"SELECT {keys}, count(*) FROM {side} GROUP BY {keys} HAVING count(*) > 1 LIMIT 3").fetchall()
        told += [f"{side}: {row[-1]} rows of {describe(key, row)}" for row in twice]
    rows = [con.execute(f"SELECT count(*) FROM {side}").fetchall()[0][0] for side in ("ours", "theirs")]
    if rows[0] != rows[1]:
        told.append(f"{rows[1]} rows, ours are {rows[0]}")
    for side, other in (("ours", "theirs"), ("theirs", "ours")):
        alone = con.execute(
            f"SELECT {keys} FROM {side} ANTI JOIN {other} USING ({keys}) ORDER BY ALL LIMIT 3").fetchall()
        told += [f"only {side}: {describe(key, row)}" for row in alone]
    for column in kinds["ours"]:
        if column not in key:
            unlike = con.execute(f"""
                SELECT {', '.join(f'ours."{part}"' for part in key)}, theirs."{column}", ours."{column}"
                FROM ours JOIN theirs USING ({keys})
                WHERE ours."{column}" IS DISTINCT FROM theirs."{column}" ORDER BY ALL LIMIT 3""").fetchall()
            told += [f"{describe(key, row)}: {column} is {row[-2]}, ours is {row[-1]}" for row in unlike]
    if not rows[0]:
        told.append("no rows, so nothing was compared")
    return rows[0], told


def kind(dtype):
    """How wide a whole number is, each writer chooses for itself."""
    return "a whole number" if dtype.lstrip("U") in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT") else dtype


def describe(key, row):
    return " ".join(f"{column}={value}" for column, value in zip(key, row))


def main():
    run, peer = sys.argv[1:3]
    con = duckdb.connect(config={"threads": 2})
    same = {}
    failed = False
    for name in TABLES:
        try:
            rows, told = differences(con, name, run, peer)
        except duckdb.Error as error:
            rows, told = 0, [str(error).splitlines()[0]]
        same[name] = rows
        for sentence in told:
            failed = True
            print(f"{name}: {sentence}", file=sys.stderr)
    if failed:
        sys.exit(1)
    print("the same " + ", ".join(f"{rows:,} {name.replace('_', ' ')}" for name, rows in same.items()))


if __name__ == "__main__":
    main()
