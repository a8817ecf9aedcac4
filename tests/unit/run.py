#!/usr/bin/env python3
"""Runs every unit test program (ASan, UBSan), two at a time, and counts."""
import concurrent.futures
import glob
import os
import re
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
os.chdir(TOP)
ENV = dict(os.environ, ASAN_OPTIONS="detect_leaks=1:abort_on_error=0",
           UBSAN_OPTIONS="print_stacktrace=1")


def run(source):
    binary = source.replace("tests/unit/", "build/asan/unit/")[:-2]
    try:
        p = subprocess.run([binary], stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, env=ENV,
                           stdin=subprocess.DEVNULL, timeout=300)
        text = p.stdout.decode("utf-8", "replace")
        code = p.returncode
    except (OSError, subprocess.TimeoutExpired) as e:
        return source, 0, 1, 0, str(e)
    ok = sum(map(int, re.findall(r"\[  PASSED  \] (\d+) test", text)))
    bad = sum(map(int, re.findall(r"\[  FAILED  \] (\d+) test", text)))
    skip = sum(map(int, re.findall(r"\[  SKIPPED \] (\d+) test", text)))
    if (code != 0 or ok + bad == 0) and bad == 0:
        bad = 1
    return source, ok, bad, skip, text if bad else ""


def main():
    wanted = sys.argv[1:]
    sources = sorted(glob.glob("tests/unit/*/test_*.c"))
    if wanted:
        sources = [s for s in sources if any(w in s for w in wanted)]
    passed = failed = skipped = 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for source, ok, bad, skip, text in pool.map(run, sources):
            passed, failed, skipped = passed + ok, failed + bad, skipped + skip
            if bad:
                print(f"FAIL {source}")
                print("\n".join(text.splitlines()[-40:]))
    print(f"{passed} passed, {failed} failed"
          + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed else 0


sys.exit(main())
