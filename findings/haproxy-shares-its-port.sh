#!/usr/bin/env bash
# Expected: a second HAProxy that is to listen on a port that another one has says so, and ends.
# What happens: both listen (SO_REUSEPORT, for its reloads), and the system gives each of them some of the connections. `noreuseport`
# in `global` forbids it.
# Versions: HAProxy 2.6.12.
# Why it matters: one that was forgotten goes on sending half of all fans to servers that are long gone.
# Needs haproxy and python3. Exits with 0 as long as it is so.
set -euo pipefail
PATH="$PATH:/usr/sbin"
folder=$(mktemp -d)
pids=()
trap '{ kill -9 "${pids[@]}" || true; wait; } 2>/dev/null; rm -rf "$folder"' EXIT
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
start() { # NAME GLOBAL
    cat > "$folder/$1.cfg" <<CONF
global
    $2
defaults
    mode http
    timeout connect 1s
    timeout client 1s
    timeout server 1s
frontend f
    bind 127.0.0.1:$port
    http-request return status 200 content-type text/plain string $1
CONF
    haproxy -db -f "$folder/$1.cfg" 2>"$folder/$1.log" &
    pids+=($!)
}
start one "maxconn 100"
start two "maxconn 100"
until curl -s "http://127.0.0.1:$port" >/dev/null; do sleep 0.1; done
sleep 1
answers=$(for _ in $(seq 60); do curl -s "http://127.0.0.1:$port"; echo; done | sort -u | tr '\n' ' ')
[ "$answers" = "one two " ] || { echo "only $answers"; exit 1; }
start three noreuseport
! wait "${pids[2]}"
echo "two of them answer on one port, and neither says so"
