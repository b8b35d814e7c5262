"""The four tables in DuckDB."""

import duckdb

import job

# The columns of a merged export and of a daily one. Types that are given are not guessed.
MERGED = """{'title': 'VARCHAR', 'rank': 'SMALLINT', 'date': 'DATE', 'artist': 'VARCHAR', 'url': 'VARCHAR',
             'region': 'VARCHAR', 'chart': 'VARCHAR', 'trend': 'VARCHAR', 'streams': 'BIGINT'}"""
DAILY = """{'rank': 'SMALLINT', 'uri': 'VARCHAR', 'artist_names': 'VARCHAR', 'track_name': 'VARCHAR',
            'source': 'VARCHAR', 'peak_rank': 'SMALLINT', 'previous_rank': 'SMALLINT',
            'days_on_chart': 'INTEGER', 'streams': 'BIGINT'}"""
CSV = "header = true, delim = ',', quote = '\"', escape = '\"', auto_detect = false"


def read(con, job):
    """All rows into a table in memory: the four tables need them several times, and reading CSV is
    what costs most."""
    if job.form == "daily":
        # Region and date stand in the file's name only. They are taken out of each name once, not
        # once for each row.
        con.execute(f"""
            CREATE TEMP TABLE files AS
            SELECT file AS filename,
                   regexp_extract(file, 'regional-([a-z]+)-daily-', 1) AS region,
                   regexp_extract(file, '([0-9-]{{10}})[.]csv$', 1)::DATE AS date
            FROM glob('{job.exports}/*.csv')
        """)
        con.execute(f"""
            CREATE TABLE charts AS
            SELECT region, date, uri AS track, track_name AS title, artist_names AS artist, streams
            FROM read_csv('{job.exports}/*.csv', {CSV}, columns = {DAILY}, filename = true)
            JOIN files USING (filename)
        """)
        return
    if job.form == "parquet":
        # Cheap to read again, so the rows need not be kept: half the memory for the same time.
        kept, source = "VIEW", f"read_parquet('{job.exports}/*.parquet')"
    else:
        kept, source = "TABLE", f"read_csv('{job.exports}/*.csv', {CSV}, columns = {MERGED})"
    con.execute(f"""
        CREATE {kept} charts AS
        SELECT region, date, url AS track, title, artist, streams FROM {source} WHERE chart = 'top200'
    """)


def totals_first(con, save, least):
    """Adds up first. Only the few who can have reached the least threshold are then followed from
    day to day, so that the windows run over a fraction of the rows."""
    con.execute("""
        CREATE TABLE track_totals AS
        SELECT region, track, arg_max(title, date) AS title, arg_max(artist, date) AS artist,
               min(date) AS start_on, sum(streams)::BIGINT AS value
        FROM charts GROUP BY ALL
    """)
    save("most_streamed_tracks", MOST_STREAMED_TRACKS)
    con.execute(f"""
        CREATE TABLE crossings AS
        WITH running AS (
            SELECT region, track, date, streams,
                   sum(streams) OVER (PARTITION BY region, track ORDER BY date)::BIGINT AS cumulative
            FROM charts SEMI JOIN (FROM track_totals WHERE value >= {least}) USING (region, track))
        SELECT * FROM running JOIN thresholds ON cumulative >= threshold AND cumulative - streams < threshold
    """)
    save("track_milestones", TRACK_MILESTONES)
    # A song of a year comes once, however many days it is listed, before credits are taken apart.
    con.execute("""
        CREATE TABLE songs AS
        WITH whole AS (
            SELECT region, artist, title, year(date) AS year, min(date) AS first_on, sum(streams) AS streams
            FROM charts GROUP BY ALL)
        SELECT region, unnest(list_distinct(string_split(artist, ', '))) AS name,
               artist, title, year, first_on, streams
        FROM whole
    """)
    con.execute("""
        CREATE TABLE artist_totals AS
        SELECT region, name, year, sum(streams)::BIGINT AS value, count(*) AS contributing_songs
        FROM songs GROUP BY ALL
    """)
    save("most_streamed_artists", MOST_STREAMED_ARTISTS)
    con.execute(f"""
        CREATE TABLE hopefuls AS
        SELECT region, name, artist, title, year, first_on
        FROM songs SEMI JOIN (FROM artist_totals WHERE value >= {least}) USING (region, name, year)
    """)
    con.execute("""
        CREATE TABLE artist_crossings AS
        WITH days AS (
            SELECT h.region, h.name, h.year, c.date, sum(c.streams)::BIGINT AS streams
            FROM charts c JOIN hopefuls h USING (region, artist, title)
            WHERE h.year = year(c.date) GROUP BY ALL),
        running AS (
            SELECT *, sum(streams) OVER (PARTITION BY region, name, year ORDER BY date)::BIGINT AS cumulative
            FROM days)
        SELECT * FROM running JOIN thresholds ON cumulative >= threshold AND cumulative - streams < threshold
    """)
    con.execute("CREATE VIEW artist_songs AS SELECT region, name, year, first_on FROM hopefuls")
    save("artist_milestones", ARTIST_MILESTONES)


