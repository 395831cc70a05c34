"""A server of its own for the hostile runs, and what it and the kernel keep for it."""

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


def import_house(binary, plan, seats, data):
    """A concert in a stadium, its sale open."""
    generate = ["venue", "generate", "--seats", str(seats), "--shape", "stadium", "-o", str(plan)]
    subprocess.run([str(binary), *generate], check=True)
    sold = ["import", str(plan), "--title", "A night", "--starts-at", "2099-01-01T19:00:00Z", "--open", *data]
    priced = json.loads(plan.read_text()).get("categories", [])
    for category in priced:
        sold += ["--price", f"{category['name']}=1000"]
    subprocess.run([str(binary), *sold], check=True, stdout=subprocess.DEVNULL)


class Server:
    def __init__(self, binary=None, settings=(), seats=None):
        binary = binary or ROOT / "target/release/frontrow"
        self.folder = Path(tempfile.mkdtemp(prefix="hostile-"))
        self.log = open(self.folder / "log", "wb")
        data = ["--data", str(self.folder / "data")]
        command = [str(binary), "serve", "--listen", "127.0.0.1:0", *data]
        if seats is None:
            command += ["--demo"]
        else:
            import_house(binary, self.folder / "plan.json", seats, data)
            command += ["--set", "guests=true"]
        for setting in (setting for setting in settings if is_known(binary, setting)):
            command += ["--set", setting]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = self.process.stdout.readline()
        found = re.search(r"http://([\d.]+):(\d+)", line)
        if not found:
            raise SystemExit(f"the server did not start: {line!r}, see {self.folder}/log")
        self.address = (found[1], int(found[2]))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

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
