"""Small disks of their own, in files. Whatever ends this process, even a kill, they are thawed and unmounted."""

import os
import subprocess
from contextlib import contextmanager
from pathlib import Path

# What a process is started under so that it ends with us, whatever ends us.
WITH_US = ("setpriv", "--pdeathsig", "KILL")

# Lives until the pipe to it ends, and then cleans up after us: thaws, unmounts, removes.
JANITOR = """
trap '' INT TERM HUP
cat >/dev/null
for mount in "$1"/*.mount; do
    [ -d "$mount" ] || continue
    fsfreeze -u "$mount" 2>/dev/null
    tries=0
    # Whoever was stopped by the disk needs a moment to end.
    while mountpoint -q "$mount" && ! umount "$mount" 2>/dev/null; do
        tries=$((tries + 1))
        [ $tries -lt 50 ] || { umount -l "$mount"; break; }
        sleep 0.1
    done
done
rm -rf --one-file-system "$1"
"""


class Workshop:
    """A folder in which disks may be mounted; gone afterwards."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir()
        # A session of its own: Ctrl-C is for us, and the janitor hears of our end by the pipe.
        self.janitor = subprocess.Popen(
            ["sh", "-c", JANITOR, "janitor", str(self.folder)], stdin=subprocess.PIPE, start_new_session=True
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.janitor.stdin.close()
        self.janitor.wait()

    def disk(self, name, mebibytes):
        """ext4 in a file, all of it for whoever wants it."""
        image, mount = self.folder / f"{name}.image", self.folder / f"{name}.mount"
        with open(image, "wb") as file:
            file.truncate(mebibytes << 20)
        subprocess.run(["mkfs.ext4", "-q", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0", str(image)], check=True)
        mount.mkdir()
        subprocess.run(["mount", "-o", "loop", str(image), str(mount)], check=True)
        return Disk(mount)

    def memory(self, name, kibibytes):
        """A file system in memory."""
        mount = self.folder / f"{name}.mount"
        mount.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kibibytes}k", "none", str(mount)], check=True)
        return Disk(mount)


class Disk:
    def __init__(self, path):
        self.path = path

    @contextmanager
    def frozen(self):
        """Thawed also by Ctrl-C: no process ends that waits for a frozen disk, so whoever waits for its end would hang too."""
        subprocess.run(["fsfreeze", "-f", str(self.path)], check=True)
        try:
            yield
        finally:
            subprocess.run(["fsfreeze", "-u", str(self.path)], check=True)

    def fill(self):
        """Until not a byte more fits."""
        with open(self.path / "filler", "ab", buffering=0) as filler:
            for piece in (1 << 20, 1 << 12, 1 << 9, 1):
                try:
                    while filler.write(bytes(piece)):
                        pass
                except OSError:
                    continue

    def make_room(self):
        os.remove(self.path / "filler")
