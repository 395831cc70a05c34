#!/usr/bin/env bash
# Expected: the newest row of a journal whose key is (concert_id, seq) is found at the end of its concert's part of the index:
# `SELECT concert_id, max(seq) + 1 FROM journal WHERE concert_id = ? GROUP BY concert_id`, written so because the group gives
# no row for a concert that is not there, and because MySQL's ONLY_FULL_GROUP_BY wants it. EXPLAIN QUERY PLAN says so, too.
# What happens: with GROUP BY, or with min(seq) beside max(seq), SQLite reads every row of the concert; without, one. Both plans
# read the same to the letter: SEARCH journal USING COVERING INDEX … (concert_id=?). Only the steps of its machine differ.
# Versions: SQLite as in pysqlite3-binary 0.5.4.post2.
# Why it matters: a server that takes over a sale adds a row on top of its journal. With 1,000,000 rows below it that is a
# second or so under the write lock, at the very moment when everybody waits, and no review of plans shows it.
# Exits with 0 as long as it is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pysqlite3-binary==0.5.4.post2
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from pysqlite3 import dbapi2 as sqlite3

ROWS = 10_000
database = sqlite3.connect(":memory:")
database.execute("CREATE TABLE journal (concert_id INTEGER, seq INTEGER, PRIMARY KEY (concert_id, seq)) WITHOUT ROWID")
database.executemany("INSERT INTO journal VALUES (1, ?)", ((seq,) for seq in range(ROWS)))
steps = 0

def step():
    global steps
    steps += 1
    return 0

database.set_progress_handler(step, 1)

def run(query):
    """The plan in words, and how many steps it takes."""
    global steps
    plan = [row[3] for row in database.execute("EXPLAIN QUERY PLAN " + query, (1,))]
    steps = 0
    row = database.execute(query, (1,)).fetchone()
    assert row[1] == ROWS, row
    print(f"{steps:7} steps: {query}\n        {plan}")
    return plan, steps

print("SQLite", sqlite3.sqlite_version)
alone, few = run("SELECT concert_id, max(seq) + 1 FROM journal WHERE concert_id = ?")
grouped, many = run("SELECT concert_id, max(seq) + 1 FROM journal WHERE concert_id = ? GROUP BY concert_id")
both, as_many = run("SELECT min(seq), max(seq) + 1 FROM journal WHERE concert_id = ?")
sys.exit(0 if alone == grouped == both and few < 100 and min(many, as_many) > ROWS else 1)
PYTHON
