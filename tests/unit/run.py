#!/usr/bin/env python3
"""Runs every unit test program (ASan, UBSan), two at a time, and counts. What
needs the real allocator or a closed sandbox (its source says
__SANITIZE_ADDRESS__) runs in the gcc flavour as well, and what it skips under
ASan doesn't count."""
import concurrent.futures
import glob
import os
import re
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
os.chdir(TOP)
SHARED = os.path.join(os.path.dirname(TOP), "shared")
ENV = dict(os.environ, ASAN_OPTIONS="detect_leaks=1:abort_on_error=0",
           UBSAN_OPTIONS="print_stacktrace=1")
if os.path.isdir(SHARED):
    ENV.setdefault("POSTRIDER_SHARED", SHARED)


def needs_gcc(source):
    return "__SANITIZE_ADDRESS__" in open(source, errors="replace").read()


def run(job):
    source, flavour = job
    binary = source.replace("tests/unit/", f"build/{flavour}/unit/")[:-2]
    try:
        p = subprocess.run([binary], stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, env=ENV,
                           stdin=subprocess.DEVNULL, timeout=300)
        text = p.stdout.decode("utf-8", "replace")
        code = p.returncode
    except (OSError, subprocess.TimeoutExpired) as e:
        return job, 0, 1, 0, str(e)
    ok = sum(map(int, re.findall(r"\[  PASSED  \] (\d+) test", text)))
    bad = sum(map(int, re.findall(r"\[  FAILED  \] (\d+) test", text)))
    skip = sum(map(int, re.findall(r"\[  SKIPPED \] (\d+) test", text)))
    twice = flavour == "asan" and needs_gcc(source)
    if twice:
        skip = 0
    if (code != 0 or (ok + bad + skip == 0 and not twice)) and bad == 0:
        bad = 1
    return job, ok, bad, skip, text if bad or skip else ""


def main():
    wanted = sys.argv[1:]
    sources = sorted(glob.glob("tests/unit/*/test_*.c"))
    if wanted:
        sources = [s for s in sources if any(w in s for w in wanted)]
    counted = [s for s in sources if needs_gcc(s)]
    targets = [s.replace("tests/unit/", "build/gcc/unit/")[:-2]
               for s in counted]
    if targets:
        subprocess.run(["make", "-s", "-j2", "FLAVOUR=gcc", *targets],
                       check=True)
    jobs = [(s, "asan") for s in sources] + [(s, "gcc") for s in counted]
    passed = failed = skipped = 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for (source, flavour), ok, bad, skip, text in pool.map(run, jobs):
            passed, failed, skipped = passed + ok, failed + bad, skipped + skip
            if bad or skip:
                print(f"{'FAIL' if bad else 'SKIP'} {source} ({flavour})")
                print("\n".join(text.splitlines()[-40:]))
    print(f"{passed} passed, {failed} failed"
          + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed else 0


sys.exit(main())
