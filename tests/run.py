#!/usr/bin/env python3
"""Runs the parts of the test suite, one after the other, and adds up what
they say. A part is a command; what counts in its output is a line
"N passed, M failed[, K skipped]" or the closing lines of cmocka. A part that
ends badly without such a line has failed as a whole. Ends with one line
"N passed, M failed"."""
import glob
import os
import re
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CI = os.environ.get("CI") == "true"
JOBS = f"-j{min(os.cpu_count() or 2, 4)}"


def unit_binaries():
    return sorted(
        p.replace("tests/unit/", "build/asan/unit/")[:-2]
        for p in glob.glob("tests/unit/*/test_*.c"))


def have(path):
    return os.path.exists(path)


# name, command, (nightly command or None)
PARTS = [
    ("build-gcc", ["make", "-s", JOBS, "FLAVOUR=gcc", "all"], None),
    ("build-clang", ["make", "-s", JOBS, "FLAVOUR=clang", "all"], None),
    ("build-asan", ["make", "-s", JOBS, "FLAVOUR=asan", "all", "unit"], None),
    ("checks", ["python3", "tests/checks/run.py"], None),
    ("unit", ["python3", "tests/unit/run.py"], None),
]
OPTIONAL = [
    ("man", "tests/checks/man.py", [], None),
    ("fuzz-corpus", "tests/fuzz/run.py", [], ["--nightly"]),
    ("sim", "tests/sim/run.py", [], ["--nightly"]),
    ("process", "tests/process/run.py", [], None),
    ("dialog", "tests/dialog/run.py", [], None),
    ("hostile", "tests/hostile/run.py", [], ["--nightly"]),
    ("cli", "tests/cli/run.py", [], None),
    ("api", "tests/api/run.py", [], None),
    ("backup", "tests/cli/backup.py", [], None),
    ("fixtures", "tests/fixtures/run.py", [], None),
    ("fault", "tests/fault/run.py", [], ["--nightly"]),
    ("interop", "tests/interop/run.py", [], None),
    ("guides", "tests/guides/run.py", [], ["--nightly"]),
    ("browser", "tests/browser/run.py", [], ["--nightly"]),
]
for name, script, args, nightly in OPTIONAL:
    if have(os.path.join(TOP, script)):
        PARTS.append((name, ["python3", script, *args],
                      ["python3", script, *nightly] if nightly else None))

PLAIN = re.compile(r"^(?:\w+: )?(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$")
CMOCKA_OK = re.compile(r"\[  PASSED  \] (\d+) test\(s\)")
CMOCKA_BAD = re.compile(r"\[  FAILED  \] (\d+) test\(s\)")
CMOCKA_SKIP = re.compile(r"\[  SKIPPED \] (\d+) test\(s\)")


def count(output):
    passed = failed = skipped = 0
    said = False
    for line in output.splitlines():
        m = PLAIN.match(line.strip())
        if m:
            said = True
            passed += int(m[1])
            failed += int(m[2])
            skipped += int(m[3] or 0)
    return said, passed, failed, skipped


def run_part(name, command):
    print(f"== {name}", flush=True)
    begun = time.monotonic()
    log = f"build/log/{name}.log"
    os.makedirs("build/log", exist_ok=True)
    with open(log, "wb") as out:
        p = subprocess.Popen(command, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT,
                             stdin=subprocess.DEVNULL)
        text = b""
        for line in p.stdout:
            text += line
            out.write(line)
            shown = line.decode("utf-8", "replace").rstrip()
            if re.match(r"(FAIL|SKIP|not ok|\w+: |\d+ passed)", shown):
                print("   " + shown[:200], flush=True)
        code = p.wait()
    said, passed, failed, skipped = count(text.decode("utf-8", "replace"))
    if not said:
        passed, failed = (1, 0) if code == 0 else (0, 1)
    elif code != 0 and failed == 0:
        failed += 1
    if CI and skipped:
        print(f"   {skipped} skipped: in CI that is a failure")
        failed += skipped
    if failed:
        tail = text.decode("utf-8", "replace").splitlines()[-60:]
        print("\n".join("   | " + t[:300] for t in tail))
    print(f"   {name}: {passed} ok, {failed} bad, "
          f"{time.monotonic() - begun:.1f} s", flush=True)
    return passed, failed


def main():
    os.chdir(TOP)
    args = sys.argv[1:]
    nightly = "--nightly" in args
    wanted = [a for a in args if not a.startswith("-")]
    if "--list" in args:
        print("\n".join(p[0] for p in PARTS))
        return 0
    unknown = set(wanted) - {p[0] for p in PARTS}
    if unknown:
        print(f"error: no such part: {', '.join(sorted(unknown))}; "
              "./test --list names them", file=sys.stderr)
        return 64
    passed = failed = 0
    begun = time.monotonic()
    for name, command, long_command in PARTS:
        if wanted and name not in wanted:
            continue
        ok, bad = run_part(name, long_command if nightly and long_command
                           else command)
        passed += ok
        failed += bad
        if bad and name.startswith("build"):
            break
    print(f"whole run: {time.monotonic() - begun:.0f} s")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


sys.exit(main())
