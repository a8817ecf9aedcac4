#!/usr/bin/env python3
"""The running service, line by line: what clients say to it (SENDERS 3,
RELIABILITY 2.1, 2.2, 2.4, 2.5) and what it says to next hops. A module for
each field; each has tests(world, results). Arguments: names of modules."""
import importlib
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from world import World  # noqa: E402
from postrider import Results, check_memory_reports  # noqa: E402

MODULES = ["wire", "smuggling", "commands", "addresses", "auth", "settings",
           "relay_forms", "captures", "content", "delivery", "reports",
           "expiry"]


def main():
    chosen = sys.argv[1:] or MODULES
    results = Results()
    world = World()
    try:
        world.start()
        for name in chosen:
            begun, before = time.monotonic(), results.passed
            importlib.import_module(name).tests(world, results)
            print(f"{name}: {results.passed - before} ok, "
                  f"{time.monotonic() - begun:.1f} s", flush=True)
        with results.test("stops in order"):
            assert world.service.stop() == 0
        check_memory_reports(world.service, results)
    finally:
        world.close()
    results.finish()


main()
