#!/usr/bin/env bash
# seekdb deadlocks end for nobody, or for both, and never as a deadlock.
#
# Expected: of two transactions that wait for each other one is given up at once with 1213, as everywhere; and
# `innodb_lock_wait_timeout` bounds how long a lock is waited for.
#
# What happens: nothing is noticed. Both statements wait until their own time is over (`ob_query_timeout`, 10 s, or, if it is
# set, `ob_trx_lock_timeout`), and then both fail, at the same moment, with 1205. As with 1205 anywhere only the statement is
# undone: a COMMIT afterwards keeps the first half of both transactions.
#
# Seen with pylibseekdb 1.4.0.post1: 1205 and 1205 after the 3 s that were set for this test.
#
# Why it matters for a ticketing server: retrying "1213 at once, 1205 later" never retries a deadlock, both do it again in
# step, and code that treats 1205 as the end of the transaction sells half of what was asked for.
#
# Needs python3 with pip and venv; starts the server that is in the package, on loopback. Fails if it no longer behaves so.
set -euo pipefail
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || { kill -9 "$server"; wait "$server"; } 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv tools
tools/bin/pip install --quiet --disable-pip-version-check pylibseekdb==1.4.0.post1 PyMySQL==1.1.1
program=$(echo tools/lib/python3*/site-packages/pylibseekdb/seekdb)
chmod +x "$program"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
mkdir data
"$program" --nodaemon --port "$port" --base-dir "$folder/data" --parameter memory_limit=2G --parameter datafile_size=1G \
    --parameter log_disk_size=2G >server.log 2>&1 &
server=$!
cat > ask.py <<'PYTHON'
import sys, threading, time
import pymysql

def connect():
    for _ in range(600):
        try:
            return pymysql.connect(host="127.0.0.1", port=int(sys.argv[1]), user="root", autocommit=True)
        except pymysql.MySQLError:
            time.sleep(0.2)

def run(session, sql):
    with session.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()

first, second = connect(), connect()
print(run(first, "SELECT VERSION()")[0][0])
run(first, "CREATE DATABASE sale")
run(first, "CREATE TABLE sale.seat (id INT PRIMARY KEY, holds INT NOT NULL)")
run(first, "INSERT INTO sale.seat VALUES (1, 0), (2, 0)")
both_have_one = threading.Barrier(2)
seen = {}

def take(name, session, one, other):
    run(session, "SET SESSION ob_trx_lock_timeout = 3000000")
    run(session, "START TRANSACTION")
    run(session, f"UPDATE sale.seat SET holds = holds + 1 WHERE id = {one}")
    both_have_one.wait()
    began = time.time()
    try:
        run(session, f"UPDATE sale.seat SET holds = holds + 1 WHERE id = {other}")
        seen[name] = "no error"
    except pymysql.MySQLError as error:
        seen[name] = error.args[0]
        print(name, error.args[0], f"after {time.time() - began:.1f} s")
    run(session, "COMMIT")

threads = [threading.Thread(target=take, args=args) for args in [("one", first, 1, 2), ("other", second, 2, 1)]]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
kept = run(connect(), "SELECT holds FROM sale.seat ORDER BY id")
print("kept after both COMMITs:", kept)
sys.exit(0 if seen == {"one": 1205, "other": 1205} and kept == ((1,), (1,)) else 1)
PYTHON
tools/bin/python ask.py "$port" || { echo "it no longer behaves as described"; exit 1; }
