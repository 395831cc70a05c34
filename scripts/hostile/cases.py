"""Raw cases: each a few bytes, and what has to come of them. Websockets as in RFC 6455, HTTP as in RFC 9112."""

import json
import socket
import struct

from client import Closed, Fan, Socket, frame, guest, request, text

PING = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {}})
CASES = []


def case(name):
    def add(function):
        CASES.append((name, function))
        return function

    return add


def closed_with(server, token, data):
    """The close code that these bytes get; `answered` if a text comes instead."""
    fan = Fan(server, token, patience=5)
    try:
        fan.send(data)
        while True:
            first, payload = fan.next_frame()
            if first == 0x81 and json.loads(payload).get("id") == 1:
                return "answered"
            if first == 0x8A:
                return f"pong {len(payload)}"
    except Closed as closed:
        return closed.code
    except socket.timeout:
        return "nothing"
    finally:
        fan.close()


HALF, REST = PING[:20].encode(), PING[20:].encode()
FRAMES = [
    ("a text", text(PING), "answered"),
    ("a text in two frames", frame(0x01, HALF) + frame(0x80, REST), "answered"),
    ("a text in 64 frames", frame(0x01, HALF) + frame(0x00) * 62 + frame(0x80, REST), "answered"),
    ("a text in 65 frames", frame(0x01, HALF) + frame(0x00) * 63 + frame(0x80, REST), 1009),
    ("frames without an end", frame(0x01, HALF) + frame(0x00) * 100_000, 1009),
    ("a ping between frames", frame(0x01, HALF) + frame(0x89, b"hi") + frame(0x80, REST), "pong 2"),
    ("a pong between frames", frame(0x01, HALF) + frame(0x8A, b"hi") + frame(0x80, REST), "answered"),
    ("an empty ping", frame(0x89), "pong 0"),
    ("a ping of 125 bytes", frame(0x89, b"x" * 125), "pong 125"),
    ("a ping of 126 bytes", frame(0x89, b"x" * 126), 1002),
    ("a ping in parts", frame(0x09, b"x"), 1002),
    ("a pong that nobody asked for", frame(0x8A, b"x") + text(PING), "answered"),
    ("a pong of 126 bytes", frame(0x8A, b"x" * 126), 1002),
    ("16 KiB", text(PING[:-1] + " " * (16_384 - len(PING)) + "}"), "answered"),
    ("16 KiB and a byte", text(PING[:-1] + " " * (16_385 - len(PING)) + "}"), 1009),
    ("64 KiB", text("x" * 65_536), 1009),
    ("an announced exabyte", frame(0x81, b"x", length=1 << 60), 1009),
    ("a length with its highest bit", frame(0x81, b"x", length=1 << 63), 1002),
    ("a short length in 16 bits", struct.pack("!BBH", 0x81, 0xFE, 5), 1002),
    ("a short length in 64 bits", struct.pack("!BBQ", 0x81, 0xFF, 300), 1002),
    ("parts over 16 KiB", frame(0x01, b"x" * 9_000) + frame(0x80, b"x" * 9_000), 1009),
    ("not masked", frame(0x81, PING.encode(), masked=False), 1002),
    ("not masked, empty", frame(0x81, masked=False), 1002),
    ("a binary frame", frame(0x82, b"x"), 1003),
    ("an empty binary frame", frame(0x82), 1003),
    ("a binary frame in parts", frame(0x02, b"x"), 1003),
    ("RSV1", frame(0xC1, b"x"), 1002),
    ("RSV2", frame(0xA1, b"x"), 1002),
    ("RSV3", frame(0x91, b"x"), 1002),
    ("all of RSV on a ping", frame(0xF9, b"x"), 1002),
    *[(f"opcode {code}", frame(0x80 | code, b"x"), 1002) for code in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)],
    ("a continuation of nothing", frame(0x80, b"x"), 1002),
    ("a continuation of nothing, not the last", frame(0x00, b"x"), 1002),
    ("a continuation of what has ended", text(PING[:0]) + frame(0x80, b"x"), 1002),
    ("a text within a text", frame(0x01, HALF) + text(PING), 1002),
    ("a binary within a text", frame(0x01, HALF) + frame(0x82, b"x"), 1002),
    ("no UTF-8", text(b"\xff\xfe"), 1007),
    ("an overlong slash", text(b"\xc0\xaf"), 1007),
    ("a surrogate", text(b"\xed\xa0\x80"), 1007),
    ("above U+10FFFF", text(b"\xf4\x90\x80\x80"), 1007),
    ("half a character at the end", text(b"\xe2\x82"), 1007),
    ("half a character at the end of the last part", frame(0x01, b"\xe2") + frame(0x80, b"\x82"), 1007),
    ("no UTF-8 in a part, before the last comes", frame(0x01, b"\xff"), 1007),
    ("a close", frame(0x88, b"\x03\xe8"), 1000),
    ("a close without a code", frame(0x88), 1005),
    ("a close with a reason", frame(0x88, b"\x03\xe8" + b"x" * 123), 1000),
    ("a close with half a code", frame(0x88, b"\x03"), 1002),
    ("a close of 126 bytes", frame(0x88, b"\x03\xe8" + b"x" * 124), 1002),
    ("a close in parts", frame(0x08, b"\x03\xe8"), 1002),
    ("a close with a reason that is no UTF-8", frame(0x88, b"\x03\xe8\xff"), 1007),
    *[(f"close code {c}", frame(0x88, struct.pack("!H", c)), c) for c in (1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999)],
    *[(f"close code {c}", frame(0x88, struct.pack("!H", c)), 1002) for c in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535)],
    ("nothing behind a close", frame(0x88, b"\x03\xe8") + text(PING), 1000),
    ("101 times nonsense", text("nonsense") * 101, 4501),
]


