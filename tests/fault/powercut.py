#!/usr/bin/env python3
"""F2: the power is cut under the running service. The whole data_dir (spool,
store, views, journal) lies on a file system in a file; FS_IOC_SHUTDOWN takes
away what was not synced; kill, mount again, start, and the oracle at the end
of all cuts. 8 cuts on ext4; with --nightly 30 on ext4 and 30 on xfs. Also:
a change that `apply` called live is still there.

A 250 that the client reads while the cut is being made counts as unknown: no
machine without power sends one, and ext4 (6.18) may answer an fdatasync that
overlaps the shutdown with success although the data is gone (12 of 54 such
syncs, by a writer of 4 KiB blocks alone). One that comes later counts."""
import os
import random
import sys
import time

from kills import Kills
from lib import (oracle, binary, Disk, Load, Mill, Service, assert_good, can_mount, drain, say,
                 verdict_of)

SHORT, LONG = 8, 30
OVERLAP = 0.05      # seconds a sync and its reply may take after the cut


def directory_with(service, users):
    """The first user and so many more."""
    with open(service.directory) as f:
        lines = f.read().splitlines(keepends=True)
    at = next(i for i, l in enumerate(lines) if "alice@" in l)
    more = [f"      - {{ address: user{n}@example.com, role: user }}\n"
            for n in range(users)]
    path = os.path.join(service.dir, "more.yaml")
    with open(path, "w") as f:
        f.writelines(lines[:at + 1] + more + lines[at + 1:])
    return path


class Store:
    """Adds a user before each cut; what was called live must stay."""

    def __init__(self, service):
        self.service, self.users, self.live = service, 0, 0

    def change(self):
        self.users += 1
        p = self.service.cli("apply", directory_with(self.service, self.users),
                             check=False)
        assert p.returncode in (0, 75), p.stderr
        if p.returncode == 0:
            self.live = self.users

    def check(self):
        text = self.service.cli("export").stdout
        gone = [n for n in range(self.live)
                if f"user{n}@example.com" not in text]
        assert not gone, f"users lost by a power cut: {gone} of {self.live}"


def one_cut(disk, service, kills, store, rng):
    time.sleep(rng.uniform(0.1, 0.5))
    store.change()
    time.sleep(rng.choice((0, rng.uniform(0, 0.05), rng.uniform(0, 0.5))))
    both = kills.load.waiting > 0 and kills.hop.waiting > 0
    children = list(service.children())
    begin = time.monotonic()
    disk.cut()
    kills.cuts.append((begin, time.monotonic() + OVERLAP))
    # A while it runs on a disk that fails.
    time.sleep(rng.choice((0, 0, 0.01, 0.1)))
    service.kill([service.process.pid, *children])
    service.process.wait(10)
    service.gone(children)
    service.deaths.append((begin, time.monotonic()))
    kills.total += 1
    kills.while_both += both
    disk.power_on()
    at = time.monotonic()
    service.again()
    kills.wait_ready(at)
    store.check()


def void_overlapping(load, cuts):
    """250s that came while a cut was made; how many."""
    n = 0
    for s in load.sent:
        if s.state == oracle.ACKED and any(a <= s.t <= b for a, b in cuts):
            s.state, n = oracle.UNKNOWN, n + 1
    return n


def cuts(kind, n, seed):
    with Disk(kind, 320 if kind == "xfs" else 200) as disk, Mill() as mill:
        hop = mill.hop()
        with Service(hop.port, flavour_bin=binary("gcc"),
                     data=os.path.join(disk.point, "data")) as s:
            s.begin()
            load = Load(s.port, seed=seed)
            mill.do(load.run())
            kills = Kills(s, load, hop, seed)
            kills.cuts = []
            store = Store(s)
            rng = random.Random(seed)
            try:
                for _ in range(n):
                    one_cut(disk, s, kills, store, rng)
            finally:
                mill.do(load.stop())
            s.wait_ready()
            drained = drain(s, load, hop)
            void = void_overlapping(load, kills.cuts)
            verdict = verdict_of(s, load, hop)
            ready = sorted(kills.ready)
            say(f"seed {seed}: {n} power cuts on {kind}, {kills.while_both} while both "
                f"waited; {void} replies in the moment of a cut; {store.live} "
                "changes live and all there; mail "
                f"taken again after {ready[n // 2]:.2f} s in the middle, "
                f"{ready[-1]:.2f} s at most")
            assert_good(f"cut-{kind}", verdict, s, load, hop)
            assert drained, "the queue does not empty\n" + s.tail()
            assert verdict.unknown > 0 and verdict.acked > 10 * n
            s.check_log()
            assert s.stop() == 0


def tests(results, nightly=False):
    if not can_mount():
        results.skip("F2 power cuts", "mounting is not allowed here")
        return
    n = LONG if nightly else SHORT
    seed = int(time.time()) if nightly else 2
    with results.test(f"F2 {n} power cuts on ext4"):
        cuts("ext4", n, seed)
    if nightly:
        with results.test(f"F2 {n} power cuts on xfs"):
            cuts("xfs", n, seed + 1)


if __name__ == "__main__":
    import postrider
    r = postrider.Results()
    tests(r, "--nightly" in sys.argv)
    r.finish()
