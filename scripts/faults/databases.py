"""A database server that answers late or not at all: locks of others, a lock on everything, a stopped process, hang-ups."""

import signal
import time

from database import Database
from storage import hanging
from trial import trial

from client import now

HANGS_SECONDS = 15


def hangs(trial, take):
    """`take` makes the database hang and gives back what ends it."""
    with Database(trial.folder) as database:
        house = trial.house(database=database)
        with trial.selling(house) as (fans, watch):
            began = now()
            end = take(database)
            time.sleep(HANGS_SECONDS)
            ended = now()
            end()
            hanging(trial, fans, watch, began, ended)


@trial("mariadb-seat-locks")
def seat_locks(trial):
    """Somebody else locks all rows of the sale's seats, which follow what was confirmed: no fan notices."""
    with Database(trial.folder) as database:
        house = trial.house(database=database)
        with trial.selling(house) as (fans, watch):
            began = now()
            end = database.client("BEGIN", "SELECT count(*) FROM concert_seat FOR UPDATE").end
            time.sleep(HANGS_SECONDS)
            trial.outcomes("what fans are told", fans, began, now() - 1, ["ok"])
            trial.always_ready("readiness", watch, began)
            end()
            trial.sells(fans, "sales afterwards", 20)


@trial("mariadb-wallet-locks")
def wallet_locks(trial):
    """Somebody else locks all rows of the wallets."""
    hangs(trial, lambda database: database.client("BEGIN", "SELECT count(*) FROM users FOR UPDATE").end)


@trial("mariadb-journal-locks")
def journal_locks(trial):
    """Somebody else locks the sale's journal."""
    hangs(trial, lambda database: database.client("BEGIN", "SELECT count(*) FROM journal FOR UPDATE").end)


@trial("mariadb-sale-locks")
def sale_locks(trial):
    """Somebody else locks the sale's own row, which its heartbeats change."""
    hangs(trial, lambda database: database.client("BEGIN", "SELECT count(*) FROM concert FOR UPDATE", "SELECT count(*) FROM node FOR UPDATE").end)


@trial("mariadb-read-lock")
def read_lock(trial):
    """`FLUSH TABLES WITH READ LOCK`, as a backup takes it."""
    hangs(trial, lambda database: database.client("FLUSH TABLES WITH READ LOCK").end)


@trial("mariadb-stopped")
def stopped(trial):
    """SIGSTOP of the database's process."""

    def take(database):
        database.signal(signal.SIGSTOP)
        return lambda: database.signal(signal.SIGCONT)

    hangs(trial, take)


@trial("mariadb-hangs-up")
def hangs_up(trial):
    """`wait_timeout=2`, and quiet times that are longer."""
    with Database(trial.folder, "--wait-timeout=2") as database:
        house = trial.house(database=database)
        with trial.selling(house) as (fans, watch):
            for _ in range(3):
                fans.quiet()
                time.sleep(5)
                began = now()
                fans.loud()
                trial.sells(fans, "sales after 5 s without", 20)
                time.sleep(2)
                trial.outcomes("what fans are told", fans, began, now() - 1, ["ok"])
                trial.always_ready("readiness", watch, began - 5)


@trial("mariadb-killed-connections")
def killed_connections(trial):
    """Every connection of the server is killed in the database, again and again."""
    with Database(trial.folder) as database:
        house = trial.house(database=database)
        with trial.selling(house) as (fans, watch):
            began = now()
            for _ in range(10):
                for (connection,) in database.ask("SELECT id FROM information_schema.processlist WHERE db = 'frontrow' AND id <> connection_id()"):
                    database.client(f"KILL {connection}").end()
                time.sleep(1)
            trial.outcomes("what fans are told", fans, began, now() - 1, ["ok", "UNAVAILABLE", "OVERLOADED"])
            trial.sells(fans, "sales afterwards", 20)
            trial.within("ready", watch.first(now() - 1, 200), 5)
