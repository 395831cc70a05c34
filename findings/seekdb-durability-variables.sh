#!/usr/bin/env bash
# seekdb takes every setting of durability, and answers for ever that the safe one is set.
#
# Expected: a server that has `innodb_flush_log_at_trx_commit` and `sync_binlog`, and takes `SET GLOBAL` for them, says
# afterwards what was set; and that a program which asks for them at its start can tell whether commits survive a loss of power.
#
# What happens: `SET GLOBAL innodb_flush_log_at_trx_commit = 0` and `SET GLOBAL sync_binlog = 0` succeed, and every session,
# also a new one, goes on to see 1. SHOW ENGINES lists InnoDB as the default, `innodb_version` is 5.7.38. What gives it away:
# it counts nothing that InnoDB would have done, so SHOW GLOBAL STATUS LIKE 'Innodb%' is empty.
#
# Seen with pylibseekdb 1.4.0.post1.
#
# Why it matters for a ticketing server: a check of the settings at the start says that all is well, and means nothing.
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

def ask(sql):
    with connect() as session, session.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()

print(ask("SELECT VERSION()")[0][0])
safe = "SELECT @@GLOBAL.innodb_flush_log_at_trx_commit, @@GLOBAL.sync_binlog"
before = ask(safe)
ask("SET GLOBAL innodb_flush_log_at_trx_commit = 0")
ask("SET GLOBAL sync_binlog = 0")
after = ask(safe)
engine = [row[1] for row in ask("SHOW ENGINES") if row[0] == "InnoDB"]
counters = ask("SHOW GLOBAL STATUS LIKE 'Innodb%'")
print("before", before, "after both were set to 0", after, "InnoDB is", engine, "counters", counters)
sys.exit(0 if before == after == ((1, 1),) and engine == ["DEFAULT"] and not counters else 1)
PYTHON
tools/bin/python ask.py "$port" || { echo "it no longer behaves as described"; exit 1; }
