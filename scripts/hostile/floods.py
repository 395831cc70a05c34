"""Strangers who send as fast as they can. Each flood is bytes to repeat, on one connection or on ever new ones."""

import base64
import json
import os
import socket
import sys
import threading

from client import Closed, Fan, Socket, admitted, frame, now, request, text

FORGED = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').decode().rstrip("=")
FORGED += "." + base64.urlsafe_b64encode(b'{"sub":"1","exp":9999999999}').decode().rstrip("=") + "."


def ask(method, params=None):
    return text(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params or {}}))


def hello(number):
    return ask("hello", {"access_token": FORGED + f"{number:043d}"})


# Over a websocket; a stranger's, or a guest's who is admitted.
STRANGERS = {
    "empty fragments": frame(0x01, b"{") + frame(0x00) * 62 + frame(0x80, b"}"),
    "endless fragments": frame(0x01, b"{") + frame(0x00) * 10_000,
    "pings": frame(0x89),
    "long pings": frame(0x89, b"x" * 125),
    "pongs": frame(0x8A),
    "tiny texts": text("{}"),
    "empty texts": text(""),
    "malformed": text("not json"),
    "deep json": text("[" * 8_000),
    "large texts": text("x" * 16_384),
    "large requests": text('{"jsonrpc":"2.0","id":1,"method":"ping","params":{' + " " * 16_000 + "}}"),
    "too large": frame(0x81, b"x" * 100, length=1 << 40),
    "binary": frame(0x82, b"x" * 1_000),
    "unmasked": frame(0x81, b"{}", masked=False),
    "closes": frame(0x88, b"\x03\xe8"),
    "forged tokens": b"".join(hello(number) for number in range(100)),
}
GUESTS = {
    "requests": ask("balance"),
    "concerts": ask("concerts"),
    "schedules": ask("schedules"),
    "watches": ask("seats.watch", {"schedule_id": 1}),
    "holds": ask("hold", {"schedule_id": 1, "seats": [0, 1, 2]}),
    "best": ask("hold_best", {"schedule_id": 1, "count": 4}),
    "wrong holds": ask("hold", {"schedule_id": 1, "seats": [999_999]}),
    "joins": ask("queue.join", {"concert_id": 1}),
}


def http_floods(server):
    get = lambda path, *headers: request(server, "GET", path, headers)
    layout = "/api/v1/schedules/1/layout"
    bearer = lambda token: ("Authorization", f"Bearer {token}")
    small = b'{"name":"a"}'
    post = lambda path, body, *headers: request(server, "POST", path, headers, body)
    return {
        "openapi": get("/openapi.json"),
        "openapi, compressed": get("/openapi.json", ("Accept-Encoding", "gzip")),
        "asyncapi": get("/asyncapi.json"),
        "page": get("/"),
        "module": get("/app/main.js"),
        "layout": get(layout),
        "layout, compressed": get(layout, ("Accept-Encoding", "gzip")),
        "concerts over HTTP": get("/api/v1/concerts"),
        "healthz": get("/healthz"),
        "readyz": get("/readyz"),
        "metrics": get("/metrics"),
        "nothing there": get("/nothing"),
        "HEAD": request(server, "HEAD", "/openapi.json"),
        "OPTIONS": request(server, "OPTIONS", "/api/v1/concerts"),
        "new guests": post("/api/v1/users", small),
        "garbage bodies": post("/api/v1/payments", b"x" * 1_000),
        "forged bearers": get("/api/v1/balance", bearer(FORGED + "0" * 43)),
        "unknown queue tokens": get("/api/v1/queue/tokens/current", bearer("00000001-0000-8000-8000-000000000000")),
        "refused upgrades": get("/ws"),
        "tiny chunks": b"POST /api/v1/payments HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        + b"1\r\nx\r\n" * 1_000
        + b"0\r\n\r\n",
        "large heads": get("/healthz", *[(f"x-{number}", "y" * 200) for number in range(50)]),
        "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00" * 100,
        "blank lines": b"\r\n" * 1_000,
    }


def send_for_ever(connect, data, until, sent):
    """On one connection after the other, for as long as the server lets one live."""
    many = data * max(1, 65_536 // len(data))
    while now() < until:
        try:
            stream = connect()
        except (Closed, OSError):
            # Not let in: it is not for the flood to be faster than that.
            threading.Event().wait(0.01)
            continue
        reader = threading.Thread(target=throw_away, args=(stream.socket,), daemon=True)
        reader.start()
        try:
            while now() < until:
                sent[0] += stream.socket.send(many)
        except OSError:
            pass
        close_hard(stream)


def throw_away(stream):
    try:
        while stream.recv(1 << 18):
            pass
    except OSError:
        pass


def close_hard(stream):
    try:
        stream.socket.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    stream.close()


def open_and_close(server, source, upgrade, until, sent):
    while now() < until:
        try:
            (Fan if upgrade else Socket)(server, source=source).close()
            sent[0] += 1
        except (Closed, OSError):
            threading.Event().wait(0.001)


def flood(server, kind, source, seconds, connections=1):
    """Sends for so long; gives back how much."""
    until, sent, threads = now() + seconds, [0], []
    for _ in range(connections):
        if kind in ("open and close", "upgrade and close"):
            arguments = (server, source, kind.startswith("upgrade"), until, sent)
            threads.append(threading.Thread(target=open_and_close, args=arguments))
            continue
        if kind in STRANGERS:
            connect, data = lambda: Fan(server, source=source), STRANGERS[kind]
        elif kind in GUESTS:
            connect, data = lambda: admitted(server, source)[0], GUESTS[kind]
        else:
            connect, data = lambda: Socket(server, source), http_floods(server)[kind]
        threads.append(threading.Thread(target=send_for_ever, args=(connect, data, until, sent)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sent[0]


def kinds(server):
    return [*STRANGERS, *GUESTS, *http_floods(server), "open and close", "upgrade and close"]


def main():
    host, port, kind, source, seconds, connections = sys.argv[1:]
    print(flood((host, int(port)), kind, source, float(seconds), int(connections)))
    # Readers may still wait.
    os._exit(0)


if __name__ == "__main__":
    main()