def first_draft(con, save, least):
    """What one writes down first: a window over all rows, and a row for each name of a credit."""
    con.execute("""
        CREATE TABLE track_days AS
        SELECT region, track, date, streams,
               sum(streams) OVER (PARTITION BY region, track ORDER BY date)::BIGINT AS cumulative
        FROM charts
    """)
    con.execute("""
        CREATE TABLE track_totals AS
        SELECT region, track, arg_max(title, date) AS title, arg_max(artist, date) AS artist,
               min(date) AS start_on, sum(streams)::BIGINT AS value
        FROM charts GROUP BY ALL
    """)
    con.execute("""
        CREATE VIEW crossings AS
        SELECT * FROM track_days JOIN thresholds ON cumulative >= threshold AND cumulative - streams < threshold
    """)
    save("track_milestones", TRACK_MILESTONES)
    save("most_streamed_tracks", MOST_STREAMED_TRACKS)
    con.execute("""
        CREATE TABLE artist_rows AS
        SELECT region, unnest(list_distinct(string_split(artist, ', '))) AS name,
               year(date) AS year, date, artist, title, streams
        FROM charts
    """)
    con.execute("""
        CREATE TABLE artist_days AS
        WITH days AS (
            SELECT region, name, year, date, sum(streams)::BIGINT AS streams FROM artist_rows GROUP BY ALL)
        SELECT *, sum(streams) OVER (PARTITION BY region, name, year ORDER BY date)::BIGINT AS cumulative
        FROM days
    """)
    con.execute("""
        CREATE TABLE artist_songs AS
        SELECT region, name, year, artist, title, min(date) AS first_on FROM artist_rows GROUP BY ALL
    """)
    con.execute("""
        CREATE TABLE artist_totals AS
        WITH sums AS (SELECT region, name, year, max(cumulative) AS value FROM artist_days GROUP BY ALL),
             counts AS (SELECT region, name, year, count(*) AS contributing_songs FROM artist_songs GROUP BY ALL)
        SELECT * FROM sums JOIN counts USING (region, name, year)
    """)
    con.execute("""
        CREATE VIEW artist_crossings AS
        SELECT * FROM artist_days JOIN thresholds ON cumulative >= threshold AND cumulative - streams < threshold
    """)
    save("artist_milestones", ARTIST_MILESTONES)
    save("most_streamed_artists", MOST_STREAMED_ARTISTS)


# The published columns. `region` is given its code here, where there are few rows.
TRACK_MILESTONES = """
    SELECT coalesce(code, region) AS region, 'spotify:track:' || right(track, 22) AS entity_id,
           title AS entity, artist AS artists, threshold, date AS reached_on, start_on,
           date - start_on AS days_elapsed, date - start_on + 1 AS day_number,
           cumulative - streams AS cumulative_before, streams AS streams_on_date, cumulative
    FROM crossings JOIN track_totals USING (region, track) LEFT JOIN regions USING (region)
"""
ARTIST_MILESTONES = """
    SELECT coalesce(code, region) AS region, 'name:' || name AS entity_id, name AS entity,
           year::VARCHAR AS "window", threshold, date AS reached_on, make_date(year, 1, 1) AS start_on,
           date - make_date(year, 1, 1) AS days_elapsed, dayofyear(date) AS day_number,
           cumulative - streams AS cumulative_before, streams AS streams_on_date, cumulative,
           count(*) AS contributing_songs
    FROM artist_crossings JOIN artist_songs USING (region, name, year) LEFT JOIN regions USING (region)
    WHERE first_on <= date
    GROUP BY ALL
"""
MOST_STREAMED_TRACKS = """
    SELECT coalesce(code, region) AS region, 'spotify:track:' || right(track, 22) AS entity_id,
           title AS entity, artist AS artists, value, rank() OVER streams AS rank,
           dense_rank() OVER streams AS dense_rank
    FROM track_totals LEFT JOIN regions USING (region)
    WINDOW streams AS (PARTITION BY region ORDER BY value DESC)
"""
MOST_STREAMED_ARTISTS = """
    SELECT coalesce(code, region) AS region, 'name:' || name AS entity_id, name AS entity,
           year::VARCHAR AS "window", value, contributing_songs, rank() OVER streams AS rank,
           dense_rank() OVER streams AS dense_rank
    FROM artist_totals LEFT JOIN regions USING (region)
    WINDOW streams AS (PARTITION BY region, year ORDER BY value DESC)
"""


def main():
    plans = {"totals-first": totals_first, "first-draft": first_draft}
    this = job.arguments(__doc__, list(plans))
    con = duckdb.connect(config={"threads": this.threads})
    # Rows may come in any order, which saves the reader keeping it.
    con.execute("SET preserve_insertion_order = false")
    con.execute(f"CREATE TABLE regions AS FROM read_csv('{job.REGIONS}')")
    con.execute(f"CREATE TABLE thresholds AS SELECT unnest({this.thresholds}::BIGINT[]) AS threshold")
    read(con, this)
    if this.scan_only:
        return

    def save(name, query):
        con.execute(f"COPY ({query}) TO '{this.out}/{name}.parquet' (COMPRESSION zstd)")

    plans[this.plan](con, save, this.thresholds[0])


if __name__ == "__main__":
    main()
