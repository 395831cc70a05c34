"""A server of its own, for the hostile runs and for those with faults below it, and what it and the kernel keep for it."""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def is_known(binary, setting):
    """A server of before this or that setting is tried without it."""
    listed = subprocess.run([str(binary), "config"], capture_output=True, text=True, check=True).stdout
    section, known = "", set()
    for line in listed.splitlines():
        line = line.lstrip("# ")
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1] + "."
        elif " = " in line:
            known.add(section + line.split(" = ")[0])
    return setting.split("=")[0] in known


def import_house(binary, plan, seats, data, shape="stadium"):
    """A concert in a house of this shape, its sale open."""
    generate = ["venue", "generate", "--seats", str(seats), "--shape", shape, "-o", str(plan)]
    subprocess.run([str(binary), *generate], check=True)
    sold = ["import", str(plan), "--title", "A night", "--starts-at", "2099-01-01T19:00:00Z", "--open", *data]
    priced = json.loads(plan.read_text()).get("categories", [])
    for category in priced:
        sold += ["--price", f"{category['name']}=1000"]
    subprocess.run([str(binary), *sold], check=True, stdout=subprocess.DEVNULL)


class NotStarted(Exception):
    pass


class Process:
    """A server that runs, whoever prepared its data; `listen` may be said once more, to start on the same port again."""

    def __init__(self, command, log, environment=None, listen="127.0.0.1:0", under=()):
        command = [*under, *map(str, command[:1]), "serve", "--listen", listen, *map(str, command[1:])]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment)
        line = self.process.stdout.readline()
        found = re.search(r"http://([\d.]+):(\d+)", line)
        if not found:
            self.stop()
            raise NotStarted(f"the server did not start: {line!r}")
        self.address = (found[1], int(found[2]))

    def stop(self, patience=20):
        """Its exit code; `None` if it had to be killed."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return None

    def resident(self):
        """MiB of the server's memory."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024

    def cpu(self):
        """Seconds of processor time that it took."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def kernel(self):
        """(sockets, MiB that they keep): the server's ends alone, whether it still knows of them or not."""
        listed = subprocess.run(
            ["ss", "-tmnH", "state", "all", f"( sport = :{self.address[1]} )"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        used = 0
        sockets = re.findall(r"skmem:\(r(\d+),rb\d+,t\d+,tb\d+,f(\d+),w(\d+),o(\d+),bl(\d+)", listed)
        for received, forward, written, options, backlog in sockets:
            used += sum(map(int, (received, forward, written, options, backlog)))
        return len(sockets), used / 2**20


class Server(Process):
    def __init__(self, binary=None, settings=(), seats=None):
        binary = binary or ROOT / "target/release/frontrow"
        self.folder = Path(tempfile.mkdtemp(prefix="hostile-"))
        self.log = open(self.folder / "log", "wb")
        data = ["--data", str(self.folder / "data")]
        command = [binary, *data]
        if seats is None:
            command += ["--demo"]
        else:
            import_house(binary, self.folder / "plan.json", seats, data)
            command += ["--set", "guests=true"]
        for setting in (setting for setting in settings if is_known(binary, setting)):
            command += ["--set", setting]
        try:
            super().__init__(command, self.log)
        except NotStarted as error:
            raise SystemExit(f"{error}, see {self.folder}/log") from error

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)
