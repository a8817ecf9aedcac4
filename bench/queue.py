#!/usr/bin/env python3
"""A start with a full queue: queue.py [COUNT]. Fills a spool with COUNT small
messages for one destination (bench/queue_fill), then prints
  after kill -9:     seconds from `serve` to the first delivery (no checkpoint)
  memory:            bytes of relay per queued message, next hop down
  clean stop:        seconds to stop (writes the checkpoint)
  after clean stop:  seconds from `serve` to the first delivery
Needs FLAVOUR=gcc built and `make FLAVOUR=gcc bench-queue`."""
import os
import subprocess
import sys
import time

os.environ["POSTRIDER_FLAVOUR"] = "gcc"
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "tests", "lib"))
from postrider import Service, Sink, TOP, free_port  # noqa: E402


def rss(pid):
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("RssAnon"):
            return int(line.split()[1]) * 1024
    return 0


def first_delivery(service, port):
    with Sink(port=port) as sink:
        begun = time.monotonic()
        service.start(wait=False, apply=False)
        while not sink.messages and time.monotonic() - begun < 120:
            time.sleep(0.005)
        seconds = time.monotonic() - begun
        relay = service.pid_of("relay")
        if relay:
            w = open(f"/proc/{relay}/stat").read().rsplit(") ", 1)[1].split()
            print(f"  relay's CPU by then: {int(w[11]) / 100:.2f} s user, "
                  f"{int(w[12]) / 100:.2f} s system", flush=True)
        if not sink.messages:
            print(service.tail())
        service.kill_all()
    return seconds


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000000
    port = free_port()
    service = Service(
        routes=f'    - {{ domain: "*", smart_host: "127.0.0.1:{port}", '
        "tls: never }\n")
    try:
        service.apply()
        out = subprocess.run(
            [os.path.join(TOP, "build/gcc/bench/queue_fill"),
             os.path.join(service.data, "spool"), str(count)],
            check=True, capture_output=True, text=True)
        print("filled:", out.stdout.strip(), flush=True)
        print(f"after kill -9: first delivery after "
              f"{first_delivery(service, port):.2f} s", flush=True)
        begun = time.monotonic()
        service.start(apply=False)
        print(f"ready after {time.monotonic() - begun:.2f} s", flush=True)
        service.wait_for(lambda: service.metrics()[
            "postrider_queue_messages"] >= count * 0.9, 60)
        queued = service.metrics()["postrider_queue_messages"]
        relay = service.pid_of("relay")
        print(f"memory: {rss(relay) / max(queued, 1):.0f} bytes a message "
              f"({queued:.0f} queued)", flush=True)
        begun = time.monotonic()
        code = service.stop(120)
        print(f"clean stop: {time.monotonic() - begun:.2f} s, exit {code}",
              flush=True)
        print(f"after clean stop: first delivery after "
              f"{first_delivery(service, port):.2f} s", flush=True)
    finally:
        service.close()


main()
