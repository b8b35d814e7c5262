"""The exports of the race, made by `chartledger synth` and, for Parquet, by DuckDB."""

import json
import os
import shutil
import subprocess
from datetime import date, timedelta
from pathlib import Path

FIRST_DAY = date(2019, 1, 1)
ROWS_PER_CHART = 200
SETTLED = 1_700_000_000
FIVE_YEARS, TEN_YEARS = 1826, 3652

MERGED = ["--dialect", "kaggle", "--regions", "70", "--tracks", "20000"]
PER_DAY = [*MERGED, "--layout", "per-day"]
DAILY = ["--dialect", "official-daily", "--regions", "40", "--tracks", "8000"]

# Name: options of synth, days, regions, bytes a row (for the estimate of disk).
SETS = {
    "history": (MERGED, FIVE_YEARS, 70, 140),
    "decade": (MERGED, TEN_YEARS, 70, 140),
    "daily": (DAILY, 730, 40, 130),
    "night-1": (PER_DAY, 365, 70, 140),
    "night-5": (PER_DAY, FIVE_YEARS, 70, 140),
    "night-10": (PER_DAY, TEN_YEARS, 70, 140),
    # The history once more, by another writer.
    "parquet": (None, FIVE_YEARS, 70, 10),
}

COLUMNS = """{'title': 'VARCHAR', 'rank': 'INTEGER', 'date': 'DATE', 'artist': 'VARCHAR', 'url': 'VARCHAR',
              'region': 'VARCHAR', 'chart': 'VARCHAR', 'trend': 'VARCHAR', 'streams': 'BIGINT'}"""


class Data:
    """Makes sets of exports when they are asked for, and removes them."""

    def __init__(self, folder, program, python, scale):
        self.folder, self.program, self.python, self.scale = folder, program, python, scale

    def path(self, name):
        return self.folder / name

    def days(self, name):
        # At least two days, so that there is one before the last.
        return max(2, round(SETS[name][1] * self.scale))

    def rows(self, name):
        return self.days(name) * SETS[name][2] * ROWS_PER_CHART

    def disk(self, name):
        return self.rows(name) * SETS[name][3]

    def first_day(self, name):
        """Scaled down, a history is laid across a new year, so that there are two windows."""
        if self.scale >= 1:
            return FIRST_DAY
        return FIRST_DAY + timedelta(days=365) - timedelta(days=min(365, self.days(name) // 3))

    def make(self, name):
        """Makes the set unless it is there, and gives its account."""
        made = self.folder / f"{name}.json"
        wanted = {"options": SETS[name][0], "days": self.days(name), "from": str(self.first_day(name))}
        if made.exists():
            account = json.loads(made.read_text())
            if account["wanted"] == wanted:
                return account
        self.remove(name)
        path = self.path(name)
        if name == "parquet":
            self.make("history")
            path.mkdir(parents=True)
            copy = (f"COPY (FROM read_csv('{self.path('history')}/charts.csv', columns = {COLUMNS}))"
                    f" TO '{path}/charts.parquet' (COMPRESSION zstd)")
            script = (f"import duckdb; con = duckdb.connect(config={{'threads': 2}});"
                      f" con.execute('SET enable_progress_bar = false'); con.execute({copy!r})")
            subprocess.run([self.python, "-c", script], check=True)
        else:
            subprocess.run(
                [self.program, "--quiet", "synth", "--output", path, *SETS[name][0],
                 "--from", wanted["from"], "--days", str(wanted["days"])], check=True)
        files = sorted(path.iterdir())
        # The program leaves files alone that may still be growing, and takes a file that has another
        # time for a changed one.
        for file in files:
            os.utime(file, (SETTLED, SETTLED))
        account = {"wanted": wanted, "rows": self.rows(name), "files": len(files),
                   "bytes": sum(file.stat().st_size for file in files)}
        made.write_text(json.dumps(account))
        return account

    def remove(self, name):
        (self.folder / f"{name}.json").unlink(missing_ok=True)
        shutil.rmtree(self.path(name), ignore_errors=True)

    def warm(self, name):
        """Brings the files into the cache of the system."""
        buffer = bytearray(1 << 20)
        for file in sorted(Path(self.path(name)).iterdir()):
            with open(file, "rb", buffering=0) as opened:
                while opened.readinto(buffer):
                    pass
