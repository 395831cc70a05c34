"""One fault: what was done, what was seen, and whether that is right."""

import time
from contextlib import contextmanager

from house import House, Watch
from load import SILENCE, Load

from client import now

TRIALS = {}
# On a machine that is busy with the fault itself: how much later than promised still counts as in time.
SLACK = 1.0
WARNINGS_PRINTED = 20


def trial(name):
    def keep(function):
        TRIALS[name] = function
        return function

    return keep


class Trial:
    def __init__(self, name, options, workshop, findings):
        self.name, self.options, self.workshop, self.findings = name, options, workshop, findings
        self.folder = workshop.folder / name
        self.folder.mkdir()
        self.houses = []

    def end(self):
        """Whatever broke off, no server is left behind."""
        for house in self.houses:
            if house.process and house.process.process.poll() is None:
                house.process.process.kill()
                house.process.process.wait()

    def print_warnings(self):
        """The servers' own words about what went wrong: their folders are gone afterwards."""
        for house in self.houses:
            lines = [line for line in house.log().splitlines() if " WARN " in line or "ERROR " in line]
            print("\n".join(f"    {line}" for line in lines[-WARNINGS_PRINTED:]), flush=True)

    def check(self, what, seen, right=True):
        """Notes what was seen of something, and whether it should be so."""
        self.findings.append((self.name, what, str(seen), bool(right)))
        print(f"  {'right' if right else 'FAULT'}  {what}: {seen}", flush=True)

    def within(self, what, seconds, most):
        self.check(f"{what} (at most {most:g} s)", "never" if seconds is None else f"{seconds:.2f} s", seconds is not None and seconds <= most + SLACK)

    def always_ready(self, what, watch, since=0):
        """Readiness never said no; where it did, what it said was missing."""
        said = sorted({probe.outcome for probe in watch.between(since)})
        missing = watch.reasons(since)
        self.check(what, f"{said} {missing}" if missing else said, watch.first(since, 503) is None)

    def house(self, **options):
        self.houses.append(House(self.options, self.folder, **options))
        return self.houses[-1]

    @contextmanager
    def selling(self, house, log=None, environment=None, compared=True, **load):
        """A server with fans and somebody who watches it. Afterwards it ends, and everything is compared."""
        house.start(log, environment)
        if house.wait_ready() is None:
            self.check("the server is ready", "never", False)
        try:
            with Load(house, **load) as fans, Watch(house) as watch:
                self.sold_before = self.sells(fans, "sales before it")
                yield fans, watch
        finally:
            ended = house.stop()
        self.check("the end of the server", f"exit code {ended}", ended == 0)
        if compared:
            self.compare(house, fans)

    def sells(self, fans, what, patience=60, count=60):
        """Waits for that many confirmed requests from now on: seconds they took, `None` if they did not come."""
        began = now()
        while now() - began < patience:
            if fans.confirmed(began) >= count:
                took = now() - began
                self.check(what, f"{count} confirmed in {took:.1f} s")
                return took
            time.sleep(0.1)
        self.check(what, f"{fans.confirmed(began)} confirmed in {patience} s: {dict(fans.outcomes(began))}", False)
        return None

    def compare(self, house, *loads):
        told = sum(len(fans.told()) for fans in loads)
        wrong = [fault for fans in loads for fault in fans.compare(*house.rows())]
        self.check("what was told against what is there", f"{told} answers, {len(wrong)} wrong {wrong[:3] if wrong else ''}".strip(), not wrong)
        silent = sum(fans.outcomes()[SILENCE] for fans in loads)
        if silent:
            self.check("requests without any answer", silent, False)
        faults = house.audit()
        self.check("audit", f"{len(faults)} faults {faults[:3] if faults else ''}".strip(), not faults)
        panics = house.log().count("panicked")
        if panics:
            self.check("panics in the log", panics, False)

    def outcomes(self, what, fans, since, until=float("inf"), allowed=(), **options):
        """Nobody was told anything besides these while it lasted."""
        seen = fans.outcomes(since, until, **options)
        named = ", ".join(f"{outcome} {count}" for outcome, count in sorted(seen.items())) or "nothing"
        self.check(what, named, not set(seen) - set(allowed))
        return seen
