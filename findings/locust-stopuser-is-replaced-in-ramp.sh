#!/usr/bin/env bash
# Locust: a user that ends by StopUser while the ramp is still going on is replaced by a new one.
#
# One would expect: `--users 20` starts 20 users in all; one that has raised StopUser is gone ("stops a user").
# Seen: the ramp fills up to 20 *running* users, so every user that ends before the ramp does is started anew. A journey
#   that is shorter than the ramp plays more often than asked for; behind the ramp nobody is replaced.
# Why it matters: a buyer buys once. Sold tickets are compared with the number of users asked for, and do not match; the
#   cure is to let a finished user sleep until the run ends.
# Seen with: locust 2.47.0, Python 3.11.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check locust==2.47.0
cat > "$work/once.py" <<'PY'
from locust import User, constant, events, task
from locust.exception import StopUser

started = []

class Once(User):
    wait_time = constant(0)

    def on_start(self):
        started.append(self)

    @task
    def only(self):
        raise StopUser

@events.quitting.add_listener
def say(environment, **_):
    print(f"started={len(started)}")
PY
asked=20
seen=$("$work/venv/bin/locust" -f "$work/once.py" --headless --only-summary --users $asked --spawn-rate 5 -t 12s 2>/dev/null | sed -n 's/^started=//p')
"$work/venv/bin/locust" --version
echo "asked for $asked users, who stop at once; started: $seen"
[ "$seen" -gt $asked ] || { echo "changed: not more users were started than asked for"; exit 1; }
