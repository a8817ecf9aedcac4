#!/usr/bin/env python3
"""Tests of the console's pages: words without a browser, then pages in
Chromium. Builds build/web when npm's packages are not there yet or sources are
newer. --nightly: more widths, both schemes, pictures."""
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
WEB = os.path.join(TOP, "web")
OUT = os.path.join(TOP, "build", "web")
sys.path.insert(0, os.path.join(TOP, "tests", "lib"))
import postrider  # noqa: E402

passed = failed = 0


def install(folder):
    """npm's packages of a folder, exactly those of its lock file."""
    mark = os.path.join(folder, "node_modules", ".package-lock.json")
    lock = os.path.join(folder, "package-lock.json")
    if not os.path.exists(mark) or os.path.getmtime(mark) < os.path.getmtime(lock):
        subprocess.run(["npm", "ci", "--ignore-scripts", "--silent"],
                       cwd=folder, check=True)


def run(*args):
    """A script that ends with "N passed, M failed"."""
    global passed, failed
    p = subprocess.run(["node", *args], cwd=HERE, text=True,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said = re.search(r"^(\d+) passed, (\d+) failed$", p.stdout, re.M)
    print("\n".join(x for x in p.stdout.splitlines()
                    if not re.match(r"\d+ passed, \d+ failed$", x)))
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


def main():
    install(WEB)
    install(HERE)
    subprocess.run(["node", "build.mjs", OUT], cwd=WEB, check=True)
    run("words.mjs")
    run("live_check.mjs")
    with Developers_server() as base:
        run("signed_out.mjs", base)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
