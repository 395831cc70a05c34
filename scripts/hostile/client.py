"""A client that sends the bytes it likes: HTTP/1.1 and websockets on a plain socket, from an address of its choice."""

import base64
import collections
import json
import os
import socket
import struct
import time

MASK = b"\x37\xfa\x21\x3d"


def frame(first, payload=b"", masked=True, length=None):
    """A websocket frame of a client; `length` lies about the payload's."""
    length = len(payload) if length is None else length
    bit = 0x80 if masked else 0
    if length < 126:
        head = struct.pack("!BB", first, bit | length)
    elif length < 0x10000:
        head = struct.pack("!BBH", first, bit | 126, length)
    else:
        head = struct.pack("!BBQ", first, bit | 127, length)
    if not masked:
        return head + payload
    repeated = MASK * (len(payload) // 4 + 1)
    body = bytes(a ^ b for a, b in zip(payload, repeated))
    return head + MASK + body


def text(value):
    return frame(0x81, value.encode() if isinstance(value, str) else value)


class Closed(Exception):
    """The server hung up; `code` is what its close frame said, if there was one."""

    def __init__(self, code=None):
        super().__init__(f"closed with {code}")
        self.code = code


class Socket:
    def __init__(self, server, source="127.0.0.1", room=None, patience=10):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if room:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(patience)
        self.socket.bind((source, 0))
        self.socket.connect(server)
        self.server = server
        self.buffer = b""

    def send(self, data):
        self.socket.sendall(data)

    def more(self):
        try:
            data = self.socket.recv(65536)
        except ConnectionError as error:
            raise Closed() from error
        if not data:
            raise Closed()
        self.buffer += data

    def take(self, count):
        while len(self.buffer) < count:
            self.more()
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def take_until(self, mark):
        while mark not in self.buffer:
            self.more()
        at = self.buffer.index(mark) + len(mark)
        data, self.buffer = self.buffer[:at], self.buffer[at:]
        return data

    def close(self):
        self.socket.close()

    # HTTP.

    def response(self, head_only=False):
        """(status, headers, body) of the next answer."""
        lines = self.take_until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        status = int(lines[0].split()[1])
        headers = {}
        for line in lines[1:]:
            if line:
                name, value = line.split(":", 1)
                headers.setdefault(name.strip().lower(), []).append(value.strip())
        length = int(headers.get("content-length", ["0"])[0])
        empty = head_only or status in (101, 204, 304)
        return status, headers, b"" if empty else self.take(length)

    def request(self, method, path, headers=(), body=b""):
        self.send(request(self.server, method, path, headers, body))
        return self.response(method == "HEAD")


def request(server, method, path, headers=(), body=b""):
    lines = [f"{method} {path} HTTP/1.1", f"Host: {server[0]}:{server[1]}"]
    lines += [f"{name}: {value}" for name, value in headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


class Fan(Socket):
    """A websocket. Known by its token, if there is one."""

    def __init__(self, server, token=None, **options):
        super().__init__(server, **options)
        headers = [
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", base64.b64encode(os.urandom(16)).decode()),
        ]
        if token:
            headers.append(("Authorization", f"Bearer {token}"))
        status, _, body = self.request("GET", "/ws", headers)
        if status != 101:
            raise Closed(f"HTTP {status} {body[:200]!r}")
        self.number = 0
        # Nobody has to take them: the oldest are forgotten.
        self.pushes = collections.deque(maxlen=1000)

    def next_frame(self):
        """(first byte, payload); raises `Closed` with the code of a close frame."""
        first, length = self.take(2)
        if length == 126:
            (length,) = struct.unpack("!H", self.take(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", self.take(8))
        payload = self.take(length)
        if first == 0x88:
            raise Closed(struct.unpack("!H", payload[:2])[0] if payload else 1005)
        return first, payload

    def call(self, method, params):
        """The result; raises `Refused`."""
        self.number += 1
        asked = {"jsonrpc": "2.0", "id": self.number, "method": method, "params": params}
        self.send(text(json.dumps(asked)))
        while True:
            message = self.message()
            if message.get("id") == self.number:
                if "error" in message:
                    raise Refused(message["error"])
                return message["result"]
            if "id" not in message:
                self.pushes.append(message)

    def message(self):
        """The next answer or push."""
        while True:
            first, payload = self.next_frame()
            if first == 0x89:
                self.send(frame(0x8A, payload))
            elif first == 0x81:
                return json.loads(payload)

    def push(self):
        """The next push, also of those that came before an answer."""
        while not self.pushes:
            message = self.message()
            if "id" not in message:
                self.pushes.append(message)
        return self.pushes.popleft()


class Refused(Exception):
    @property
    def reason(self):
        return self.args[0]["data"]["reason"]


def guest(server, source="127.0.0.1"):
    """A new guest's token."""
    asking = Socket(server, source)
    body = json.dumps({"name": "guest"}).encode()
    status, _, body = asking.request("POST", "/api/v1/users", [("Content-Type", "application/json")], body)
    asking.close()
    if status != 201:
        raise SystemExit(f"no guest: {status} {body!r}")
    return json.loads(body)["access_token"]


def admitted(server, source="127.0.0.1", token=None, **options):
    """A guest's websocket, in the sale and admitted: (fan, a performance, its number of seats)."""
    fan = Fan(server, token or guest(server, source), source=source, **options)
    concert = fan.call("concerts", {})["concerts"][0]
    place = fan.call("queue.join", {"concert_id": concert["concert_id"]})
    if place["status"] != "PROGRESS":
        raise SystemExit(f"not admitted: {place}")
    schedule = fan.call("schedules", {})["schedules"][0]
    return fan, schedule["schedule_id"], schedule["seats"]


def percentile(values, part):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * part))]


def now():
    return time.perf_counter()
