#!/usr/bin/env python3
"""Runs each fuzz target over its corpus, then for 2000 inputs more with a
fixed seed (fewer where files are written). --nightly: ten minutes each, on all processors; --seconds N: N
seconds each. Arguments: names of targets. A target is a test; what it broke
on stays in build/fuzz/artifacts and belongs into the corpus once it is
mended."""
import argparse
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
BIN = "build/fuzz/bin"
RUNS, SEED = 2000, 20261124
RUNS_OF = {"spool_frame": 500}  # files on a disk
ARTIFACTS = "build/fuzz/artifacts"


def targets():
    return sorted(os.path.basename(p)[len("fuzz_"):-2]
                  for p in glob.glob("tests/fuzz/fuzz_*.c"))


def build(jobs):
    begun = time.monotonic()
    p = subprocess.run(["make", "-s", f"-j{jobs}", "fuzz"],
                       capture_output=True, text=True)
    print(f"built in {time.monotonic() - begun:.1f} s", flush=True)
    if p.returncode:
        print("\n".join((p.stdout + p.stderr).splitlines()[-30:]))
    return p.returncode == 0


def command(name, corpus, more):
    options = [f"-artifact_prefix={ARTIFACTS}/{name}-", "-timeout=20",
               "-rss_limit_mb=3000", "-print_final_stats=1", *more]
    dictionary = f"tests/fuzz/{name}.dict"
    if os.path.exists(dictionary):
        options.append(f"-dict={dictionary}")
    return [f"{BIN}/fuzz_{name}", *options, *corpus]


def run(name, corpus, more, tmp, seconds):
    """(ok, figures or what went wrong)"""
    try:
        p = subprocess.run(
            command(name, corpus, more), capture_output=True, timeout=seconds,
            env={**os.environ, "TMPDIR": tmp,
                 "ASAN_OPTIONS": "allocator_may_return_null=1:"
                                 "quarantine_size_mb=8",
                 "UBSAN_OPTIONS": "print_stacktrace=1"})
    except subprocess.TimeoutExpired:
        return False, f"not done after {seconds} s"
    text = p.stderr.decode("utf-8", "replace")
    if p.returncode:
        return False, "\n".join(text.splitlines()[-40:])
    done = re.search(r"stat::number_of_executed_units: (\d+)", text)
    return True, int(done[1]) if done else 0


def one(name, args):
    """(name, ok, line)"""
    seed_corpus = f"tests/fuzz/corpus/{name}"
    begun = time.monotonic()
    inputs = os.listdir(seed_corpus) if os.path.isdir(seed_corpus) else []
    if not inputs:
        return name, False, f"no corpus in {seed_corpus}"
    tmp = tempfile.mkdtemp(prefix="fuzz-", dir=args.tmp)
    try:
        ok, what = run(name, [seed_corpus], ["-runs=0"], tmp, 120)
        if ok and what < len(inputs):
            # libFuzzer leaves out none of a corpus but with equal bytes.
            ok, what = False, f"{what} of {len(inputs)} inputs were run"
        if ok:
            # New inputs go to a directory of their own.
            new = args.keep and f"build/fuzz/found/{name}" or f"{tmp}/new"
            os.makedirs(new, exist_ok=True)
            more = [f"-max_total_time={args.seconds}"] if args.seconds else \
                [f"-runs={RUNS_OF.get(name, RUNS) + len(inputs)}",
                 f"-seed={SEED}"]
            ok, what = run(name, [new, seed_corpus], more, tmp,
                           args.seconds + 300)
    finally:
        shutil.rmtree(tmp, ignore_errors=True)
    return name, ok, f"{len(inputs)} inputs, {what} runs, " \
        f"{time.monotonic() - begun:.1f} s" if ok else what


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nightly", action="store_true")
    parser.add_argument("--seconds", type=int, default=0)
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    os.chdir(TOP)
    if args.nightly and not args.seconds:
        args.seconds = 600
    args.keep = args.seconds > 0
    args.tmp = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    jobs = min(os.cpu_count() or 2, 4)
    if not build(jobs):
        print("0 passed, 1 failed")
        return 1
    os.makedirs(ARTIFACTS, exist_ok=True)
    names = args.names or targets()
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for name, ok, line in pool.map(lambda n: one(n, args), names):
            print(f"{name}: {line}" if ok else f"FAIL {name}: {line}",
                  flush=True)
            passed, failed = passed + ok, failed + (not ok)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
