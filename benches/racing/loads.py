"""Who runs on what, and in which order.

A load names its data and its contenders. A contender is a name with two functions: `prepare`, which is
not timed, and `command`, which is. `after` looks at what it left behind and gives more to keep.
"""

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Optional

from .measure import Failed, run

OURS = "chartledger"
FOUR = "chartledger, without sensitivity"
PEERS = Path(__file__).resolve().parent.parent / "peers"


@dataclass
class Contender:
    name: str
    command: Callable
    data: str
    prepare: Callable = lambda: None
    after: Callable = dict
    cwd: Optional[Path] = None
    # A guess in seconds for a million rows, for the estimate of how long the race takes.
    guess: float = 0.8
    # A guess of what is prepared once, in the same unit.
    guess_once: float = 0.0


@dataclass
class Load:
    name: str
    about: str
    contenders: list
    rounds_more: int = 0
    data: list = field(default_factory=list)


class Track:
    """What contenders need: the program, the pipelines, the folders."""

    def __init__(self, folder, data, program, python, thresholds, pipelines, threads):
        self.folder, self.data, self.program, self.python = folder, data, program, python
        self.thresholds, self.pipelines, self.threads = thresholds, pipelines, threads
        self.work = folder / "work"

    # Ours.

    def job(self, data, place, pipeline="whole"):
        return [self.pipelines[pipeline], "--exports", self.data.path(data),
                "--ledger", place / "ledger", "--out", place / "out"]

    def clear(self, place):
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)

    def ours(self, name, data, *, pipeline="whole", threads=None, reference=None, guess=0.8):
        """A whole run from nothing."""
        place = self.work / "ours"

        def after():
            run = latest(place)
            if reference:
                # What the peers are compared with.
                shutil.rmtree(self.reference(reference), ignore_errors=True)
                shutil.copytree(run, self.reference(reference))
            kept = stages(run)
            kept["ledger_bytes"] = size(place / "ledger")
            self.clear(place)
            return kept

        return Contender(
            name, lambda: [self.program, "--quiet", "--threads", threads or self.threads, "run",
                           *self.job(data, place, pipeline)],
            data, prepare=lambda: self.clear(place), after=after, guess=guess)

    def reference(self, load):
        return self.folder / "reference" / load

    def untimed(self, place, data, *more):
        log = self.folder / "prepare.log"
        run([self.program, "--quiet", "run", *self.job(data, place), *more], timeout=3600, log=log)

    def ours_full(self, data):
        """Every month counted again, from a ledger that holds the history already."""
        place = self.work / "full"

        def prepare():
            if not (place / "ready").exists():
                self.clear(place)
                self.untimed(place, data)
                (place / "ready").touch()

        return Contender(
            f"{OURS}, --full from the ledger",
            lambda: [self.program, "--quiet", "--threads", self.threads, "run", "--full", *self.job(data, place)],
            data, prepare=prepare, after=lambda: stages(latest(place)), guess=0.5, guess_once=0.8)

    def ours_night(self, data, years):
        """One new day on a history that has been counted."""
        place, before = self.work / f"{data}-now", self.work / f"{data}-before"
        away = self.work / f"{data}-new-day"

        def prepare():
            exports = self.data.path(data)
            for file in list(away.glob("*.csv")) if away.exists() else []:
                file.rename(exports / file.name)
            new_day = sorted(exports.glob("*.csv"))[-1]
            if not (before / "ready").exists():
                self.clear(before)
                self.clear(away)
                new_day.rename(away / new_day.name)
                try:
                    self.untimed(before, data)
                finally:
                    (away / new_day.name).rename(new_day)
                (before / "ready").touch()
            shutil.rmtree(place, ignore_errors=True)
            # Links stay links: `latest` is one.
            shutil.copytree(before, place, symlinks=True)

        def after():
            if latest(place).resolve().name == latest(before).resolve().name:
                raise Failed("the new day was not taken in")
            kept = stages(latest(place))
            shutil.rmtree(place)
            return kept

        return Contender(
            f"{OURS}, a day on {years} year{'s' if years > 1 else ''}",
            lambda: [self.program, "--quiet", "--threads", self.threads, "run", *self.job(data, place)],
            data, prepare=prepare, after=after, guess=0.15, guess_once=0.8)

    # Theirs.

    def peer(self, tool, data, form, load, *, plan=None, scan=False, guess=1.0):
        place = self.work / tool
        names = {"duckdb": "DuckDB", "polars": "polars", "datafusion": "DataFusion"}
        name = names[tool] + (", only scans" if scan else f", {plan}" if plan else "")

        def command():
            words = [self.python, "-B", PEERS / f"with_{tool}.py", self.data.path(data), "--form", form,
                     "--threads", self.threads]
            if plan:
                words += ["--plan", plan]
            if scan:
                return [*words, "--scan-only"]
            return [*words, "--out", place, "--thresholds", ",".join(map(str, self.thresholds))]

        def after():
            if scan:
                return {}
            if not self.reference(load).exists():
                raise Failed(f"there are no tables of {OURS} to compare with")
            log = self.folder / "compare.log"
            try:
                run([self.python, "-B", PEERS / "compare.py", self.reference(load), place], timeout=600, log=log)
            except Failed as error:
                raise Failed("other rows than ours: " + log.read_text(errors="replace").strip()) from error
            finally:
                self.clear(place)
            return {"same": log.read_text().strip()}

        # What DuckDB cannot hold in memory it puts where it was started.
        return Contender(
            name, command, data, prepare=lambda: self.clear(place), after=after, cwd=place, guess=guess)

    def shell(self, name, words, data, guess=0.05):
        folder = self.data.path(data)
        return Contender(name, lambda: ["bash", "-c", words], data, cwd=folder, guess=guess)

    # The loads.

    def loads(self):
        newlines = "find . -type f -print0 | xargs -0 cat | wc -l"
        return [
            Load("one-csv", "one CSV: 70 regions, five years", [
                self.ours(OURS, "history", reference="one-csv"),
                self.ours(FOUR, "history", pipeline="bare"),
                self.peer("duckdb", "history", "merged", "one-csv", plan="totals-first", guess=0.8),
                self.peer("polars", "history", "merged", "one-csv", plan="totals-first", guess=0.8),
                self.peer("datafusion", "history", "merged", "one-csv", guess=1.5),
                self.peer("duckdb", "history", "merged", "one-csv", plan="first-draft", guess=3),
                self.peer("polars", "history", "merged", "one-csv", plan="first-draft", guess=3),
                self.shell("wc -l", "wc -l charts.csv", "history"),
            ]),
            Load("daily-files", "daily files: 40 regions, two years", [
                self.ours(OURS, "daily", reference="daily-files", guess=1.2),
                self.ours(FOUR, "daily", pipeline="bare", guess=1.2),
                self.peer("duckdb", "daily", "daily", "daily-files", scan=True, guess=1.5),
                self.peer("polars", "daily", "daily", "daily-files", scan=True, guess=1.2),
                self.peer("duckdb", "daily", "daily", "daily-files", plan="totals-first", guess=2.2),
                self.peer("polars", "daily", "daily", "daily-files", plan="totals-first", guess=2),
                self.shell("cat", "find . -type f -print0 | xargs -0 cat > /dev/null", "daily", guess=0.2),
                self.shell("cat | wc -l", newlines, "daily", guess=0.2),
            ]),
            Load("parquet", "the same history as Parquet", [
                self.ours(OURS, "parquet", reference="parquet"),
                self.ours(FOUR, "parquet", pipeline="bare"),
                self.peer("duckdb", "parquet", "parquet", "parquet", plan="totals-first", guess=0.5),
                self.peer("polars", "parquet", "parquet", "parquet", plan="totals-first", guess=0.5),
                self.peer("datafusion", "parquet", "parquet", "parquet", guess=0.8),
                self.peer("duckdb", "parquet", "parquet", "parquet", plan="first-draft", guess=2.6),
            ], data=["history", "parquet"]),
            Load("full", "the history counted again from the ledger", [self.ours_full("history")], 2),
            Load("threads", "the one CSV with one thread and with two", [
                self.ours(f"{OURS}, 1 thread", "history", threads=1, guess=1.4),
                self.ours(f"{OURS}, 2 threads", "history", threads=2),
            ]),
            Load("memory", "one CSV of five years and one of ten", [
                self.ours(f"{OURS}, 5 years", "history"),
                self.ours(f"{OURS}, 10 years", "decade"),
            ]),
            Load("night-1", "one new day on a history of one year", [self.ours_night("night-1", 1)], 2),
            Load("night-5", "one new day on a history of five years", [self.ours_night("night-5", 5)], 2),
            Load("night-10", "one new day on a history of ten years", [self.ours_night("night-10", 10)], 2),
        ]


def latest(place):
    runs = list((place / "out").glob("*/latest"))
    if len(runs) != 1:
        raise Failed(f"there is no published run in {place / 'out'}")
    return runs[0]


def stages(run):
    """What the run says of itself."""
    manifest = json.loads((run / "run.json").read_text())
    return {"stages": manifest.get("seconds", {}), "version": manifest.get("program", "")}


def size(folder):
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
