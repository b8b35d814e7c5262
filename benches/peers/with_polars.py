"""The four tables in polars: lazy frames and the streaming engine."""

import os

import job

PLANS = ["totals-first", "first-draft"]
this = job.arguments(__doc__, PLANS)
# Read when polars is imported.
os.environ["POLARS_MAX_THREADS"] = str(this.threads)

import polars as pl  # noqa: E402

# The columns of a merged export and of a daily one. Types that are given are not guessed; text that
# repeats is kept once, as codes, which a first draft does not think of.
TEXT = pl.Categorical if this.plan == "totals-first" else pl.String
MERGED = {"title": TEXT, "rank": pl.Int16, "date": pl.Date, "artist": TEXT, "url": TEXT,
          "region": TEXT, "chart": TEXT, "trend": TEXT, "streams": pl.Int64}
DAILY = {"rank": pl.Int16, "uri": TEXT, "artist_names": TEXT, "track_name": TEXT, "source": TEXT,
         "peak_rank": pl.Int16, "previous_rank": pl.Int16, "days_on_chart": pl.Int32, "streams": pl.Int64}


def charts():
    """All rows, lazily."""
    if this.form == "daily":
        # Region and date stand in the file's name only: regional-us-daily-2022-01-01.csv.
        rows = pl.scan_csv(this.exports / "*.csv", schema=DAILY, include_file_paths="file")
        rows = rows.with_columns(
            region=pl.col("file").str.extract("regional-([a-z]+)-daily-"),
            date=pl.col("file").str.slice(-14, 10).str.to_date("%Y-%m-%d"))
        return rows.select("region", "date", "streams", track="uri", title="track_name", artist="artist_names")
    if this.form == "parquet":
        rows = pl.scan_parquet(this.exports / "*.parquet")
        rows = rows.with_columns(pl.col(name).cast(TEXT) for name in ("region", "url", "title", "artist"))
    else:
        rows = pl.scan_csv(this.exports / "*.csv", schema=MERGED)
    rows = rows.filter(pl.col("chart") == "top200")
    return rows.select("region", "date", "streams", track="url", title="title", artist="artist")


TRACK = ["region", "track"]
ARTIST = ["region", "name", "year"]
SONG = ["region", "artist", "title", "year"]


def totals_first(rows):
    """Adds up first. Only the few who can have reached the least threshold are then followed from
    day to day, so that only a fraction of the rows is sorted."""
    track_totals, songs = pl.collect_all([track_sums(rows), song_years(rows)], engine="streaming")
    hopefuls = track_totals.filter(pl.col("value") >= this.thresholds[0])
    days = rows.join(hopefuls.lazy().select(TRACK), on=TRACK, how="semi").select(*TRACK, "date", "streams")
    save_tracks(crossings(days, TRACK), track_totals)

    # A song of a year comes once, however many days it is listed, before credits are taken apart.
    songs = credited(songs.lazy()).collect(engine="streaming")
    artist_totals = songs.group_by(ARTIST).agg(
        value=pl.col("streams").sum(), contributing_songs=pl.len().cast(pl.Int64))
    can = artist_totals.filter(pl.col("value") >= this.thresholds[0])
    hopefuls = songs.join(can, on=ARTIST, how="semi").select(*SONG, "name", "first_on")
    days = (
        rows.with_columns(year=pl.col("date").dt.year())
        .join(hopefuls.lazy().drop("first_on"), on=SONG)
        .group_by(*ARTIST, "date").agg(pl.col("streams").sum())
    )
    save_artists(crossings(days, ARTIST), hopefuls, artist_totals)


def first_draft(rows):
    """What one writes down first: running sums over all rows, and a row for each name of a credit."""
    days = rows.select(*TRACK, "date", "streams")
    save_tracks(crossings(days, TRACK), track_sums(rows).collect(engine="streaming"))

    credits = credited(rows.with_columns(year=pl.col("date").dt.year()))
    days, songs = pl.collect_all([
        credits.group_by(*ARTIST, "date").agg(pl.col("streams").sum()),
        credits.group_by(*SONG, "name").agg(first_on=pl.col("date").min()),
    ], engine="streaming")
    artist_totals = days.group_by(ARTIST).agg(value=pl.col("streams").sum()).join(
        songs.group_by(ARTIST).agg(contributing_songs=pl.len().cast(pl.Int64)), on=ARTIST)
    save_artists(crossings(days.lazy(), ARTIST), songs, artist_totals)


