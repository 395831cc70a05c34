"""A private MariaDB that makes every commit durable, in a folder of its own and behind a socket."""

import getpass
import os
import shutil
import signal
import subprocess
import time

from disks import WITH_US

PROGRAMS = ("mariadbd", "mariadb-install-db", "mariadb")
# Debian keeps mariadbd where only root looks.
os.environ["PATH"] += ":/usr/sbin"


def missing():
    return [program for program in PROGRAMS if shutil.which(program) is None]


class Database:
    def __init__(self, folder, *settings):
        self.socket = folder / "mariadb.socket"
        data, user = folder / "mariadb", getpass.getuser()
        subprocess.run(
            ["mariadb-install-db", "--no-defaults", f"--user={user}", f"--datadir={data}",
             "--auth-root-authentication-method=normal", "--skip-test-db"],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        self.process = subprocess.Popen(
            [*WITH_US, "mariadbd", "--no-defaults", f"--user={user}", f"--datadir={data}", f"--tmpdir={folder}", f"--socket={self.socket}",
             "--skip-networking", "--skip-log-bin", "--innodb-flush-log-at-trx-commit=1",
             f"--log-error={folder}/mariadb.log", *settings],
        )
        for _ in range(300):
            if self.process.poll() is not None:
                raise SystemExit((folder / "mariadb.log").read_text())
            try:
                self.ask("CREATE DATABASE IF NOT EXISTS frontrow CHARACTER SET utf8mb4", "mysql")
                break
            except subprocess.CalledProcessError:
                time.sleep(0.2)
        self.url = f"mysql://root@localhost/frontrow?socket={self.socket}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def command(self, database="frontrow"):
        return ["mariadb", "--no-defaults", f"--socket={self.socket}", "-u", "root", "-N", "-B", database]

    def ask(self, sql, database="frontrow"):
        answer = subprocess.run([*self.command(database), "-e", sql], capture_output=True, text=True, check=True)
        return [tuple(line.split("\t")) for line in answer.stdout.splitlines()]

    def client(self, *statements):
        """Another one who is connected, and stays so: their statements are done when this returns. `end` ends them."""
        for _ in range(20):
            try:
                return Client(self.command(), statements)
            except Refused:
                # It met our own transactions in a deadlock.
                time.sleep(0.1)
        raise Refused(statements)

    def signal(self, number):
        self.process.send_signal(number)


class Refused(Exception):
    pass


class Client:
    def __init__(self, command, statements):
        self.process = subprocess.Popen([*command, "-n", "-q"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.process.stdin.write("".join(f"{statement};\n" for statement in statements) + "SELECT 'all done';\n")
        self.process.stdin.flush()
        while "all done" not in (line := self.process.stdout.readline()):
            if not line:
                raise Refused(statements)

    def end(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()
