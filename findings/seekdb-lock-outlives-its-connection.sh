#!/usr/bin/env bash
# seekdb keeps a lock of GET_LOCK for up to ten seconds after its connection has ended.
#
# Expected: what MySQL promises, "the lock is released implicitly when your session terminates, either normally or abnormally":
# a program that was killed leaves nothing behind, so whoever starts after it gets the lock at once.
#
# What happens: the connection is gone from the process list within milliseconds, closed properly or not, and its lock stays
# until a collector comes by that looks for locks without an owner, every ten seconds. Until then GET_LOCK waits, and
# IS_USED_LOCK names a connection that there is not. RELEASE_LOCK lets go at once.
#
# Seen with pylibseekdb 1.4.0.post1.
#
# Why it matters for a ticketing server: servers that take such a lock to migrate, or to elect who sells, come back late after
# a crash, five seconds on the average, and give up at once if they ask with a timeout of 0. Wait for progress, not for the lock.
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

def waited(end):
    holder = connect()
    session = holder.thread_id()
    assert one(holder, "SELECT GET_LOCK('seat', 0)") == 1
    end(holder)
    began = time.monotonic()
    while end is not release and is_there(session):
        time.sleep(0.01)
    gone = time.monotonic() - began
    assert one(asker, "SELECT GET_LOCK('seat', 60)") == 1
    free = time.monotonic() - began
    one(asker, "SELECT RELEASE_LOCK('seat')")
    return gone, free

def release(holder):
    one(holder, "SELECT RELEASE_LOCK('seat')")

stale = []
for name, end in [("closed", lambda holder: holder.close()), ("cut off", lambda holder: holder._force_close())]:
    for _ in range(4):
        gone, free = waited(end)
        stale.append(free - gone)
        print(f"{name}: the connection is gone after {gone:.2f} s, its lock after {free:.2f} s")
        # Not in step with the collector.
        time.sleep(1.7)
gone, free = waited(release)
print(f"released: free after {free:.2f} s")
sys.exit(0 if free < 1 < max(stale) < 15 else 1)
PYTHON
tools/bin/python ask.py "$port" || { echo "it no longer behaves as described"; exit 1; }