def frame_cases(server, token):
    for name, data, expected in FRAMES:
        for way, send in (("at once", lambda fan: closed_with(server, token, data)),):
            found = send(None)
            yield f"websocket: {name}", expected, found
    # Byte by byte, which a network may do.
    fan = Fan(server, token, patience=10)
    for byte in frame(0x01, HALF) + frame(0x89, b"hi") + frame(0x80, REST):
        fan.send(bytes([byte]))
    seen = [fan.next_frame()[0], fan.next_frame()[0]]
    yield "websocket: byte by byte", [0x8A, 0x81], seen
    fan.close()


UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}


def upgrade_cases(server):
    def status(method="GET", version="HTTP/1.1", **changed):
        headers = UPGRADE | {name.replace("_", "-"): value for name, value in changed.items()}
        stream = Socket(server, patience=5)
        lines = [f"{method} /ws {version}", f"Host: {server[0]}:{server[1]}"]
        lines += [f"{name}: {value}" for name, value in headers.items() if value is not None]
        stream.send("\r\n".join([*lines, "", ""]).encode())
        found = stream.response()[0]
        stream.close()
        return found

    yield "upgrade", 101, status()
    yield "upgrade: in other letters", 101, status(Connection="keep-alive, UPGRADE", Upgrade="WebSocket")
    yield "upgrade: no key", 400, status(Sec_WebSocket_Key=None)
    yield "upgrade: a short key", 400, status(Sec_WebSocket_Key="AAAA")
    yield "upgrade: a key that is no base64", 400, status(Sec_WebSocket_Key="!" * 24)
    yield "upgrade: version 8", 426, status(Sec_WebSocket_Version="8")
    yield "upgrade: no version", 426, status(Sec_WebSocket_Version=None)
    yield "upgrade: no Upgrade", 426, status(Upgrade=None)
    yield "upgrade: to something else", 426, status(Upgrade="h2c")
    yield "upgrade: no Connection", 426, status(Connection="keep-alive")
    yield "upgrade: HTTP/1.0", 426, status(version="HTTP/1.0")
    yield "upgrade: POST", 405, status(method="POST")
    yield "upgrade: a foreign origin", 403, status(Origin="https://evil.example")
    yield "upgrade: an unknown subprotocol", 400, status(Sec_WebSocket_Protocol="chat")
    yield "upgrade: extensions are not taken", 101, status(Sec_WebSocket_Extensions="permessage-deflate")
    yield "upgrade: nonsense for a token", 401, status(Authorization="Bearer nonsense")


