#!/usr/bin/env python3
"""Tests of the console's pages: words without a browser, then in Chromium the
pages before no API, and all pages and the main jobs before a running service,
which carries the pages of this tree. --nightly: more widths, both schemes, axe
on every page, pictures in build/pictures."""
import json
import os
import re
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
WEB = os.path.join(TOP, "web")
OUT = os.path.join(TOP, "build", "web")
sys.path.insert(0, os.path.join(TOP, "tests", "lib"))
import postrider  # noqa: E402
import service  # noqa: E402

PICTURES = os.path.join(TOP, "build", "pictures")
passed = failed = 0


def install(folder):
    """npm's packages of a folder, exactly those of its lock file."""
    mark = os.path.join(folder, "node_modules", ".package-lock.json")
    lock = os.path.join(folder, "package-lock.json")
    if not os.path.exists(mark) or os.path.getmtime(mark) < os.path.getmtime(lock):
        subprocess.run(["npm", "ci", "--ignore-scripts", "--silent"],
                       cwd=folder, check=True)


def ran(args, seconds):
    """What a script said; it ends for sure (its browser does with it)."""
    p = subprocess.Popen(["node", *args], cwd=HERE, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        return p.communicate(timeout=seconds)[0]
    except subprocess.TimeoutExpired:
        p.kill()
        return p.communicate()[0] + f"FAIL {args[0]} took over {seconds} s\n"


def run(*args, seconds=60):
    """A script that ends with "N passed, M failed"."""
    global passed, failed
    begun = time.monotonic()
    text = ran(args, seconds)
    said = re.search(r"^(\d+) passed, (\d+) failed$", text, re.M)
    print(re.sub(r"^\d+ passed, \d+ failed\n", "", text, flags=re.M), end="")
    print(f"{args[0]}: {time.monotonic() - begun:.1f} s")
    passed += int(said[1]) if said else 0
    failed += int(said[2]) if said else 1


class Developers_server:
    """web/dev.mjs before an API that isn't there."""

    def __enter__(self):
        self.port = postrider.free_port()
        self.process = subprocess.Popen(
            ["node", os.path.join(WEB, "dev.mjs"), "--port", str(self.port),
             "--api", f"http://127.0.0.1:{postrider.free_port()}"],
            stdout=subprocess.PIPE)
        self.process.stdout.readline()
        return f"http://127.0.0.1:{self.port}"

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def build():
    """The program with the pages of this tree."""
    install(WEB)
    install(HERE)
    if "POSTRIDER_BIN" not in os.environ:
        subprocess.run(["make", "-s", f"FLAVOUR={postrider.FLAVOUR}", "all"],
                       cwd=TOP, check=True)
    subprocess.run(["node", "build.mjs", OUT], cwd=WEB, check=True)


def main():
    nightly = "--nightly" in sys.argv
    build()
    run("words.mjs")
    run("live_check.mjs")
    with Developers_server() as base:
        run("signed_out.mjs", base)
    with service.Console() as s:
        s.start()
        more = ["--nightly", PICTURES] if nightly else []
        run("pages.mjs", json.dumps(s.facts()), *more,
            seconds=900 if nightly else 90)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
