#!/usr/bin/env bash
# seekdb keeps 50 prepared statements a session, and says so with a number that no MySQL has.
#
# Expected: `max_prepared_stmt_count`, which it answers for as MySQL does (16,382 there), is the limit, of all sessions
# together, and the error beyond it is 1461.
#
# What happens: the 51st prepared statement of one session fails with 5930, whatever the variable says; every other session
# still has its 50. Nothing is wrong with the transaction, and the same statement fails again on this session for ever.
#
# Seen with pylibseekdb 1.4.0.post1.
#
# Why it matters for a ticketing server: a driver that keeps its statements prepared (a bulk statement in ten sizes for eight
# tables) works for minutes, until one sale has met enough sizes, and then fails at every batch.
#
# Needs python3 with pip and venv; starts the server that is in the package, on loopback. Fails if it no longer behaves so.
set -euo pipefail
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || { kill -9 "$server"; wait "$server"; } 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv tools
tools/bin/pip install --quiet --disable-pip-version-check pylibseekdb==1.4.0.post1 PyMySQL==1.1.1 mysql-connector-python==9.1.0
program=$(echo tools/lib/python3*/site-packages/pylibseekdb/seekdb)
chmod +x "$program"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
mkdir data
"$program" --nodaemon --port "$port" --base-dir "$folder/data" --parameter memory_limit=2G --parameter datafile_size=1G \
    --parameter log_disk_size=2G >server.log 2>&1 &
server=$!
cat > ask.py <<'PYTHON'
import sys, time
import mysql.connector

def connect():
    return mysql.connector.connect(host="127.0.0.1", port=int(sys.argv[1]), user="root", use_pure=True, ssl_disabled=True)

for _ in range(600):
    try:
        one, other = connect(), connect()
        break
    except mysql.connector.Error:
        time.sleep(0.2)
version = one.cursor()
version.execute("SELECT VERSION(), @@max_prepared_stmt_count")
print(*version.fetchone())

def fill(session):
    kept = []
    for n in range(1, 200):
        try:
            cursor = session.cursor(prepared=True)
            kept.append(cursor)
            cursor.execute(f"SELECT {n} + %s", (1,))
            cursor.fetchall()
        except mysql.connector.Error as error:
            return n, error.errno
    return None

first, second = fill(one), fill(other)
print("one session: statement", first, "another one: statement", second)
sys.exit(0 if first == second == (51, 5930) else 1)
PYTHON
tools/bin/python ask.py "$port" || { echo "it no longer behaves as described"; exit 1; }
