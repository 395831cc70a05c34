"""The machine's clock set by an hour, either way, as the server sees it: libfaketime, whose file is changed meanwhile."""

import glob
import os
import time

from load import CONCERT, SCHEDULE
from trial import trial

from client import Closed, Fan, Refused, now

LIBRARIES = "/usr/lib/*/faketime/libfaketimeMT.so.1"
HOLD_SECONDS = 6


def is_there():
    return bool(glob.glob(LIBRARIES))


def environment(file):
    return {
        **os.environ,
        "LD_PRELOAD": glob.glob(LIBRARIES)[0],
        "FAKETIME_TIMESTAMP_FILE": str(file),
        # The file is read anew each time, and what counts the time that passes is left alone, as it is by a clock that is set.
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }


def wait_for(fan, method, patience, wanted):
    """Seconds until a push that is `wanted` came to this fan."""
    began = now()
    fan.socket.settimeout(patience)
    try:
        while True:
            message = fan.push()
            if message["method"] == method and wanted(message["params"]):
                return now() - began
    except (TimeoutError, Closed):
        return None


@trial("clock")
def clock(trial):
    """The clock set forward by an hour, back by two, and forward by one."""
    set_to = trial.folder / "time"
    set_to.write_text("+0")
    house = trial.house(settings=[f"sale.hold_ttl={HOLD_SECONDS}s", "sale.hold_again_after=0s"], users=24)
    with trial.selling(house, environment=environment(set_to)) as (fans, watch):
        spare = iter(house.tokens[12:])
        for number, offset in enumerate(["+3600", "-3600", "+0"]):
            what = f"the clock at {offset} s"
            fan = Fan(house.address, next(spare), patience=30)
            fan.call("queue.join", {"concert_id": CONCERT})
            fan.call("hold", {"schedule_id": SCHEDULE, "seats": [number]})
            held = now()
            steps = house.metric("frontrow_clock_steps_total")
            set_to.write_text(offset)
            began = now()
            ended = wait_for(fan, "reservation.update", 4 * HOLD_SECONDS, lambda reservation: reservation["status"] == "EXPIRED")
            took = None if ended is None else now() - held
            trial.check(f"{what}: a hold of {HOLD_SECONDS} s ran out", f"after {took:.1f} s" if took else "never", took and abs(took - HOLD_SECONDS) < 1.5)
            try:
                fan.call("hold", {"schedule_id": SCHEDULE, "seats": [number + 10]})
                again = "ok"
            except Refused as refused:
                again = refused.reason
            trial.check(f"{what}: the same fan, with the same token, holds again", again, again == "ok")
            fan.close()
            trial.sells(fans, f"{what}: sales")
            trial.outcomes(f"{what}: what fans are told", fans, began, now() - 1, ["ok"])
            counted = house.metric("frontrow_clock_steps_total")
            trial.check(f"{what}: steps, as /metrics counts them", f"{steps:.0f}, then {counted:.0f}", counted == steps + 1)
            trial.always_ready(f"{what}: readiness", watch, began)
        warned = house.log().count("the machine's clock was set")
        trial.check("warnings in the log", warned, warned == 3)


@trial("clock-admission")
def admission(trial):
    """The clock set by an hour while fans wait for an admission that ends by time."""
    set_to = trial.folder / "time"
    set_to.write_text("+0")
    house = trial.house(settings=["sale.capacity=1", "sale.admission_ttl=5s", "sale.hold_ttl=3s"], users=8)
    house.start(environment=environment(set_to))
    house.wait_ready()
    waiting = [Fan(house.address, token, patience=60) for token in house.tokens[:6]]
    joined = [fan.call("queue.join", {"concert_id": CONCERT})["status"] for fan in waiting]
    trial.check("places in line", joined, joined == ["PROGRESS", *["WAITING"] * 5])
    took, last = [], now()
    for number, fan in enumerate(waiting[1:]):
        set_to.write_text(["+3600", "-3600", "+0", "-3600", "+3600"][number])
        wait_for(fan, "queue.update", 60, lambda place: place["status"] == "PROGRESS")
        took.append(now() - last)
        last = now()
    trial.check("each admission of 5 s lets the next one in", " ".join(f"{seconds:.1f} s" for seconds in took), all(abs(seconds - 5) < 1.5 for seconds in took))
    for fan in waiting:
        fan.close()
    house.stop()
    faults = house.audit()
    trial.check("audit", f"{len(faults)} faults {faults[:3]}", not faults)
