"""Signals, under load."""

import signal
import time

from load import CONCERT, SCHEDULE
from trial import trial

from client import Closed, Fan, now


def still_held(fan, reservation):
    found = fan.call("reservations", {})["reservations"]
    return any(one["reservation_id"] == reservation and one["status"] == "TEMP_RESERVED" for one in found)


def orderly(name):
    @trial(f"signal-{name.lower()}")
    def end(trial):
        house = trial.house()
        with trial.selling(house) as (fans, _):
            asked = Fan(house.address, house.tokens[-2], patience=60)
            asked.call("queue.join", {"concert_id": CONCERT})
            held = asked.call("hold", {"schedule_id": SCHEDULE, "seats": [0]})["reservation_id"]
            process = house.process.process
            process.send_signal(getattr(signal, name))
            began = now()
            try:
                while True:
                    asked.next_frame()
            except Closed as closed:
                trial.check(f"{name}: a fan who waits is told", f"closed with {closed.code}", closed.code == 1012)
            code = process.wait(60)
            trial.check(f"{name}: the end", f"exit code {code} after {now() - began:.1f} s", code == 0 and now() - began < 30)
            trial.outcomes(f"{name}: what fans are told", fans, began - 0.2, allowed=["ok", "closed", "closed 1012", "UNAVAILABLE"])
            house.start()
            trial.within(f"{name}: ready after the next start", house.wait_ready(), 5)
            asked = Fan(house.address, house.tokens[-2], patience=60)
            trial.check(f"{name}: what was held before is held", still_held(asked, held), still_held(asked, held))
            trial.sells(fans, f"{name}: sales after the next start")

    end.__doc__ = f"{name} under load: an orderly end."


for name in ("SIGTERM", "SIGINT", "SIGHUP"):
    orderly(name)


@trial("signal-sigkill")
def kill(trial):
    """SIGKILL under load, and a start."""
    house = trial.house()
    with trial.selling(house) as (fans, _):
        for number in range(3):
            house.process.process.kill()
            house.process.process.wait()
            house.start()
            trial.within(f"ready after kill {number + 1}", house.wait_ready(), 5)
            trial.sells(fans, "sales afterwards")


@trial("signal-sigstop")
def stop(trial):
    """SIGSTOP for 15 s: time stands still for fans."""
    house = trial.house(settings=["sale.hold_ttl=10s"])
    with trial.selling(house) as (fans, watch):
        fan = Fan(house.address, house.tokens[-2], patience=60)
        fan.call("queue.join", {"concert_id": CONCERT})
        held = fan.call("hold", {"schedule_id": SCHEDULE, "seats": [0]})
        process = house.process.process
        process.send_signal(signal.SIGSTOP)
        began = now()
        time.sleep(15)
        process.send_signal(signal.SIGCONT)
        went_on = now()
        kept = still_held(fan, held["reservation_id"])
        trial.check("a hold of 10 s, after 15 s in which the server stood still", "is held" if kept else "has run out", kept)
        fan.close()
        trial.sells(fans, "sales afterwards", 30)
        trial.within("ready again", watch.first(went_on, 200), 5)
        for door in ("websocket", "HTTP"):
            told = ["ok", "OVERLOADED", "UNAVAILABLE", "closed 1012", "OUTCOME_UNKNOWN"]
            trial.outcomes(f"{door}: what fans are told of what they asked meanwhile", fans, began - 0.5, went_on, told, door=door)


@trial("signal-others")
def others(trial):
    """Signals that mean nothing to a server: SIGPIPE, SIGUSR1, SIGUSR2, SIGWINCH."""
    house = trial.house()
    with trial.selling(house) as (fans, _):
        for name in ("SIGPIPE", "SIGUSR1", "SIGUSR2", "SIGWINCH"):
            began = now()
            house.process.process.send_signal(getattr(signal, name))
            time.sleep(1)
            code = house.process.process.poll()
            trial.check(name, "nothing happens" if code is None else f"the server ends with {code}", code is None)
            if code is not None:
                house.start()
                house.wait_ready()
                continue
            trial.outcomes(f"{name}: what fans are told", fans, began, now() - 0.5, ["ok"])
