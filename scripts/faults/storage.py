"""The embedded database's disk: full, frozen, deleted, and with a forgotten reader."""

import json
import os
import shutil
import sqlite3
import subprocess
import time

from server import NotStarted
from trial import SLACK, trial

from client import now, percentile

# The house and its log have room in it, and the log grows to its bound before the disk is full.
DISK_MEBIBYTES = 192
RETRYABLE = ["UNAVAILABLE", "OVERLOADED"]


@trial("disk-full")
def full(trial):
    """The data on a disk that fills up while fans hold."""
    disk = trial.workshop.disk("data", DISK_MEBIBYTES)
    house = trial.house(data=disk.path / "data")
    with trial.selling(house) as (fans, watch):
        disk.fill()
        began = now()
        # What the log's file has already it may still use.
        while watch.first(began, 503) is None and now() - began < 60:
            disk.fill()
            time.sleep(0.2)
        noticed = watch.first(began, 503)
        trial.check("readiness says 503 once nothing fits", "never" if noticed is None else f"after {noticed:.1f} s: {watch.reasons(began)}", noticed is not None)
        full = now()
        time.sleep(6)
        seen = trial.outcomes("what fans are told meanwhile", fans, full, now() - 1, ["ok", "closed 1012", "OUTCOME_UNKNOWN", *RETRYABLE])
        trial.check("of that confirmed", seen["ok"])
        trial.within("the slowest answer of a fan", max((told.seconds for told in fans.told(full)), default=0), 10)
        trial.within("the slowest read", watch.slowest(full, ready=False), 2)
        disk.make_room()
        room = now()
        trial.sells(fans, "sales once there is room again", 30)
        trial.check("ready again", f"after {watch.first(room, 200) or -1:.1f} s", watch.first(room, 200) is not None)


@trial("disk-full-start")
def full_at_the_start(trial):
    """A server that is killed on a full disk, and starts there."""
    disk = trial.workshop.disk("start", DISK_MEBIBYTES)
    house = trial.house(data=disk.path / "data")
    with trial.selling(house) as (fans, watch):
        disk.fill()
        began = now()
        while watch.first(began, 503) is None and now() - began < 60:
            disk.fill()
            time.sleep(0.2)
        house.process.process.kill()
        house.process.process.wait()
        disk.fill()
        try:
            house.start()
            started = "it runs"
            trial.check("readiness after a start on a full disk", house.get("/readyz"))
        except NotStarted:
            started = f"it does not: {house.log().strip().splitlines()[-1][-200:]}"
        trial.check("does it start on a full disk", started)
        disk.make_room()
        if house.process.process.poll() is not None:
            house.start()
        trial.within("ready once there is room", house.wait_ready(), 10)
        trial.sells(fans, "sales afterwards")


@trial("disk-frozen")
def frozen(trial):
    """The data on a disk that is frozen for 15 s (`fsfreeze`)."""
    disk = trial.workshop.disk("frozen", DISK_MEBIBYTES)
    house = trial.house(data=disk.path / "data")
    with trial.selling(house) as (fans, watch):
        with disk.frozen():
            began = now()
            time.sleep(15)
            thawed = now()
        hanging(trial, fans, watch, began, thawed)


def hanging(trial, fans, watch, began, ended):
    """What has to hold while a store answers nothing, between two times, and soon after."""
    trial.sells(fans, f"sales after it ({ended - began:.0f} s)", 30)
    back = watch.first(ended, 200)
    trial.within("ready again", back, 15)
    noticed = watch.first(began, 503)
    trial.within("readiness says 503", noticed, 3)
    trial.check("and why", watch.reasons(began, ended))
    trial.within("the slowest answer of /readyz", watch.slowest(began, ended), 1)
    trial.within("the slowest read", watch.slowest(began, ended, ready=False), 2)
    reads = sorted({str(probe.outcome) for probe in watch.between(began, ended, ready=False)})
    trial.check("what reads are told", ", ".join(reads), not set(reads) - {"ok", *RETRYABLE})
    # What was under way when it began hung with it; the first moment is the one in which nobody knows yet.
    allowed = ["ok", "OVERLOADED", "UNAVAILABLE", "OUTCOME_UNKNOWN", "closed 1012"]
    told = fans.told(began - 0.5, ended)
    trial.outcomes("what fans are told", fans, began - 0.5, ended, allowed)
    for name in ("websocket", "HTTP"):
        unknown = [told for told in fans.told(began - 0.5, ended, door=name) if told.outcome in ("OUTCOME_UNKNOWN", "closed 1012")]
        latest = max((told.seconds for told in unknown), default=0)
        trial.within(f"{name}: {len(unknown)} unknown outcomes, the latest after", latest, 10)
    refused = [one.seconds for one in told if one.outcome == "OVERLOADED"]
    trial.within(f"{len(refused)} refused with OVERLOADED, the latest after", max(refused, default=0), 5)
    long = [one for one in told if one.outcome == "UNAVAILABLE" and one.seconds > 5 + SLACK]
    trial.check("UNAVAILABLE after more than 5 s", len(long), not long)


def gone(trial, house, fans, watch, began, what, most=1):
    """After the database was taken away: noticed, and nothing more confirmed."""
    time.sleep(6)
    trial.within(f"{what}: readiness says 503", watch.first(began, 503), most)
    trial.check(f"{what}: and why", watch.reasons(began))
    confirmed = fans.confirmed(began)
    trial.check(f"{what}: confirmed of what was asked afterwards", confirmed, confirmed == 0)
    trial.outcomes(f"{what}: what fans are told", fans, began, now() - 1, ["UNAVAILABLE", "OUTCOME_UNKNOWN", "OVERLOADED", "closed 1012"])


