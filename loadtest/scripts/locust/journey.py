"""From the line to the ticket with Locust: each user is one buyer, who buys once and then stays away.

    pip install -r requirements.txt
    locust -f journey.py --headless --users 50 --spawn-rate 10 --host http://127.0.0.1:8080

The run ends by itself when every buyer has a ticket or has failed, and with 1 if one failed.
"""

import base64
import itertools
import json
import logging
import random
import time

import gevent
import websocket
from gevent.event import AsyncResult
from locust import HttpUser, constant, events, task

# Nothing here takes longer on the slowest of machines.
PATIENCE_SECONDS = 120


class Refused(Exception):
    """A refusal by the rules, with its reason."""

    def __init__(self, error):
        super().__init__(error["message"])
        self.reason = error.get("data", {}).get("reason")


class Fan:
    """One fan on one websocket: a greenlet reads, so that pushes are taken while a request waits for its answer."""

    def __init__(self, url, environment):
        self.environment = environment
        self.ids = itertools.count(1)
        self.open = {}
        self.awaited = []
        self.taken = set()
        self.seat_count = 0
        self.version = 0
        self.socket = websocket.create_connection(url, subprotocols=["frontrow.v1"], timeout=PATIENCE_SECONDS)
        self.reader = gevent.spawn(self._read)

    def ask(self, method, **params):
        """Asks, waits for the answer, and has Locust count it under the method's name."""
        number, answer, began = next(self.ids), AsyncResult(), time.perf_counter()
        self.open[number] = answer
        text = json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        self.socket.send(text)
        reply = answer.get(timeout=PATIENCE_SECONDS)
        error = Refused(reply["error"]) if "error" in reply else None
        self.environment.events.request.fire(
            request_type="WS",
            name=method,
            response_time=(time.perf_counter() - began) * 1000,
            response_length=len(text),
            # The slower of two fans is answered rightly: no failure of the server's.
            exception=None if error and error.reason == "SEAT_TAKEN" else error,
            context={},
        )
        if error:
            raise error
        return reply["result"]

    def admitted(self, concert):
        """Joins, and waits until the fan is let in or everything is sold."""
        def over(place):
            return place["status"] == "PROGRESS" or place["sold_out"]

        # Listening before joining: the push may be there before the answer was looked at.
        called = AsyncResult()
        self.awaited.append(("queue.update", over, called))
        place = self.ask("queue.join", concert_id=concert)
        return place if over(place) else called.get(timeout=PATIENCE_SECONDS)

    def hold_any(self, schedule):
        """Holds one of the seats that are free as far as the fan knows; None when none is."""
        while True:
            free = [seat for seat in range(self.seat_count) if seat not in self.taken]
            if not free:
                return None
            seat = random.choice(free)
            try:
                return self.ask("hold", schedule_id=schedule, seats=[seat])
            except Refused as refused:
                if refused.reason != "SEAT_TAKEN":
                    raise
                self.taken.add(seat)

    def close(self):
        # The library's `close` waits for the lock that the reader holds, and for the peer's close frame: with a server
        # that is gone, that is as long as the reader's timeout. The reader is ended first, and no frame is waited for.
        self.reader.kill()
        self.socket.close(timeout=0)

    def _read(self):
        while True:
            message = json.loads(self.socket.recv())
            if "method" in message:
                self._receive_push(message["method"], message["params"])
                continue
            # At once: a delta may stand right behind the snapshot, before whoever waits for it goes on.
            result = message.get("result")
            if isinstance(result, dict) and "seats" in result and "version" in result:
                self._take(result)
            self.open.pop(message["id"]).set(message)

    def _receive_push(self, name, params):
        if name == "seats.update" and params["version"] > self.version:
            self.version = params["version"]
            for seat, state in params["changes"]:
                (self.taken.add if state else self.taken.discard)(seat)
        for entry in [entry for entry in self.awaited if entry[0] == name and entry[1](params)]:
            self.awaited.remove(entry)
            entry[2].set(params)

    def _take(self, snapshot):
        states = base64.b64decode(snapshot["seats"])
        self.seat_count, self.version = snapshot["count"], snapshot["version"]
        self.taken = {seat for seat in range(self.seat_count) if states[seat >> 2] >> 2 * (seat & 3) & 3}


class Buyer(HttpUser):
    """A guest who buys one seat."""

    wait_time = constant(0)

    @task
    def buy(self):
        try:
            self.journey()
            DONE.append(True)
        except Exception:
            logging.exception("a buyer failed")
            DONE.append(False)
        if len(DONE) == self.environment.parsed_options.num_users:
            self.environment.process_exit_code = 0 if all(DONE) else 1
            # In a greenlet of its own: to quit is to end every user, and this one would wait for itself.
            gevent.spawn(self.environment.runner.quit)
        # Whoever stops during the ramp is replaced by another buyer: this one stays until the run ends.
        gevent.sleep(PATIENCE_SECONDS)

    def journey(self):
        guest = self.client.post("/api/v1/users", json={"name": "Locust"}).json()
        concerts = self.client.get("/api/v1/concerts").json()["concerts"]
        fan = Fan(self.host.replace("http", "ws", 1) + "/ws", self.environment)
        try:
            fan.ask("hello", access_token=guest["access_token"])
            place = fan.admitted(concerts[0]["concert_id"])
            if place["status"] != "PROGRESS":
                raise RuntimeError("everything was sold before this fan's turn")
            schedule = fan.ask("schedules")["schedules"][0]["schedule_id"]
            fan.ask("seats.watch", schedule_id=schedule)
            held = fan.hold_any(schedule)
            if held is None:
                raise RuntimeError("no seat was free")
            fan.ask("charge", amount=held["amount"], request_id=held["reservation_id"])
            paid = fan.ask("pay", reservation_id=held["reservation_id"])
            if len(paid["tickets"]) != 1:
                raise RuntimeError(f"{len(paid['tickets'])} tickets for one seat")
        finally:
            fan.close()


DONE = []


@events.quitting.add_listener
def _say(environment, **_):
    print(f"tickets: {sum(DONE)} of {environment.parsed_options.num_users}")
