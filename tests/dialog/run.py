#!/usr/bin/env python3
"""The running service, line by line: what clients say to it (SENDERS 3,
RELIABILITY 2.1, 2.2, 2.4, 2.5) and what it says to next hops. A module for
each field; each has tests(world, results). Arguments: names of modules."""
import importlib
import os
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from world import World  # noqa: E402
from postrider import Results, check_memory_reports  # noqa: E402

# Two rows run side by side: what is busy, and what waits for retries. The
# first changes settings of customers that the second does not use.
ROWS = [["wire", "smuggling", "commands", "addresses", "auth", "settings",
         "relay_forms", "captures", "content"],
        ["delivery", "reports", "expiry", "budgets", "limits",
         "ways_in", "bounds", "reload", "operator_mail", "looks"]]
ALONE = ["settings_load", "restarts"]


def run_row(world, results, names):
    for name in names:
        begun = time.monotonic()
        with results.test(f"module {name}"):
            importlib.import_module(name).tests(world, results)
        print(f"{name}: {time.monotonic() - begun:.1f} s", flush=True)


def main():
    chosen = sys.argv[1:] or [*ROWS[0], *ROWS[1], *ALONE]
    results = Results()
    world = World()
    try:
        world.start()
        rows = [threading.Thread(target=run_row, args=(
            world, results, [n for n in row if n in chosen]))
            for row in ROWS]
        for row in rows:
            row.start()
        for row in rows:
            row.join()
        run_row(world, results, [n for n in ALONE if n in chosen])
        with results.test("stops in order"):
            assert world.service.stop() == 0
        check_memory_reports(world.service, results)
    finally:
        world.close()
    results.finish()


main()
