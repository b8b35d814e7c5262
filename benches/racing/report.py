"""What the race found, in words: a table for each load, and the targets."""

from statistics import median

from .loads import OURS

DUCKDB, POLARS = "DuckDB, totals-first", "polars, totals-first"
DRAFTS = {DUCKDB: "DuckDB, first-draft", POLARS: "polars, first-draft"}


def runs(results, load, name):
    return [run for run in results.get(load, {}).get(name, []) if "failed" not in run]


def seconds(results, load, name):
    times = [run["seconds"] for run in runs(results, load, name)]
    return median(times) if times else None


def memory(results, load, name):
    peaks = [run["memory"] for run in runs(results, load, name)]
    return max(peaks) if peaks else None


def stage(results, load, name, stages):
    """The median of what some stages took together."""
    times = [sum(run["stages"].get(each, 0.0) for each in stages) for run in runs(results, load, name)]
    return median(times) if times else None


def table(load, results, accounts):
    """The lines on one load."""
    account = accounts[load.contenders[0].data]
    rows, size = account["rows"], account["bytes"]
    title = f"{load.about}: {rows:,} rows, {account['files']:,} file{'s' * (account['files'] > 1)}, {size / 1e6:,.0f} MB"
    lines = ["", title, f"{'':<34}{'seconds':>9}{'min':>9}{'max':>9}{'cpu':>9}{'memory':>10}{'to ours':>9}"
             f"{'M rows/s':>10}{'MB/s':>8}  tables"]
    ours = seconds(results, load.name, OURS)
    for contender in load.contenders:
        name = contender.name
        done = results.get(load.name, {}).get(name, [])
        times = [run["seconds"] for run in done if "failed" not in run]
        for failed in {run["failed"] for run in done if "failed" in run}:
            lines.append(f"{name:<34} failed: {failed}")
        if not times:
            continue
        middle = median(times)
        ratio = f"{middle / ours:>9.2f}" if ours else f"{'':>9}"
        rows, size = accounts[contender.data]["rows"], accounts[contender.data]["bytes"]
        checked = [run for run in done if "failed" not in run]
        same = "the same" if all("same" in run for run in checked) else ""
        lines.append(
            f"{name:<34}{middle:>9.2f}{min(times):>9.2f}{max(times):>9.2f}"
            f"{median(run['user'] + run['system'] for run in checked):>9.2f}"
            f"{memory(results, load.name, name) / 1e6:>7,.0f} MB{ratio}"
            f"{rows / middle / 1e6:>10.2f}{size / middle / 1e6:>8,.0f}  {same}")
    same = {run["same"] for name in results.get(load.name, {}) for run in runs(results, load.name, name) if "same" in run}
    lines += [f"each peer published {sentence.replace('the same', 'the same rows:', 1)}" for sentence in sorted(same)]
    lines += stages(load, results)
    return lines


def stages(load, results):
    """Where our time goes, of the median run."""
    lines = []
    for contender in load.contenders:
        done = [run for run in runs(results, load.name, contender.name) if run.get("stages")]
        if done:
            run = sorted(done, key=lambda run: run["seconds"])[len(done) // 2]
            parts = sorted(run["stages"].items(), key=lambda part: -part[1])
            told = [f"{name} {took:.2f}" for name, took in parts if took >= 0.01]
            # The manifest is written before the run is switched to.
            rest = run["seconds"] - sum(run["stages"].values())
            lines.append(f"stages of {contender.name}: {', '.join(told)}, all else {rest:.2f} s")
    return lines


def targets(results):
    """The issue's targets: load, what, figure, limit, whether the figure may be above it."""
    found = []

    def at_most(load, what, value, limit, unit=""):
        found.append((load, what, value, limit, unit, value is not None and value <= limit))

    def at_least(load, what, value, limit):
        found.append((load, what, value, limit, " times or more", value is not None and value >= limit))

    def over(load, theirs, ours=OURS):
        mine, other = seconds(results, load, ours), seconds(results, load, theirs)
        return other / mine if mine and other else None

    def to(load, theirs):
        ratio = over(load, theirs)
        return 1 / ratio if ratio else None

    for peer in (DUCKDB, POLARS, *DRAFTS.values()):
        at_least("one-csv", f"{peer}, to ours", over("one-csv", peer), 12)
    at_most("one-csv", "ours to wc -l", to("one-csv", "wc -l"), 6, " times")
    peak = memory(results, "one-csv", OURS)
    at_most("one-csv", "peak resident memory", peak and peak / 1e9, 1, " GB")
    for peer in ("DuckDB, only scans", "polars, only scans"):
        at_least("daily-files", f"{peer}, to ours", over("daily-files", peer), 2)
    at_most("daily-files", "ours to cat", to("daily-files", "cat"), 2.5, " times")
    for peer in (DUCKDB, DRAFTS[DUCKDB]):
        at_least("parquet", f"{peer}, to ours", over("parquet", peer), 12)
    at_most("full", "every month from the ledger", seconds(results, "full", f"{OURS}, --full from the ledger"), 1.2, " s")
    nights = {}
    for years in (1, 5, 10):
        name = f"{OURS}, a day on {years} year{'s' if years > 1 else ''}"
        nights[years] = seconds(results, f"night-{years}", name)
        at_most(f"night-{years}", "one new day", nights[years], 0.5, " s")
    flat = nights[10] / nights[1] if nights[1] and nights[10] else None
    at_most("night-10", "to the night on one year (flat: say 1.2)", flat, 1.2, " times")
    five, ten = (memory(results, "memory", f"{OURS}, {years} years") for years in (5, 10))
    at_most("memory", "ten years to five", ten / five if five and ten else None, 1.3, " times")
    for what, parts in (("decode", ["decode"]), ("survey and fold", ["survey", "fold"])):
        one, two = (stage(results, "threads", f"{OURS}, {many}", parts) for many in ("1 thread", "2 threads"))
        at_least("threads", f"{what}: one thread to two", one / two if one and two else None, 1.8)
    lines = ["", f"{'target':<14}{'':<44}{'found':>9}   {'wanted':<20}"]
    for load, what, value, limit, unit, met in found:
        figure = f"{value:>9.2f}" if value is not None else f"{'-':>9}"
        verdict = "not measured" if value is None else "met" if met else "NOT MET"
        lines.append(f"{load:<14}{what:<44}{figure}   {'at least' if 'or more' in unit else 'at most'} {limit:g}"
                     f"{unit.replace(' or more', ''):<9}  {verdict}")
    return lines


def summary(results):
    """The same as figures, for the JSON."""
    return {
        load: {
            name: {
                "median": seconds(results, load, name),
                "min": min(run["seconds"] for run in runs(results, load, name)),
                "max": max(run["seconds"] for run in runs(results, load, name)),
                "peak_memory": memory(results, load, name),
            }
            for name in contenders if runs(results, load, name)
        }
        for load, contenders in results.items()
    }
