#!/usr/bin/env python3
"""The simulator as a part of the test run: worlds of many seeds, the same
seed twice, n-th failures of memory, files and sockets, and planted bugs that
must be found.

  run.py              10,000 seeds and the rest, about 80 seconds
  run.py --nightly    as many seeds as fit into half an hour, a part of them
                      under the sanitizers
  run.py --bugs       only the planted bugs; --worlds: all but those

SIM_SEEDS: instead of 10,000. SIM_JOBS: processes at a time. SIM_SHARE: of the
night, 1.0 if it is not set.


A seed that fails is named; `build/gcc/sim/sim -t SEED` shows all of it.
Ends with one line "N passed, M failed"."""
import concurrent.futures
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
JOBS = int(os.environ.get("SIM_JOBS", min(os.cpu_count() or 2, 4)))
SEEDS = int(os.environ.get("SIM_SEEDS", "10000"))
TWICE_SEEDS = 300
CLOCK_SEEDS = 600
BUG_SEEDS = 3000
# each: every allocation, once and for ever, while mail is accepted,
# delivered, while the process ends, begins
MEMORY_SEEDS = {"-a": 4, "-d": 6, "-e": 20, "-b": 1}
# each: every call in four phases, once and for ever; about 5 s and 1 s each
FILE_SEEDS, NIGHT_FILE_SEEDS = 2, 100
SOCKET_SEEDS, NIGHT_SOCKET_SEEDS = 3, 300
ASAN_SEEDS = 200
NIGHT_ASAN_SEEDS = 20000
SHARE = float(os.environ.get("SIM_SHARE", "1"))
NIGHT_SECONDS = 1800
NIGHT_STEP = 20000


def make(target, flavour="gcc", where=TOP, jobs=JOBS):
    return subprocess.run(
        ["make", "-s", f"-j{jobs}", f"FLAVOUR={flavour}", target],
        cwd=where, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def binary(flavour="gcc", where=TOP):
    return os.path.join(where, "build", flavour, "sim", "sim")


class Figures(dict):
    def add(self, line):
        for name, value in re.findall(r"([a-z-]+) (\d+)(?= |$)", line):
            self[name] = self.get(name, 0) + int(value)


def run(options, first, count, program, jobs=JOBS):
    """Splits the seeds over the processors; the figures, what went wrong."""
    figures, wrong = Figures(), []
    share = (count + jobs - 1) // jobs
    children = []
    for i in range(jobs):
        n = min(share, count - i * share)
        if n > 0:
            children.append(subprocess.Popen(
                [program, *options, str(first + i * share), str(n)],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                errors="replace"))
    for child in children:
        output, _ = child.communicate()
        for line in output.splitlines():
            if line.startswith("seeds "):
                figures.add(line)
            else:
                wrong.append(line)
        if child.returncode and not any("FAIL" in w for w in wrong):
            wrong.append(f"FAIL the simulator ended with {child.returncode}")
    return figures, wrong


class Score:
    passed = failed = 0

    def count(self, ok, name, details=()):
        self.passed += ok
        self.failed += not ok
        lines = [f"{'ok' if ok else 'FAIL'} {name}"]
        lines += [f"   {line}" for line in list(details)[:30]]
        print("\n".join(lines), flush=True)


def worlds(score, name, options, first, count, program):
    begun = time.monotonic()
    figures, wrong = run(options, first, count, program)
    failed = figures.get("failed", 0) + (not figures)
    score.passed += not failed
    score.failed += failed
    seconds = time.monotonic() - begun
    told = ", ".join(f"{k} {v}" for k, v in figures.items()
                     if k not in ("hash", "steps"))
    print(f"sim: {name}: {told} ({seconds:.0f} s)", flush=True)
    for line in wrong[:60]:
        print(f"   {line}", flush=True)


def copy_tree(to):
    os.makedirs(os.path.join(to, "tests"))
    for name in ("src", "tests/sim"):
        shutil.copytree(os.path.join(TOP, name), os.path.join(to, name))
    shutil.copy(os.path.join(TOP, "Makefile"), to)
    # Unchanged objects are as good there: only what a patch touches is built
    # again. -p: times are kept, so make sees it that way.
    os.makedirs(os.path.join(to, "build", "gcc"))
    for name in ("obj", "lib", "sim"):
        subprocess.run(["cp", "-rp", os.path.join(TOP, "build", "gcc", name),
                        os.path.join(to, "build", "gcc")], check=True)


def planted(score, patch):
    """A bug that is put in on purpose must be found."""
    name = os.path.basename(patch)[:-len(".patch")]
    with tempfile.TemporaryDirectory(prefix="sim-bug-") as where:
        copy_tree(where)
        p = subprocess.run(["patch", "-p1", "-i", patch], cwd=where,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           text=True)
        if p.returncode:
            score.count(False, f"planted bug {name}: patch does not fit",
                        p.stdout.splitlines())
            return
        built = make("build/gcc/sim/sim", where=where, jobs=1)
        if built.returncode:
            score.count(False, f"planted bug {name}: does not build",
                        built.stdout.decode().splitlines()[-10:])
            return
        options = ["-s"]
        if name.startswith("clock-"):
            options.append("-k")
        figures, wrong = run(options, 1, BUG_SEEDS, binary(where=where), 1)
        found = [w for w in wrong if w.startswith("FAIL seed")]
        score.count(bool(found), f"planted bug {name} is found",
                    found[:2])


def share(night):
    return int(night * SHARE) or 1


def all_worlds(score, nightly):
    worlds(score, "worlds", [], 1, SEEDS, binary())
    worlds(score, "clocks that can't be believed", ["-k"], 1, CLOCK_SEEDS,
           binary())
    worlds(score, "twice the same", ["-2"], 1, TWICE_SEEDS, binary())
    for option, name in (("-a", "accepting"), ("-d", "delivering"),
                         ("-e", "ending"), ("-b", "beginning")):
        worlds(score, f"{name} with each allocation failing", [option], 1,
               MEMORY_SEEDS[option], binary())
    for option, name, seeds in (
            ("-i", "each call for files failing",
             share(NIGHT_FILE_SEEDS) if nightly else FILE_SEEDS),
            ("-w", "each call for sockets failing",
             share(NIGHT_SOCKET_SEEDS) if nightly else SOCKET_SEEDS)):
        worlds(score, name, [option], 1, seeds, binary())
    if make("build/asan/sim/sim", "asan").returncode == 0:
        worlds(score, "under the sanitizers", [], 1,
               share(NIGHT_ASAN_SEEDS) if nightly else ASAN_SEEDS, binary("asan"))
    else:
        score.count(False, "the simulator builds with sanitizers")
    if nightly:
        until = time.monotonic() + share(NIGHT_SECONDS)
        first = SEEDS + 1
        while time.monotonic() < until:
            worlds(score, f"from {first}", [], first, NIGHT_STEP, binary())
            first += NIGHT_STEP


def main():
    os.chdir(TOP)
    score = Score()
    built = make("sim")
    if built.returncode:
        print(built.stdout.decode("utf-8", "replace"))
        print("0 passed, 1 failed")
        return 1
    print(built.stdout.decode(), end="")
    if "--bugs" not in sys.argv:
        all_worlds(score, "--nightly" in sys.argv)
    if "--worlds" not in sys.argv:
        patches = sorted(glob.glob(os.path.join(TOP,
                                                "tests/sim/bugs/*.patch")))
        with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
            list(pool.map(lambda patch: planted(score, patch), patches))
    print(f"{score.passed} passed, {score.failed} failed")
    return 1 if score.failed else 0


sys.exit(main())
