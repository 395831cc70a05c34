"""A server of its own for the hostile runs, and what it and the kernel keep for it."""

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
    tried = [str(binary), "config", "--set", setting]
    return subprocess.run(tried, capture_output=True, check=False).returncode == 0


class Server:
    def __init__(self, binary=None, settings=()):
        binary = binary or ROOT / "target/release/frontrow"
        self.folder = Path(tempfile.mkdtemp(prefix="hostile-"))
        self.log = open(self.folder / "log", "wb")
        command = [str(binary), "serve", "--demo", "--listen", "127.0.0.1:0", "--data", str(self.folder / "data")]
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
