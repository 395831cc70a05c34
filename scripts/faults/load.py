"""Honest fans: they join, hold, give back or charge and pay, through both doors, and remember what they were told.

Each fan has seats of its own and asks for each only once, so that whatever is in the database later can be compared with
what was said: nothing confirmed may be lost, and nothing may be there of which it was said that it is not.
"""

import json
import sys
import threading
import time
import uuid
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "hostile"))
from client import Closed, Fan, Refused, Socket, now

CONCERT, SCHEDULE = 1, 1
# Longer than the server may take to say anything at all.
PATIENCE = 30
SILENCE = "no answer"
PAUSE_AFTER_REFUSAL = 0.2


class Away(Exception):
    """There is no server to ask, so that nothing was asked."""


class Door:
    """One of the two ways in, as its fan uses it. `told` raises `Refused` with an error as the websocket has it."""

    def __init__(self, address, token):
        self.address, self.token, self.connection = address, token, None

    def told(self, method, params):
        if self.connection is None:
            try:
                self.connection = self.connect()
            except (Closed, OSError) as error:
                raise Away() from error
        try:
            return self.ask(method, params)
        except (Closed, OSError):
            self.hang_up()
            raise

    def hang_up(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None


class Websocket(Door):
    name = "websocket"

    def connect(self):
        return Fan(self.address, self.token, patience=PATIENCE)

    def ask(self, method, params):
        return self.connection.call(method, params)


class Http(Door):
    name = "HTTP"
    CALLS = {
        "queue.join": ("POST", "/queue/tokens"),
        "hold": ("POST", "/reservations"),
        "release": ("DELETE", "/reservations/{reservation_id}"),
        "charge": ("POST", "/balance/charges"),
        "pay": ("POST", "/payments"),
        "balance": ("GET", "/balance"),
        "history": ("GET", "/balance/history"),
        "reservations": ("GET", "/reservations"),
        "tickets": ("GET", "/tickets"),
    }

    def connect(self):
        return Socket(self.address, patience=PATIENCE)

    def ask(self, method, params):
        verb, path = self.CALLS[method]
        body = b"" if verb != "POST" else json.dumps(params).encode()
        headers = [("Authorization", f"Bearer {self.token}"), ("Content-Type", "application/json")]
        path = path.format(**params)
        status, headers, body = self.connection.request(verb, "/api/v1" + path, headers, body)
        if headers.get("connection") == ["close"]:
            self.hang_up()
        answer = json.loads(body or b"{}")
        if status >= 400:
            raise Refused({"message": answer.get("title", ""), "data": {"reason": answer["reason"], **answer}})
        return answer


class Told:
    """One request and what came of it: `ok`, a reason of the protocol, or `closed` with a code."""

    def __init__(self, method, began, outcome, seat=None):
        self.method, self.seat, self.began, self.ended, self.outcome = method, seat, began, now(), outcome

    @property
    def seconds(self):
        return self.ended - self.began


# What may be there of a seat, by what its fan was told last. A hold of which nothing is known may have been kept.
NOTHING, HELD, GIVEN_BACK, PAID, MAYBE_HELD, MAYBE_GIVEN_BACK, MAYBE_PAID = (
    "nothing", "held", "given back", "paid", "maybe held", "maybe given back", "maybe paid",
)
ENDED = {"CANCELLED", "EXPIRED"}
MAY_BE = {
    NOTHING: {None},
    # A hold may run out, and ends with the admission.
    HELD: {"TEMP_RESERVED", *ENDED},
    GIVEN_BACK: ENDED,
    PAID: {"RESERVED"},
    MAYBE_HELD: {None, "TEMP_RESERVED", *ENDED},
    MAYBE_GIVEN_BACK: {"TEMP_RESERVED", *ENDED},
    MAYBE_PAID: {"TEMP_RESERVED", "RESERVED", *ENDED},
}
AS_FOUND = {"TEMP_RESERVED": HELD, "RESERVED": PAID, "CANCELLED": GIVEN_BACK, "EXPIRED": GIVEN_BACK}


def is_unknown(outcome):
    return outcome in ("OUTCOME_UNKNOWN", SILENCE) or outcome.startswith("closed")


class HonestFan(threading.Thread):
    def __init__(self, load, number, user, door, seats):
        super().__init__(daemon=True)
        self.load, self.number, self.user, self.door = load, number, user, door
        # From the back, so that a test may use those in front.
        self.seats = iter(seats)
        self.turn = number
        self.told, self.seat_told, self.charges = [], {}, {}
        self.broken = None

    def ask(self, method, params, seat=None):
        """(outcome, result)"""
        began = now()
        try:
            outcome, result = "ok", self.door.told(method, params)
        except Refused as refused:
            outcome, result = refused.reason, None
        except Closed as closed:
            outcome, result = f"closed {closed.code or ''}".strip(), None
        except TimeoutError:
            outcome, result = SILENCE, None
        except OSError:
            outcome, result = "closed", None
        except Away:
            return "away", None
        self.told.append(Told(method, began, outcome, seat))
        return outcome, result

    def run(self):
        try:
            while not self.load.is_over:
                if not self.go_once():
                    time.sleep(PAUSE_AFTER_REFUSAL)
        except Exception as error:  # A fault of the load itself must not pass for silence.
            self.broken = f"{type(error).__name__}: {error}"
            raise

    def go_once(self):
        self.load.gate.wait()
        if self.ask("queue.join", {"concert_id": CONCERT})[0] != "ok":
            return False
        while not self.load.is_over:
            self.load.gate.wait()
            began = now()
            if not self.hold_one():
                return False
            # Within the rate of one user, and no faster than this machine lets everybody have a turn.
            time.sleep(max(0, began + self.load.pause - now()))
        return True

    def hold_one(self):
        seat = next(self.seats, None)
        if seat is None:
            time.sleep(1)
            return True
        self.seat_told[seat] = MAYBE_HELD
        outcome, held = self.ask("hold", {"schedule_id": SCHEDULE, "seats": [seat]}, seat)
        if is_unknown(outcome):
            return self.look_back()
        self.note([seat], HELD if outcome == "ok" else NOTHING)
        if outcome != "ok":
            return False
        # What nothing was known of may have come to it.
        seats = [seat["seat"] for seat in held["seats"]]
        self.note(seats, HELD)
        self.turn += 1
        if self.turn % self.load.pays_every:
            return self.give_back(held["reservation_id"], seats) or self.look_back()
        return self.buy(held, seats) and self.ask("queue.join", {"concert_id": CONCERT})[0] == "ok" or self.look_back()

    def note(self, seats, told):
        self.seat_told.update(dict.fromkeys(seats, told))

    def change(self, seats, method, params, meanwhile, done):
        """Asks for a change of what is held. Whoever is refused has what they had."""
        before = {seat: self.seat_told[seat] for seat in seats}
        self.note(seats, meanwhile)
        outcome, _ = self.ask(method, params, seats[0])
        if outcome == "ok":
            self.note(seats, done)
        elif not is_unknown(outcome):
            self.seat_told.update(before)
        return outcome == "ok"

    def give_back(self, reservation, seats):
        return self.change(seats, "release", {"reservation_id": reservation}, MAYBE_GIVEN_BACK, GIVEN_BACK)

    def buy(self, held, seats):
        request = str(uuid.uuid4())
        self.charges[request] = None
        outcome, _ = self.ask("charge", {"amount": held["amount"], "request_id": request}, seats[0])
        if not is_unknown(outcome):
            self.charges[request] = outcome == "ok"
        paid = {"reservation_id": held["reservation_id"]}
        return outcome == "ok" and self.change(seats, "pay", paid, MAYBE_PAID, PAID)

    def look_back(self):
        """After something that went wrong: asks what there is, and gives back what is still held."""
        time.sleep(PAUSE_AFTER_REFUSAL)
        while not self.load.is_over:
            outcome, found = self.ask("reservations", {})
            if outcome == "ok":
                break
            time.sleep(PAUSE_AFTER_REFUSAL)
        else:
            return False
        for reservation in found["reservations"]:
            seats, status = [seat["seat"] for seat in reservation["seats"]], reservation["status"]
            for seat in seats:
                told = self.seat_told.get(seat)
                if told is not None and status not in MAY_BE[told]:
                    self.load.untrue.append(f"seat {seat}: told that it is {told}, and then that it is {status}")
                # What hangs may still come: only a hold that was not known of is certain now.
                if told in (None, MAYBE_HELD):
                    self.note([seat], AS_FOUND[status])
            if status == "TEMP_RESERVED":
                self.give_back(reservation["reservation_id"], seats)
        return self.ask("queue.join", {"concert_id": CONCERT})[0] == "ok"


class Load:
    """`fans` of them beside a fault: use as a context. They go on until it ends, wherever the server is by then."""

    def __init__(self, house, fans=12, pause=0.12, pays_every=4):
        self.pause, self.pays_every = pause, pays_every
        self.is_over, self.untrue = False, []
        self.gate = threading.Event()
        self.gate.set()
        share = house.seats // 2 // fans
        self.fans = []
        for number in range(fans):
            door = (Websocket, Http)[number % 3 == 2](house.address, house.tokens[number])
            first = house.seats // 2 + number * share
            self.fans.append(HonestFan(self, number, house.users[number], door, range(first, first + share)))

    def __enter__(self):
        for fan in self.fans:
            fan.start()
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        self.is_over = True
        self.gate.set()
        for fan in self.fans:
            fan.join(2 * PATIENCE)
            fan.door.hang_up()
        self.untrue += [f"fan {fan.number} broke off: {fan.broken}" for fan in self.fans if fan.broken]
        self.untrue += [f"fan {fan.number} got no answer at all" for fan in self.fans if fan.is_alive()]

    def quiet(self):
        """Nobody asks for anything until `loud`."""
        self.gate.clear()

    def loud(self):
        self.gate.set()

    def told(self, since=0, until=float("inf"), methods=("hold", "release", "charge", "pay"), door=None):
        """What was asked within this time."""
        fans = [fan for fan in self.fans if door is None or fan.door.name == door]
        return [told for fan in fans for told in list(fan.told) if since <= told.began < until and told.method in methods]

    def outcomes(self, *args, **options):
        return Counter(told.outcome for told in self.told(*args, **options))

    def confirmed(self, *args, **options):
        return self.outcomes(*args, **options)["ok"]

    def compare(self, reservations, charges):
        """What is there against what was told: `reservations` are (user, seat, status), `charges` the ids of their requests."""
        # Each seat is asked for once by whose it is, so what was kept of it is in one reservation.
        found, wrong = {(user, seat): status for user, seat, status in reservations}, list(self.untrue)
        for fan in self.fans:
            for seat, told in fan.seat_told.items():
                status = found.get((fan.user, seat))
                if status not in MAY_BE[told]:
                    wrong.append(f"seat {seat}: told that it is {told}, but it is {status}")
            for request, was_made in fan.charges.items():
                if was_made is not None and was_made != (request in charges):
                    wrong.append(f"a charge: told {'yes' if was_made else 'no'}, and the opposite is there")
        return wrong