def track_sums(rows):
    return rows.group_by(TRACK).agg(
        pl.col("title").max_by("date"), pl.col("artist").max_by("date"),
        start_on=pl.col("date").min(), value=pl.col("streams").sum())


def song_years(rows):
    return rows.group_by("region", "artist", "title", year=pl.col("date").dt.year()).agg(
        first_on=pl.col("date").min(), streams=pl.col("streams").sum())


def credited(rows):
    names = pl.col("artist").cast(pl.String).str.split(", ").list.unique()
    return rows.with_columns(name=names).explode("name")


def crossings(days, entity):
    """The days on which a running sum comes to or over a threshold."""
    running = days.sort(*entity, "date").with_columns(cumulative=pl.col("streams").cum_sum().over(entity))
    before = pl.col("cumulative") - pl.col("streams")
    # There are few thresholds and few crossings: one pass for each is cheaper than a join.
    running = running.filter(pl.col("cumulative") >= this.thresholds[0]).collect(engine="streaming")
    return pl.concat(
        running.filter(pl.col("cumulative") >= threshold, before < threshold)
        .with_columns(threshold=pl.lit(threshold, pl.Int64))
        for threshold in this.thresholds)


# The published columns. `region` is given its code here, where there are few rows.
CODES = dict(pl.read_csv(job.REGIONS).iter_rows())
REGION = pl.col("region").cast(pl.String).replace(CODES)
MILESTONE = {
    "reached_on": pl.col("date"),
    "cumulative_before": pl.col("cumulative") - pl.col("streams"),
    "streams_on_date": pl.col("streams"),
    "days_elapsed": (pl.col("date") - pl.col("start_on")).dt.total_days(),
    "day_number": (pl.col("date") - pl.col("start_on")).dt.total_days() + 1,
}


def ranks(window):
    return {name: pl.col("value").rank(method, descending=True).over(window).cast(pl.Int64)
            for name, method in (("rank", "min"), ("dense_rank", "dense"))}


def save_tracks(milestones, totals):
    identity = {"region": REGION, "entity_id": "spotify:track:" + pl.col("track").cast(pl.String).str.tail(22),
                "entity": pl.col("title").cast(pl.String), "artists": pl.col("artist").cast(pl.String)}
    milestones.join(totals, on=TRACK).select(
        "threshold", "start_on", "cumulative", **identity, **MILESTONE
    ).write_parquet(this.out / "track_milestones.parquet")
    totals.select("value", **identity, **ranks("region")).write_parquet(
        this.out / "most_streamed_tracks.parquet")


def save_artists(milestones, songs, totals):
    identity = {"region": REGION, "entity_id": "name:" + pl.col("name"), "entity": pl.col("name"),
                "window": pl.col("year").cast(pl.String)}
    crossing = [*ARTIST, "date", "threshold", "streams", "cumulative"]
    counted = (
        milestones.join(songs.select(*ARTIST, "first_on"), on=ARTIST)
        .filter(pl.col("first_on") <= pl.col("date"))
        .group_by(crossing).agg(contributing_songs=pl.len().cast(pl.Int64))
    )
    counted.with_columns(start_on=pl.date("year", 1, 1)).select(
        "threshold", "start_on", "cumulative", "contributing_songs", **identity, **MILESTONE
    ).write_parquet(this.out / "artist_milestones.parquet")
    totals.select("value", "contributing_songs", **identity, **ranks(["region", "year"])).write_parquet(
        this.out / "most_streamed_artists.parquet")


def main():
    # Into memory once: the four tables need the rows several times, and reading CSV is what costs most.
    rows = charts().collect(engine="streaming").lazy()
    if not this.scan_only:
        {"totals-first": totals_first, "first-draft": first_draft}[this.plan](rows)


if __name__ == "__main__":
    main()
