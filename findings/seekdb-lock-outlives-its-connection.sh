#!/usr/bin/env bash
# seekdb keeps a lock of GET_LOCK after its connection has ended.
#
# Expected: what MySQL promises, "the lock is released implicitly when your session terminates, either normally or abnormally":
# a program that ended leaves nothing behind, so whoever starts after it gets the lock at once.
#
# What happens: the connection is closed properly and gone from the process list within milliseconds, and 15 s later nobody
# gets its lock (once it was still so after two minutes). Whoever waits for longer than `ob_query_timeout`, 10 s, gets the error
# 1317 instead of a 0. Only RELEASE_LOCK lets go at once.
#
# Seen with pylibseekdb 1.4.0.post1.
#
# Why it matters for a ticketing server: servers that take such a lock to migrate, or to elect who sells, do not come back after
# a crash. Wait for progress, not for the lock.
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
import sys, time
import pymysql

def connect():
    return pymysql.connect(host="127.0.0.1", port=int(sys.argv[1]), user="root", autocommit=True)

def one(session, sql):
    with session.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]

for _ in range(600):
    try:
        asker = connect()
        break
    except pymysql.Error:
        time.sleep(0.2)
print(one(asker, "SELECT VERSION()"))

def is_there(session):
    with asker.cursor() as cursor:
        cursor.execute("SHOW PROCESSLIST")
        return any(row[0] == session for row in cursor.fetchall())

def get(session, seconds):
    return one(session, f"SELECT GET_LOCK('seat', {seconds})")

holder = connect()
assert get(holder, 0) == 1 and get(asker, 0) == 0
one(holder, "SELECT RELEASE_LOCK('seat')")
released = get(asker, 1)
one(asker, "SELECT RELEASE_LOCK('seat')")

session = holder.thread_id()
assert get(holder, 0) == 1
holder.close()
began = time.monotonic()
while is_there(session):
    time.sleep(0.01)
gone = time.monotonic() - began
closed = 0
while closed == 0 and time.monotonic() - began < 15:
    closed = get(asker, 1)
try:
    late = get(asker, 20)
except pymysql.Error as error:
    late = error.args[0]
print(f"released: {released}; closed, gone after {gone:.2f} s, 15 s later: {closed}; asked for 20 s: {late}")
sys.exit(0 if (released, closed, late) == (1, 0, 1317) else 1)
PYTHON
tools/bin/python ask.py "$port" || { echo "it no longer behaves as described"; exit 1; }
