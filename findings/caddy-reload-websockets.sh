#!/usr/bin/env bash
# Expected: a reload of Caddy that adds a site leaves the other sites' open websockets alone, as a reload of nginx or
# HAProxy does, where the old process goes on with what it has.
# What happens: all of them are closed within a second, with a close frame of code 1001 that no server behind it sent.
# Versions: Caddy 2.6.2 (Debian 12). From 2.7 on `stream_close_delay` can spread it; here the setting is not known.
# Why it matters: a certificate or another site's change in the middle of a sale has every fan come back at the same
# moment. Whoever waits in line keeps the place; the server gets as many handshakes at once as it has fans.
# Exits with 0 as long as it is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
(apt-get download caddy=2.6.2-5 || { apt-get update -qq && apt-get download caddy=2.6.2-5; }) >/dev/null 2>&1
dpkg -x caddy_2.6.2-5_*.deb .
export HOME="$folder" XDG_DATA_HOME="$folder" XDG_CONFIG_HOME="$folder"
cat > run.py <<'PYTHON'
import base64, hashlib, os, socket, subprocess, threading, time, sys

def head(connection):
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(1)
        assert more, data
        data += more
    return data.decode()

def upstream(listener):
    """Accepts websockets and then says nothing."""
    while True:
        connection, _ = listener.accept()
        try:
            key = next(l for l in head(connection).split("\r\n") if l.lower().startswith("sec-websocket-key")).split(": ")[1]
        except (StopIteration, AssertionError):
            continue
        accept = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
        connection.sendall(("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                            f"Sec-WebSocket-Accept: {accept}\r\n\r\n").encode())
        held.append(connection)

def free():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]

held = []
listener = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=upstream, args=(listener,), daemon=True).start()
site, other, admin = free(), free(), free()

def write(more=""):
    with open("Caddyfile", "w") as file:
        file.write(f"{{\n admin 127.0.0.1:{admin}\n auto_https off\n}}\n"
                   f"http://127.0.0.1:{site} {{\n reverse_proxy 127.0.0.1:{listener.getsockname()[1]}\n}}\n{more}")

write()
arguments = ["--config", "Caddyfile", "--adapter", "caddyfile"]
log = open("log", "w")
caddy = subprocess.Popen(["usr/bin/caddy", "run", *arguments], stdout=log, stderr=log)
version = subprocess.check_output(["usr/bin/caddy", "version"], text=True).split()[0]
try:
    for attempt in range(100):
        try:
            client = socket.create_connection(("127.0.0.1", site))
            break
        except OSError:
            time.sleep(0.1)
    client.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                   b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + base64.b64encode(os.urandom(16)) + b"\r\n\r\n")
    assert head(client).startswith("HTTP/1.1 101")
    client.settimeout(3)
    try:
        got = client.recv(100)
        sys.exit(f"closed before the reload: {got}")
    except TimeoutError:
        pass
    write(f"http://127.0.0.1:{other} {{\n respond ok\n}}\n")
    reloaded = time.monotonic()
    subprocess.check_call(["usr/bin/caddy", "reload", *arguments, "--address", f"127.0.0.1:{admin}"], stdout=log, stderr=log)
    client.settimeout(10)
    try:
        got = client.recv(100)
    except TimeoutError:
        print(f"Caddy {version}: the websocket stays open")
        sys.exit(1)
    code = int.from_bytes(got[2:4], "big") if got[:1] == b"\x88" else None
    print(f"Caddy {version}: {time.monotonic() - reloaded:.1f} s after a reload that added another site, "
          f"the websocket was closed, code {code}")
    sys.exit(0 if code == 1001 else 1)
finally:
    caddy.terminate()
    caddy.wait()
PYTHON
python3 run.py
