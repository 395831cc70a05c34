#!/usr/bin/env bash
# On Galera a transaction that lost while it was idle hears of it at its next statement, and the one after that runs outside of
# any transaction.
#
# Expected: certification fails at COMMIT, as every description of optimistic locking says; until then a transaction may go on.
# And an error 1213 in the middle of a script of statements is at worst repeated for the rest of them.
#
# What happens: while a transaction idles on node 1, another one commits a change of the same row on node 2. The next statement
# of the first one, whatever it is (here a SELECT of something else), answers 1213, and its transaction is gone. The statement
# after that succeeds, in autocommit: it is committed at once, by itself, and a ROLLBACK that follows undoes nothing.
#
# Seen with MariaDB 10.11 and galera-4 of Debian bookworm, two nodes on loopback. Also there: GET_LOCK of the same name is given
# on both nodes at once, since a lock is its node's own.
#
# Why it matters for a ticketing server: a writer that takes its locks, decides, and then writes several statements without
# looking at each answer (a pipeline, a stored list of SQL) keeps half of a purchase. Only ROLLBACK may follow a 1213.
#
# Needs root, python3 with pip and venv, and Debian's package files of mariadb-server and galera-4, which it downloads and
# unpacks into a temporary folder. Fails if it no longer behaves so.
set -euo pipefail
folder=$(mktemp -d)
chmod 755 "$folder"
pids=()
trap '[ ${#pids[@]} = 0 ] || { kill -9 "${pids[@]}"; wait; } 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq mariadb-server-core mariadb-server mariadb-client-core galera-4 2>apt.log || { cat apt.log; exit 1; }
for package in *.deb; do dpkg -x "$package" root; done
python3 -m venv tools
tools/bin/pip install --quiet --disable-pip-version-check PyMySQL==1.1.1
# The transfer of the state gives up root's rights, so the nodes must not need them.
user=$([ "$(id -u)" = 0 ] && echo nobody || id -un)
chown "$user" "$folder"
port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
root/usr/bin/mariadb-install-db --no-defaults --user="$user" --basedir="$folder/root/usr" --datadir="$folder/node1" \
    --auth-root-authentication-method=normal --skip-test-db >install.log 2>&1 || { tail install.log; exit 1; }
chown -R "$user" node1 && cp -a node1 node2
export PATH="$folder/root/usr/bin:$PATH"
provider=$(echo "$folder"/root/usr/lib/galera/libgalera_smm.so)
group1=$(port) group2=$(port) sql1=$(port) sql2=$(port) state=$(port) increment1=$(port) increment2=$(port)
start() { # NODE SQL GROUP INCREMENT MORE…
    root/usr/sbin/mariadbd --no-defaults --user="$user" --basedir="$folder/root/usr" --datadir="$folder/node$1" \
        --lc-messages-dir="$folder/root/usr/share/mysql" --plugin-dir="$folder/root/usr/lib/mysql/plugin" \
        --socket="$folder/node$1.sock" --pid-file="$folder/node$1.pid" --bind-address=127.0.0.1 --port="$2" \
        --log-error="$folder/node$1.log" --binlog-format=ROW --innodb-autoinc-lock-mode=2 --wsrep-on=ON \
        --wsrep-provider="$provider" --wsrep-cluster-name=finding --wsrep-node-address="127.0.0.1:$3" \
        --wsrep-sst-method=rsync --wsrep-sst-receive-address="127.0.0.1:$state" \
        --wsrep-provider-options="gmcast.listen_addr=tcp://127.0.0.1:$3;ist.recv_addr=127.0.0.1:$4" \
        --wsrep-cluster-address="gcomm://127.0.0.1:$group1,127.0.0.1:$group2" "${@:5}" >"node$1.out" 2>&1 &
    pids+=($!)
}
cat > ask.py <<'PYTHON'
import sys, time
import pymysql

def connect(port):
    return pymysql.connect(host="127.0.0.1", port=int(port), user="root", autocommit=True)

def run(session, sql):
    with session.cursor() as cursor:
        try:
            cursor.execute(sql)
            return cursor.fetchall()
        except pymysql.MySQLError as error:
            return error.args[0]

def synced(port):
    for _ in range(600):
        try:
            session = connect(port)
            if run(session, "SHOW STATUS LIKE 'wsrep_local_state_comment'")[0][1] == "Synced":
                return session
        except (pymysql.MySQLError, IndexError):
            pass
        time.sleep(0.2)
    sys.exit("a node did not start")

first = synced(sys.argv[1])
if len(sys.argv) == 2:
    sys.exit()
second = synced(sys.argv[2])
print("MariaDB", run(first, "SELECT VERSION()")[0][0], "nodes:", run(first, "SHOW STATUS LIKE 'wsrep_cluster_size'")[0][1])
locks = run(first, "SELECT GET_LOCK('migrate', 0)"), run(second, "SELECT GET_LOCK('migrate', 0)")
print("GET_LOCK on both nodes:", locks)
run(first, "CREATE DATABASE sale")
run(first, "CREATE TABLE sale.seat (id INT PRIMARY KEY, holder INT) ENGINE = InnoDB")
run(first, "INSERT INTO sale.seat VALUES (1, NULL), (2, NULL)")
while run(second, "SELECT count(*) FROM sale.seat") != ((2,),):
    time.sleep(0.1)
run(first, "START TRANSACTION")
run(first, "UPDATE sale.seat SET holder = 1 WHERE id = 1")
run(second, "UPDATE sale.seat SET holder = 2 WHERE id = 1")
other = connect(sys.argv[1])
while run(other, "SELECT holder FROM sale.seat WHERE id = 1") != ((2,),):
    time.sleep(0.1)
following = run(first, "SELECT 'anything'")
after = run(first, "UPDATE sale.seat SET holder = 1 WHERE id = 2")
run(first, "ROLLBACK")
kept = run(other, "SELECT id, holder FROM sale.seat ORDER BY id")
print("next statement:", following, "the one after it:", after, "after ROLLBACK:", kept)
sys.exit(0 if following == 1213 and after in ((), []) and kept == ((1, 2), (2, 1)) and locks == (((1,),), ((1,),)) else 1)
PYTHON
start 1 "$sql1" "$group1" "$increment1" --wsrep-new-cluster
tools/bin/python ask.py "$sql1" || { tail node1.log node1.out; exit 1; }
start 2 "$sql2" "$group2" "$increment2"
tools/bin/python ask.py "$sql1" "$sql2" || { tail -n 5 node2.log node2.out; echo "it no longer behaves as described"; exit 1; }
