#!/usr/bin/env bash
# seekdb adds an index, and drops one, but does not do both in one ALTER.
#
# Expected: `ALTER TABLE t DROP KEY a, ADD KEY b (…)`, the usual way to exchange an index so that there is always one, is the
# sum of its parts.
#
# What happens: each part alone succeeds, also with ALGORITHM = INPLACE, LOCK = NONE; together they fail with 4179
# ("Operation not allowed now"), whatever the time.
#
# Seen with pylibseekdb 1.4.0.post1.
#
# Why it matters for a ticketing server: a migration that MySQL and MariaDB run stops the start of every server there, and the
# message sounds as if waiting would help.
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
    for _ in range(600):
        try:
            return pymysql.connect(host="127.0.0.1", port=int(sys.argv[1]), user="root", autocommit=True)
        except pymysql.MySQLError:
            time.sleep(0.2)

session = connect()

def run(sql):
    with session.cursor() as cursor:
        try:
            cursor.execute(sql)
            return 0
        except pymysql.MySQLError as error:
            print(error.args)
            return error.args[0]

run("CREATE DATABASE sale")
run("CREATE TABLE sale.queue (id INT PRIMARY KEY, a INT, b INT, KEY by_a (a))")
how = "ALGORITHM = INPLACE, LOCK = NONE"
together = run(f"ALTER TABLE sale.queue DROP KEY by_a, ADD KEY by_b (b), {how}")
apart = run(f"ALTER TABLE sale.queue ADD KEY by_b (b), {how}"), run(f"ALTER TABLE sale.queue DROP KEY by_a, {how}")
print("together:", together, "apart:", apart)
sys.exit(0 if together == 4179 and apart == (0, 0) else 1)
PYTHON
tools/bin/python ask.py "$port" || { echo "it no longer behaves as described"; exit 1; }