def without_comparison(trial, house):
    """Sells, without a comparison afterwards: there is nothing left to compare with."""
    return trial.selling(house, compared=False)


@trial("database-deleted")
def deleted(trial):
    """The database's file is deleted under the server."""
    house = trial.house()
    with without_comparison(trial, house) as (fans, watch):
        os.remove(house.data_folder / "frontrow.db")
        gone(trial, house, fans, watch, now(), "deleted")
    try:
        house.start()
        trial.check("a start without the database", "it runs", False)
        house.stop()
    except NotStarted:
        said = house.log().strip().splitlines()[-1]
        trial.check("a start without the database", f"refused: {said[-160:]}", "--new" in house.log())
    house.start(more=["--new"])
    trial.check("a start with --new", f"ready after {house.wait_ready():.1f} s")
    house.stop()


@trial("database-log-deleted")
def log_deleted(trial):
    """The database's log, where what was committed lately is, is deleted under the server."""
    house = trial.house()
    with without_comparison(trial, house) as (fans, watch):
        os.remove(house.data_folder / "frontrow.db-wal")
        gone(trial, house, fans, watch, now(), "its log deleted")


@trial("database-replaced")
def replaced(trial):
    """Another file is put in the database's place, as a restored backup would be."""
    house = trial.house()
    with without_comparison(trial, house) as (fans, watch):
        copy = house.folder / "copy.db"
        source, target = sqlite3.connect(house.data_folder / "frontrow.db"), sqlite3.connect(copy)
        source.backup(target)
        source.close(), target.close()
        os.replace(copy, house.data_folder / "frontrow.db")
        gone(trial, house, fans, watch, now(), "replaced")


@trial("folder-deleted")
def folder_deleted(trial):
    """The whole data folder is deleted under the server."""
    house = trial.house()
    with without_comparison(trial, house) as (fans, watch):
        shutil.rmtree(house.data_folder)
        gone(trial, house, fans, watch, now(), "the folder deleted")


@trial("forgotten-reader")
def forgotten_reader(trial):
    """A reader of the embedded database that stays while seats change as fast as they can, and then ends."""
    tool, seconds = trial.options.loadtest, trial.options.reader_seconds
    house = trial.house(users=1016, settings=["limits.connections_per_user=100", "limits.requests_per_second=1000000", "limits.requests_burst=1000000"])
    tokens = trial.folder / "tokens"
    busy_users = zip(house.users[16:], house.tokens[16:])
    tokens.write_text("".join(json.dumps({"user_id": user, "access_token": token}) + "\n" for user, token in busy_users))
    log = house.data_folder / "frontrow.db-wal"
    # The load beside it knows of no other who pays, and would miss what they bought.
    with trial.selling(house, fans=4, pays_every=10**9) as (fans, _):
        operator = json.loads(house.frontrow("token", "--operator", *house.data).stdout)["access_token"]
        reader = sqlite3.connect(f"file:{house.data_folder}/frontrow.db?mode=ro", uri=True)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM concert").fetchall()
        command = [
            str(tool), "holds", "--server", ":".join(map(str, house.address)), "--tokens", str(tokens), "--concert", "1",
            "--operator-token", operator, "--fans", "1000", "--duration", f"{2 * seconds}s", "--warm-up", "1s", "--baseline", "0s", "--seats", "8000",
        ]
        busy = subprocess.Popen(command, stdout=open(trial.folder / "holds", "wb"), stderr=subprocess.STDOUT)
        before = now()
        time.sleep(seconds)
        size, counted = log.stat().st_size, house.metric("frontrow_store_log_bytes")
        trial.check("the log behind the reader", f"{size / 2**20:.0f} MiB after {now() - before:.0f} s", size > 64 << 20)
        trial.check("as /metrics has it", f"{counted / 2**20:.0f} MiB", counted > size / 2)
        trial.check("and in the server's log", "it says so" if "cannot begin anew" in house.log() else "not a word", "cannot begin anew" in house.log())
        beside = [told.seconds for told in fans.told(before + 1, now() - 1, ("hold",))]
        trial.check("a hold meanwhile", f"median {1000 * percentile(beside, 0.5):.0f} ms, longest {1000 * max(beside):.0f} ms")
        reader.close()
        ended = now()
        while busy.poll() is None and now() - ended < seconds:
            time.sleep(0.2)
        after = [told.seconds for told in fans.told(ended - 1, methods=("hold",))]
        trial.within("the longest stall of a hold after the reader's end", max(after, default=None), 1)
        trial.check("a hold after it", f"median {1000 * percentile(after, 0.5):.0f} ms of {len(after)}")
        busy.wait(120)
        said = (trial.folder / "holds").read_text().splitlines()
        said = [" ".join(line.split()) for line in said if line.startswith(("hold ", "release ", "BAD"))] or said[-3:]
        trial.check("the load beside it", " | ".join(said), busy.returncode == 0)
        until = now() + 60
        while log.stat().st_size > 64 << 20 and now() < until:
            time.sleep(0.5)
        trial.check("the log at last", f"{log.stat().st_size / 2**20:.0f} MiB {now() - ended:.0f} s later", log.stat().st_size <= 64 << 20)
