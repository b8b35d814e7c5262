"""Runs the code of docs/recipes.md on the sample's published tables.

A block of `sh`, `python` or `sql` that is followed by a block of `text` must print what stands there.
Blocks run in the order of the document, each in a process of its own, in a folder that looks like the
repository after its first run.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENT = ROOT / "docs" / "recipes.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
# What SQL is for the shell of DuckDB is for its Python package one query.
SQL = "import duckdb, sys\nduckdb.sql(sys.stdin.read()).show(max_width=100)\n"


def run(language, code, desk, environment):
    if language == "sh":
        command, given = ["bash", "-euo", "pipefail", "-c", code], ""
    elif language == "python":
        command, given = [sys.executable, "-"], code
    else:
        command, given = [sys.executable, "-c", SQL], code
    done = subprocess.run(
        command, input=given, cwd=desk, env=environment, capture_output=True, encoding="utf-8", timeout=300
    )
    if done.returncode != 0:
        sys.exit(f"error: a recipe ends with {done.returncode}\n{code}\n{done.stdout}{done.stderr}")
    return plain(done.stdout)


def plain(text):
    return "".join(line.rstrip() + "\n" for line in text.replace("\ufeff", "").strip("\n").splitlines())


def main(program, desk):
    desk = Path(desk)
    for folder in ("data", "pipelines"):
        shutil.copytree(ROOT / folder, desk / folder)
    tools = desk / ".tools"
    tools.mkdir()
    (tools / "chartledger").symlink_to(program)
    environment = {
        **os.environ,
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "PYTHONIOENCODING": "utf-8",
        "COLUMNS": "100",
        "LC_ALL": "C.UTF-8",
    }
    subprocess.run(["chartledger", "run", "--quiet"], cwd=desk, env=environment, check=True)

    document = DOCUMENT.read_text(encoding="utf-8")
    blocks = list(BLOCK.finditer(document))
    failed = passed = 0
    blessed = []
    for block, after in zip(blocks, blocks[1:] + [None]):
        language, code = block.groups()
        if language not in ("sh", "python", "sql"):
            continue
        printed = run(language, code, desk, environment)
        is_answer = after is not None and after[1] == "text" and not document[block.end() : after.start()].strip()
        if not is_answer:
            sys.exit(f"error: a recipe says nothing of what it prints\n{code}")
        if printed == plain(after[2]):
            passed += 1
            continue
        blessed.append((after.span(2), printed))
        failed += 1
        print(f"a recipe prints something else\n{code}\n--- printed\n{printed}--- expected\n{after[2]}")
    if failed and os.environ.get("CHARTLEDGER_BLESS"):
        for (start, end), printed in reversed(blessed):
            document = document[:start] + printed + document[end:]
        DOCUMENT.write_text(document, encoding="utf-8")
        print(f"recipes: {failed} written anew")
        return
    print(f"recipes: {passed} passed, {failed} failed")
    sys.exit(failed > 0 or passed == 0)


main(*sys.argv[1:])