def http_cases(server):
    host = f"Host: {server[0]}:{server[1]}\r\n".encode()

    def found(data, patience=5):
        stream = Socket(server, patience=patience)
        try:
            stream.send(data)
            return stream.response()[0]
        except Closed:
            return "closed"
        except socket.timeout:
            return "nothing"
        except OSError:
            return "closed"
        finally:
            stream.close()

    get = b"GET /healthz HTTP/1.1\r\n"
    post = b"POST /api/v1/users HTTP/1.1\r\n" + host
    for name, data, expected in [
        ("a request", get + host + b"\r\n", 200),
        ("no Host", get + b"\r\n", 400),
        ("two Hosts", get + host + host + b"\r\n", 400),
        ("an empty Host", get + b"Host:\r\n\r\n", 400),
        ("a Host with a path", get + b"Host: a/b\r\n\r\n", 400),
        ("a Host with a name in front", get + b"Host: user@a\r\n\r\n", 400),
        ("HTTP/1.0 without Host", b"GET /healthz HTTP/1.0\r\n\r\n", 200),
        ("an absolute target", b"GET http://a/healthz HTTP/1.1\r\n" + host + b"\r\n", 200),
        ("HTTP/2.0", b"GET /healthz HTTP/2.0\r\n" + host + b"\r\n", 400),
        ("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "refused"),
        ("no version", b"GET /healthz\r\n\r\n", 400),
        ("a space before the colon", get + b"Host : a\r\n\r\n", 400),
        ("a folded header", get + host + b"x-a: b\r\n c\r\n\r\n", 400),
        ("a NUL in a header", get + host + b"x-a: b\0c\r\n\r\n", 400),
        ("a bare CR in a header", get + host + b"x-a: b\rc\r\n\r\n", 400),
        ("a name with a space", get + host + b"x a: b\r\n\r\n", 400),
        ("a method with a space in front", b" GET /healthz HTTP/1.1\r\n" + host + b"\r\n", 400),
        ("65 headers", get + host + b"".join(b"x-%d: y\r\n" % n for n in range(65)) + b"\r\n", 431),
        ("a head of 20 KB", get + host + b"x-a: " + b"y" * 20_000 + b"\r\n\r\n", 431),
        ("a target of 20 KB", b"GET /" + b"y" * 20_000 + b" HTTP/1.1\r\n" + host + b"\r\n", 431),
        ("two lengths that differ", post + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx", 400),
        ("a length with a sign", post + b"Content-Length: +1\r\n\r\nx", 400),
        ("a length that is none", post + b"Content-Length: 0x1\r\n\r\nx", 400),
        ("a length and chunks", post + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        ("chunks that are not last", post + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", 400),
        ("an unknown coding", post + b"Transfer-Encoding: gzip\r\n\r\n0\r\n\r\n", 400),
        ("a chunk size that is none", post + b"Transfer-Encoding: chunked\r\n\r\nx\r\n\r\n", 400),
        ("a declared terabyte", post + b"Content-Length: 1099511627776\r\n\r\n", 413),
        ("a declared byte too many", post + b"Content-Length: 16385\r\n\r\n", 413),
        ("a byte too many in chunks", post + b"Transfer-Encoding: chunked\r\n\r\n4001\r\n" + b"x" * 16_385 + b"\r\n0\r\n\r\n", 413),
        ("an expectation, then 413", post + b"Expect: 100-continue\r\nContent-Length: 99999\r\n\r\n", 413),
        ("an unknown method", b"BREW /healthz HTTP/1.1\r\n" + host + b"\r\n", 405),
        ("TRACE", b"TRACE / HTTP/1.1\r\n" + host + b"\r\n", 405),
        ("CONNECT", b"CONNECT a:80 HTTP/1.1\r\n" + host + b"\r\n", "refused"),
        ("a path out of the folder", b"GET /../../etc/passwd HTTP/1.1\r\n" + host + b"\r\n", 404),
        ("the same, escaped", b"GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\n" + host + b"\r\n", 404),
        ("a NUL in a path", b"GET /%00 HTTP/1.1\r\n" + host + b"\r\n", 404),
        ("TLS on a plain port", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 500, "refused"),
    ]:
        status = found(data)
        # Of these hyper may say either, or nothing at all; that it is refused counts.
        if expected == "refused":
            status = "refused" if status == "closed" or status in (400, 404, 405) else status
        if expected == 431 and status in (400, 414):
            status = 431
        yield f"HTTP: {name}", expected, status
    # A request that hides in another's body is none.
    stream = Socket(server, patience=5)
    hidden = b"GET /healthz HTTP/1.1\r\n" + host + b"\r\n"
    stream.send(post + b"Content-Length: %d\r\n\r\n" % len(hidden) + hidden + get + host + b"x-request-id: second\r\n\r\n")
    first, second = stream.response(), stream.response()
    yield "HTTP: a body is no request", (400, 200, ["second"]), (first[0], second[0], second[1].get("x-request-id"))
    stream.close()
    # Every answer says how it may be used.
    for path, status in (("/", 200), ("/nothing", 404), ("/ws", 426), ("/api/v1/balance", 401), ("/openapi.json", 200), ("/healthz", 200)):
        stream = Socket(server, patience=5)
        answer = stream.request("GET", path)
        safe = (answer[0], answer[1].get("x-content-type-options"), "content-security-policy" in answer[1])
        yield f"HTTP: {path} is safe to open", (status, ["nosniff"], True), safe
        stream.close()


def run(server):
    """(what, expected, found) of each case."""
    token = guest(server)
    yield from frame_cases(server, token)
    yield from upgrade_cases(server)
    yield from http_cases(server)
