#!/usr/bin/env bash
# A password that MySQL takes without TLS is refused after the database's next restart.
#
# Expected: whether a user of `caching_sha2_password` may log in without TLS depends on the user, the password and the client.
#
# What happens: it depends on whether somebody has logged in as that user *with* TLS since the server started (or since FLUSH
# PRIVILEGES). Until then it is "Access denied … (using password: YES)", 1045, word for word as with a wrong password. After one
# encrypted login, of anybody from anywhere with that account, the server has the password's hash in memory, and the same
# client is let in without TLS, until the next restart.
#
# Seen with MySQL 9.7.4 (Debian sid) and mysql-connector-python 9.1.0: refused, let in after another's encrypted login, refused
# again after FLUSH PRIVILEGES.
#
# Why it matters for a ticketing server: staging works, because somebody had looked into the database with a client that
# encrypts. Months later the database is restarted in the middle of a sale, and every server of the pool is locked out with an
# error that sends people looking for a changed password.
#
# Needs root, debootstrap, python3 with pip and venv: MySQL 9 comes from Debian sid into a temporary folder (or names a folder
# that has it as its first argument). Fails if it no longer behaves so.
set -euo pipefail
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || { kill -9 "$server"; wait "$server"; } 2>/dev/null || true; rm -rf "$folder" "${root:?}${data:?}"' EXIT
cd "$folder"
root=${1:-$folder/root} data=/srv/finding.$$
if [ $# = 0 ]; then
    mirror=$(apt-get indextargets --format '$(SITE)' | grep -m1 '/debian/\?$')
    debootstrap --variant=minbase --include=mysql-server sid "$root" "$mirror" >debootstrap.log || { tail debootstrap.log; exit 1; }
fi
python3 -m venv tools
tools/bin/pip install --quiet --disable-pip-version-check mysql-connector-python==9.1.0
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
mkdir "$root$data"
chroot "$root" chown mysql "$data"
mysqld=(chroot "$root" mysqld --no-defaults --user=mysql --datadir="$data/data" --log-error="$data/log")
"${mysqld[@]}" --initialize-insecure
"${mysqld[@]}" --socket="$data/socket" --bind-address=127.0.0.1 --port="$port" --mysqlx=OFF --skip-log-bin >server.log 2>&1 &
server=$!
cat > ask.py <<'PYTHON'
import sys, time
import mysql.connector

def login(user, password, tls):
    return mysql.connector.connect(host="127.0.0.1", port=int(sys.argv[1]), user=user, password=password, use_pure=True,
                                   ssl_disabled=not tls)

for _ in range(300):
    try:
        root = login("root", "", True)
        break
    except mysql.connector.Error:
        time.sleep(0.2)
admin = root.cursor()
admin.execute("SELECT VERSION()")
print("MySQL", admin.fetchone()[0])
admin.execute("CREATE USER fan@'%' IDENTIFIED BY 'a long one'")

def fan(tls):
    try:
        login("fan", "a long one", tls).close()
        return "let in"
    except mysql.connector.Error as error:
        return error.errno

seen = [fan(tls=False), fan(tls=True), fan(tls=False)]
admin.execute("FLUSH PRIVILEGES")
seen.append(fan(tls=False))
print("without TLS, with TLS, without TLS, without TLS after FLUSH PRIVILEGES:", seen)
sys.exit(0 if seen == [1045, "let in", "let in", 1045] else 1)
PYTHON
tools/bin/python ask.py "$port" || { echo "it no longer behaves as described"; exit 1; }
