#!/usr/bin/env python3
"""Shows by strace that relay syncs before it says 250: sends messages over
many connections, and for each final reply checks that the body's bytes were
written and a later fdatasync had ended before the reply was sent. Prints how
many replies one sync carried. Needs FLAVOUR=gcc and strace."""
import os
import re
import subprocess
import sys
import threading
import time

os.environ["POSTRIDER_FLAVOUR"] = "gcc"
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "tests", "lib"))
from postrider import Client, Service, Sink  # noqa: E402

MESSAGES, CLIENTS = 20, 20


def send(service, n):
    with Client(service.port) as c:
        c.hello()
        for i in range(MESSAGES):
            code, text = c.message("a@example.com", ["b@x.example"],
                                   f"X-Mark: mark-{n}-{i}-\r\n\r\nbody\r\n")
            assert code == 250, text


def main():
    with Sink() as hop, Service(
            routes=f'    - {{ domain: "*", smart_host: '
            f'"127.0.0.1:{hop.port}", tls: never }}\n') as s:
        s.start()
        relay = s.pid_of("relay")
        out = os.path.join(s.dir, "strace")
        tracer = subprocess.Popen(
            ["strace", "-f", "-p", str(relay), "-s", "4000", "-o", out, "-e",
             "trace=fdatasync,pwritev,pwritev2,pwrite64,sendmsg,sendto"],
            stderr=subprocess.DEVNULL)
        time.sleep(1)
        threads = [threading.Thread(target=send, args=(s, n))
                   for n in range(CLIENTS)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        time.sleep(0.5)
        tracer.terminate()
        tracer.wait(10)
        lines = open(out, errors="replace").read().splitlines()
    written, synced, ids, syncs, bad = {}, set(), 0, 0, 0
    unfinished = set()
    for n, line in enumerate(lines):
        for mark in re.findall(r"mark-\d+-\d+-", line):
            if "pwrite" in line:
                written.setdefault(mark, n)
        if "fdatasync" in line and ("= 0" in line):
            syncs += 1
            synced |= unfinished or set(written)
            unfinished = set()
        elif "fdatasync" in line and "unfinished" in line:
            unfinished = set(written)
        if "Accepted" in line:
            found = len(re.findall(r"250 2\.0\.0 Accepted", line))
            ids += found
            if ids > len(synced):
                bad += 1
    print(f"{ids} replies '250 Accepted', {syncs} fdatasync, "
          f"{ids / max(syncs, 1):.1f} replies a sync; "
          f"replies ahead of their sync: {bad}")
    return 1 if bad or ids != MESSAGES * CLIENTS else 0


sys.exit(main())
