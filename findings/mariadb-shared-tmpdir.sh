#!/usr/bin/env bash
# A MariaDB server that starts removes the temporary tables of another server that is running and has the same `tmpdir`, which
# by default is /tmp for all of them.
#
# Expected: two servers with data folders, sockets and ports of their own do not meet. The names of temporary tables even have
# the server's process id in them, so that they cannot clash.
#
# What happens: at its start a server deletes whatever begins with `#sql` in its `tmpdir`. A temporary table of the other one
# goes on being readable (its files are open), and DROP of it answers 1051, "Unknown table". A SELECT that makes a table for
# itself, as those of information_schema do, may end with error 6, "Error on delete of ... (Errcode: 2)"; that was seen in a run
# of tests, and is not tried here, since it takes a start within the statement.
#
# Seen with MariaDB 10.11 of Debian bookworm.
#
# Why it matters for a ticketing server: private databases of tests and load tests that run side by side, and two instances on
# one host, fail now and then in statements that have nothing to do with each other. Give each a `tmpdir` of its own.
#
# Needs Debian's package files of mariadb-server, which it downloads and unpacks into a temporary folder. Fails if it no longer
# behaves so.
set -euo pipefail
folder=$(mktemp -d)
chmod 755 "$folder"
pids=()
trap '[ ${#pids[@]} = 0 ] || { kill -9 "${pids[@]}"; wait; } 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq mariadb-server-core mariadb-server mariadb-client-core 2>apt.log || { cat apt.log; exit 1; }
for package in *.deb; do dpkg -x "$package" root; done
user=$([ "$(id -u)" = 0 ] && echo nobody || id -un)
mkdir temporary && chown "$user" "$folder" temporary
root/usr/bin/mariadb-install-db --no-defaults --user="$user" --basedir="$folder/root/usr" --datadir="$folder/first" \
    --auth-root-authentication-method=normal --skip-test-db >install.log 2>&1 || { tail install.log; exit 1; }
chown -R "$user" first && cp -a first second

ask() { root/usr/bin/mariadb --no-defaults --socket="$folder/$1.sock" -uroot -N "${@:2}"; }
start() {
    root/usr/sbin/mariadbd --no-defaults --user="$user" --basedir="$folder/root/usr" --datadir="$folder/$1" \
        --lc-messages-dir="$folder/root/usr/share/mysql" --socket="$folder/$1.sock" --pid-file="$folder/$1.pid" \
        --tmpdir="$folder/temporary" --skip-networking --log-error="$folder/$1.log" &
    pids+=($!)
    for _ in $(seq 300); do
        ask "$1" -e "SELECT 1" >ping.log 2>&1 && return
        kill -0 $! || { tail "$1.log"; exit 1; }
        sleep 0.1
    done
    exit 1
}
start first
ask first -e "SELECT version()"
# One session: the table is made, the other server starts meanwhile, and the table is used and dropped.
mkfifo script
ask first --force --unbuffered mysql <script >told.log 2>&1 &
exec {to}>script
echo "CREATE TEMPORARY TABLE seat (id INT) ENGINE=Aria; INSERT INTO seat VALUES (1), (2); SELECT 'made';" >&$to
until grep -q made told.log; do sleep 0.1; done
echo "files of the first server before: $(ls temporary | grep -c '^#sql')"
start second
after=$(ls temporary | grep -c '^#sql' || true)
echo "files of it after the second one has started: $after"
echo "SELECT count(*) FROM seat; DROP TEMPORARY TABLE seat; SELECT 'dropped';" >&$to
exec {to}>&-
until grep -q dropped told.log; do sleep 0.1; done
cat told.log
[ "$after" = 0 ] && grep -q '^2$' told.log && grep -q 'ERROR 1051 .*Unknown table' told.log
