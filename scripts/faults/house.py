"""A house whose seats are sold by a server of its own, and looks at it from outside: readiness, reads, metrics, audit."""

import json
import re
import sqlite3
import subprocess
import threading
import time

from disks import WITH_US
from load import Away, Http
from server import Process, import_house, is_known

from client import Closed, Refused, Socket, now

# The load comes from one address, and buys more than anybody would.
SETTINGS = [
    "limits.address.exempt=127.0.0.0/8",
    "limits.ledger_entries_per_day=1000000",
    "sale.capacity=10000",
]


class House:
    def __init__(self, options, folder, seats=20_000, users=16, settings=(), data=None, database=None):
        self.binary = options.binary
        self.folder, self.seats, self.database = folder, seats, database
        self.data_folder = data or folder / "data"
        self.data = ["--data", str(self.data_folder)]
        if database:
            self.data += ["--database-url", database.url]
        self.settings = [setting for setting in [*SETTINGS, *settings, *options.set] if is_known(self.binary, setting)]
        import_house(self.binary, folder / "plan.json", seats, self.data)
        added = self.frontrow("user", "add", "--name", "fan", "--count", str(users), *self.data).stdout
        made = [json.loads(line) for line in added.splitlines()]
        self.users, self.tokens = [user["user_id"] for user in made], [user["access_token"] for user in made]
        self.log_path = folder / "log"
        self.process, self.address = None, None

    def frontrow(self, *arguments, check=True):
        return subprocess.run([str(self.binary), *arguments], capture_output=True, text=True, check=check, timeout=600)

    def start(self, log=None, environment=None, more=()):
        """At the same address as before, where there was one."""
        command = [self.binary, *self.data, *more]
        for setting in self.settings:
            command += ["--set", setting]
        listen = "127.0.0.1:0" if self.address is None else ":".join(map(str, self.address))
        if log is not None:
            self.process = Process(command, log, environment, listen, WITH_US)
        else:
            with open(self.log_path, "ab") as log:
                self.process = Process(command, log, environment, listen, WITH_US)
        self.address = self.process.address
        return self.process

    def stop(self):
        return self.process.stop() if self.process else None

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def get(self, path):
        asking = Socket(self.address, patience=30)
        try:
            status, _, body = asking.request("GET", path)
            return status, body.decode()
        finally:
            asking.close()

    def metric(self, name):
        found = re.search(rf"^{re.escape(name)} (\S+)$", self.get("/metrics")[1], re.MULTILINE)
        return float(found[1]) if found else None

    def is_ready(self):
        try:
            return self.get("/readyz")[0] == 200
        except (Closed, OSError):
            return False

    def wait_ready(self, patience=60):
        """Seconds until it is; `None` if it never was."""
        began = now()
        while now() - began < patience:
            if self.is_ready():
                return now() - began
            time.sleep(0.05)
        return None

    def audit(self):
        """Everything that does not fit, as the audit says it."""
        said = self.frontrow("audit", "--json", *self.data, check=False)
        try:
            report = json.loads(said.stdout)
        except ValueError:
            return [f"no audit: {said.stderr.strip()[-300:]}"]
        return [] if report["ok"] else [str(fault) for fault in report["faults"]]

    def rows(self):
        """The seats with their user and reservation's status, and the requests that charged a wallet."""
        reservations = "SELECT user_id, seats, status FROM reservation"
        charges = "SELECT request_id FROM payment_history WHERE request_id IS NOT NULL"
        if self.database:
            found, charged = self.database.ask(reservations), self.database.ask(charges)
        else:
            connection = sqlite3.connect(f"file:{self.data_folder}/frontrow.db?mode=ro", uri=True)
            found, charged = connection.execute(reservations).fetchall(), connection.execute(charges).fetchall()
            connection.close()
        seats = [(int(user), int(seat), status) for user, listed, status in found for seat in listed.split(",") if seat]
        return seats, {request for (request,) in charged}


class Probe:
    """What was asked at one moment, and how it was answered."""

    def __init__(self, what, began, outcome, said=""):
        self.what, self.began, self.ended, self.outcome, self.said = what, began, now(), outcome, said

    @property
    def seconds(self):
        return self.ended - self.began


class Watch:
    """Looks at readiness four times a second and reads from the store twice a second, as a context."""

    READS = ("balance", "reservations", "history", "tickets")

    def __init__(self, house):
        self.house, self.is_over, self.probes = house, False, []
        self.threads = [threading.Thread(target=look, daemon=True) for look in (self.look_at_readiness, self.read)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.is_over = True
        for thread in self.threads:
            thread.join(60)

    def look_at_readiness(self):
        while not self.is_over:
            began = now()
            try:
                status, said = self.house.get("/readyz")
                self.probes.append(Probe("ready", began, status, said))
            except (Closed, OSError) as error:
                self.probes.append(Probe("ready", began, type(error).__name__))
            time.sleep(max(0, began + 0.25 - now()))

    def read(self):
        number, door = 0, Http(self.house.address, self.house.tokens[-1])
        while not self.is_over:
            what, began = self.READS[number % len(self.READS)], now()
            number += 1
            try:
                door.told(what, {})
                outcome = "ok"
            except Refused as refused:
                outcome = refused.reason
            except (Closed, OSError, Away) as error:
                outcome = type(error).__name__
            self.probes.append(Probe(what, began, outcome))
            time.sleep(max(0, began + 0.5 - now()))

    def between(self, since, until=float("inf"), ready=True):
        return [probe for probe in list(self.probes) if since <= probe.began < until and (probe.what == "ready") == ready]

    def first(self, since, status):
        """Seconds from `since` until readiness said this; `None` if it never did."""
        return next((probe.ended - since for probe in self.between(since) if probe.outcome == status), None)

    def slowest(self, since, until=float("inf"), ready=True):
        return max((probe.seconds for probe in self.between(since, until, ready)), default=0)

    def reasons(self, since, until=float("inf")):
        """What readiness said was missing."""
        said = [probe.said for probe in self.between(since, until) if probe.outcome == 503]
        return sorted({text for answer in said for text in json.loads(answer).get("missing", [])} if said else [])
