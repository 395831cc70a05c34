"""A log that cannot be written: sales go on, whatever becomes of it."""

import os
import time

from trial import trial

from client import now

SECONDS = 8


def lost_lines(trial, log, what, at_least=1):
    house = trial.house(settings=["log.level=debug"])
    with trial.selling(house, log=log) as (fans, watch):
        began = now()
        time.sleep(SECONDS)
        trial.outcomes(f"{what}: what fans are told", fans, began, now() - 1, ["ok"])
        trial.always_ready(f"{what}: readiness", watch)
        lost, ended = house.metric("frontrow_log_lines_lost_total"), house.metric("frontrow_task_ends_total")
        trial.check(f"{what}: lines lost, as /metrics counts them", f"{lost:.0f}", lost >= at_least)
        trial.check(f"{what}: tasks that ended", f"{ended:.0f}", ended == 0)


@trial("log-full-disk")
def full_disk(trial):
    """The log on a full disk."""
    disk = trial.workshop.memory("log", 64)
    with open(disk.path / "log", "wb") as log:
        disk.fill()
        lost_lines(trial, log, "a full disk")


@trial("log-dev-full")
def dev_full(trial):
    """`2>/dev/full`."""
    with open("/dev/full", "wb") as log:
        lost_lines(trial, log, "/dev/full")


@trial("log-broken-pipe")
def broken_pipe(trial):
    """The log in a pipe whose reader went away."""
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "wb") as log:
        lost_lines(trial, log, "a pipe without a reader")


@trial("log-stopped-reader")
def stopped_reader(trial):
    """The log in a pipe whose reader stands still."""
    reader, writer = os.pipe()
    with open(writer, "wb") as log, open(reader, "rb"):
        # As much as fits, so that the first line waits already. A few thousand may.
        log.write(bytes(64 << 10))
        log.flush()
        lost_lines(trial, log, "a pipe that nobody reads", 0)
