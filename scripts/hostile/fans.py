"""Honest fans beside a flood: how long a hold takes them. A process of its own, so that nothing here waits for the flood."""

import json
import sys
import threading
import time

from client import admitted, now, percentile


def hold_and_release(fan, schedule, seat, until, took):
    while now() < until:
        began = now()
        held = fan.call("hold", {"schedule_id": schedule, "seats": [seat]})
        took.append(now() - began)
        fan.call("release", {"reservation_id": held["reservation_id"]})
        # Well within the rate of one connection.
        time.sleep(max(0, began + 0.11 - now()))


def measure(server, fans, seconds):
    """The times of all holds, in milliseconds."""
    ready = [admitted(server, patience=60) for _ in range(fans)]
    until = now() + seconds
    took, threads = [[] for _ in ready], []
    for number, (fan, schedule, seats) in enumerate(ready):
        # From the back: what floods hold lies in front.
        arguments = (fan, schedule, seats - 1 - number, until, took[number])
        threads.append(threading.Thread(target=hold_and_release, args=arguments))
        threads[-1].start()
    for thread in threads:
        thread.join()
    if any(not times for times in took):
        raise SystemExit("a fan could not hold anything")
    return [1000 * time for times in took for time in times]


def main():
    host, port, fans, seconds = sys.argv[1:]
    times = measure((host, int(port)), int(fans), float(seconds))
    json.dump({"holds": len(times), "p50": percentile(times, 0.5), "p99": percentile(times, 0.99), "max": max(times)}, sys.stdout)


if __name__ == "__main__":
    main()
