"""Peers who stop reading: what the server and the kernel keep for them, and when they are hung up on."""

import json
import socket
import threading
import time

from client import Closed, Fan, Refused, Socket, admitted, guest, request, text

ROOM = 4096


def unread_answers(server, connections, path, times=6):
    """Pipelines requests and reads nothing."""
    sockets = []
    for number in range(connections):
        stream = Socket(server, source=f"127.0.1.{1 + number % 20}", room=ROOM)
        stream.send(request(server, "GET", path) * times)
        sockets.append(stream)
    return sockets


def still_open(sockets):
    """How many the server has not hung up on, without reading."""
    count = 0
    for stream in sockets:
        try:
            # A reset shows as an error; a server that only said goodbye is noticed by `ss`.
            error = stream.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            count += error == 0
        except OSError:
            pass
    return count


def watchers(server, connections):
    """Admitted guests who watch, and then read nothing: their sockets."""
    sockets, token = [], None
    for number in range(connections):
        source = f"127.0.1.{1 + number // 15}"
        if number % 5 == 0:
            token = guest(server, source)
        fan, schedule, _ = admitted(server, source, token, room=ROOM)
        fan.call("seats.watch", {"schedule_id": schedule})
        sockets.append(fan)
    return sockets


class Changes:
    """Seats that are held and released as fast as the server does it."""

    def __init__(self, server, fans, seats_each):
        self.changed, self.stop, self.threads = 0, False, []
        for number in range(fans):
            fan, schedule, _ = admitted(server, f"127.0.2.{1 + number}", patience=60)
            seats = list(range(number * seats_each, (number + 1) * seats_each))
            self.threads.append(threading.Thread(target=self.change, args=(fan, schedule, seats)))
        self.began = time.perf_counter()
        for thread in self.threads:
            thread.start()

    def change(self, fan, schedule, seats):
        while not self.stop:
            try:
                held = fan.call("hold", {"schedule_id": schedule, "seats": seats})
                fan.call("release", {"reservation_id": held["reservation_id"]})
                self.changed += 2 * len(seats)
            except Refused as refused:
                if refused.reason != "OVERLOADED":
                    raise

    def end(self):
        """Changes a second."""
        self.stop = True
        for thread in self.threads:
            thread.join()
        return self.changed / (time.perf_counter() - self.began)
