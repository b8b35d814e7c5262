"""The four tables in DataFusion. Daily exports are beyond it: region and date stand in the names of
the files, which it does not give."""

import pyarrow as pa
from datafusion import SessionConfig, SessionContext

import job

# The columns of a merged export and of a daily one. Types that are given are not guessed.
MERGED = pa.schema([
    ("title", pa.string()), ("rank", pa.int16()), ("date", pa.date32()), ("artist", pa.string()),
    ("url", pa.string()), ("region", pa.string()), ("chart", pa.string()), ("trend", pa.string()),
    ("streams", pa.int64())])


def read(ctx, job):
    """All rows into a table in memory: the four tables need them several times, and reading CSV is
    what costs most."""
    if job.form == "parquet":
        ctx.register_parquet("exports", f"{job.exports}/")
    else:
        ctx.register_csv("exports", f"{job.exports}/", schema=MERGED, has_header=True)
    run(ctx, """
        CREATE TABLE charts AS
        SELECT region, date, url AS track, title, artist, streams FROM exports WHERE chart = 'top200'
    """)


def totals_first(ctx, save, least):
    """Adds up first. Only the few who can have reached the least threshold are then followed from
    day to day, so that the windows run over a fraction of the rows."""
    run(ctx, """
        CREATE TABLE track_totals AS
        SELECT region, track, last_value(title ORDER BY date) AS title,
               last_value(artist ORDER BY date) AS artist, min(date) AS start_on, sum(streams) AS value
        FROM charts GROUP BY region, track
    """)
    save("most_streamed_tracks", """
        SELECT coalesce(code, t.region) AS region, 'spotify:track:' || right(track, 22) AS entity_id,
               title AS entity, artist AS artists, value,
               CAST(rank() OVER streams AS BIGINT) AS rank,
               CAST(dense_rank() OVER streams AS BIGINT) AS dense_rank
        FROM track_totals t LEFT JOIN regions r ON r.region = t.region
        WINDOW streams AS (PARTITION BY t.region ORDER BY value DESC)
    """)
    save("track_milestones", f"""
        WITH running AS (
            SELECT c.region, c.track, date, streams,
                   sum(streams) OVER (PARTITION BY c.region, c.track ORDER BY date) AS cumulative
            FROM charts c LEFT SEMI JOIN (SELECT region, track FROM track_totals WHERE value >= {least}) h
                 ON c.region = h.region AND c.track = h.track)
        SELECT coalesce(code, c.region) AS region, 'spotify:track:' || right(c.track, 22) AS entity_id,
               title AS entity, artist AS artists, threshold, date AS reached_on, start_on,
               {DAYS} AS days_elapsed, {DAYS} + 1 AS day_number,
               cumulative - streams AS cumulative_before, streams AS streams_on_date, cumulative
        FROM running c JOIN thresholds ON cumulative >= threshold AND cumulative - streams < threshold
             JOIN track_totals t ON c.region = t.region AND c.track = t.track
             LEFT JOIN regions r ON r.region = c.region
    """)
    # A song of a year comes once, however many days it is listed, before credits are taken apart.
    run(ctx, """
        CREATE TABLE songs AS
        WITH whole AS (
            SELECT region, artist, title, date_part('year', date) AS year, min(date) AS first_on,
                   sum(streams) AS streams
            FROM charts GROUP BY 1, 2, 3, 4)
        SELECT region, unnest(array_distinct(string_to_array(artist, ', '))) AS name,
               artist, title, year, first_on, streams
        FROM whole
    """)
    run(ctx, """
        CREATE TABLE artist_totals AS
        SELECT region, name, year, sum(streams) AS value, count(*) AS contributing_songs
        FROM songs GROUP BY region, name, year
    """)
    save("most_streamed_artists", """
        SELECT coalesce(code, t.region) AS region, 'name:' || name AS entity_id, name AS entity,
               CAST(year AS VARCHAR) AS "window", value, contributing_songs,
               CAST(rank() OVER streams AS BIGINT) AS rank,
               CAST(dense_rank() OVER streams AS BIGINT) AS dense_rank
        FROM artist_totals t LEFT JOIN regions r ON r.region = t.region
        WINDOW streams AS (PARTITION BY t.region, year ORDER BY value DESC)
    """)
    run(ctx, f"""
        CREATE TABLE hopefuls AS
        SELECT s.region, s.name, artist, title, s.year, first_on
        FROM songs s LEFT SEMI JOIN (SELECT region, name, year FROM artist_totals WHERE value >= {least}) h
             ON s.region = h.region AND s.name = h.name AND s.year = h.year
    """)
    save("artist_milestones", f"""
        WITH days AS (
            SELECT h.region, h.name, h.year, c.date, sum(c.streams) AS streams
            FROM charts c JOIN hopefuls h ON c.region = h.region AND c.artist = h.artist
                 AND c.title = h.title AND date_part('year', c.date) = h.year
            GROUP BY 1, 2, 3, 4),
        running AS (
            SELECT *, make_date(year, 1, 1) AS start_on,
                   sum(streams) OVER (PARTITION BY region, name, year ORDER BY date) AS cumulative
            FROM days)
        SELECT coalesce(code, c.region) AS region, 'name:' || c.name AS entity_id, c.name AS entity,
               CAST(c.year AS VARCHAR) AS "window", threshold, date AS reached_on, start_on,
               {DAYS} AS days_elapsed, {DAYS} + 1 AS day_number,
               cumulative - streams AS cumulative_before, streams AS streams_on_date, cumulative,
               count(*) AS contributing_songs
        FROM running c JOIN thresholds ON cumulative >= threshold AND cumulative - streams < threshold
             JOIN hopefuls s ON s.region = c.region AND s.name = c.name AND s.year = c.year
             LEFT JOIN regions r ON r.region = c.region
        WHERE first_on <= date
        GROUP BY code, c.region, c.name, c.year, threshold, date, start_on, streams, cumulative
    """)


DAYS = "(CAST(date AS INT) - CAST(start_on AS INT))"


def run(ctx, statement):
    ctx.sql(statement).collect()


def main():
    this = job.arguments(__doc__, ["totals-first"], forms=("merged", "parquet"))
    ctx = SessionContext(SessionConfig().with_target_partitions(this.threads))
    ctx.register_csv("regions", str(job.REGIONS))
    ctx.from_pydict({"threshold": this.thresholds}, name="thresholds")
    read(ctx, this)
    if this.scan_only:
        return

    def save(name, query):
        ctx.sql(query).write_parquet(str(this.out / f"{name}.parquet"), compression="zstd")

    totals_first(ctx, save, this.thresholds[0])


if __name__ == "__main__":
    main()
