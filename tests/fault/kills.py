#!/usr/bin/env python3
"""F1: processes are killed while mail comes in and goes out. 40 kills at
random times (1,000 with --nightly), then kills exactly at a sync, a write or
a send. Afterwards the oracle: nothing lost, no ghost, nothing changed, each
duplicate explained."""
import random
import sys
import time

from lib import (binary, Inject, Load, Mill, Service, assert_good, drain, say,
                 strace_works, trace_sample, verdict_of)

SHORT, LONG = 40, 1000
# Relay dies for its third time in 10 s: master would wait before the next
# start. A new master doesn't know.
DEATHS_AT_ONCE = 2


class Kills:
    def __init__(self, service, load, hop, seed):
        self.service, self.load, self.hop = service, load, hop
        self.seed, self.rng = seed, random.Random(seed)
        self.total = self.while_both = self.while_one = 0
        self.by_kind = {}
        self.ready = []
        self.relay_deaths = []
        self.slow = []

    def choose(self):
        now = time.monotonic()
        self.relay_deaths = [t for t in self.relay_deaths if now - t < 10]
        if len(self.relay_deaths) >= DEATHS_AT_ONCE:
            return self.rng.choice(("master", "all"))
        return self.rng.choices(("relay", "admin", "console", "master", "all"),
                                (55, 8, 7, 15, 15))[0]

    def once(self):
        kind = self.choose()
        waits = (self.load.waiting > 0) + (self.hop.waiting > 0)
        if kind in ("master", "all"):
            self.service.kill_master(kind == "all")
            self.relay_deaths = []
        elif not self.service.kill_role(kind):
            return False
        elif kind == "relay":
            self.relay_deaths.append(time.monotonic())
        at = time.monotonic()
        self.total += 1
        self.while_both += waits == 2
        self.while_one += waits == 1
        self.by_kind[kind] = self.by_kind.get(kind, 0) + 1
        if kind in ("master", "all"):
            self.service.again()
        return kind not in ("admin", "console") and at

    def wait_ready(self, since, seconds=20):
        """Until the first mail is acknowledged again."""
        end = time.monotonic() + seconds
        while self.load.last_ack <= since:
            if self.service.process.poll() is not None:
                raise AssertionError("serve ended: "
                                     + self.service.tail())
            if time.monotonic() > end:
                raise AssertionError(f"no mail is taken {seconds} s after a "
                                     "kill\n" + self.service.tail())
            time.sleep(0.002)
        self.ready.append(self.load.last_ack - since)

    def run(self, n):
        while self.total < n:
            at = self.once()
            if at and self.rng.random() < 0.15:
                # While it recovers.
                time.sleep(self.rng.uniform(0, 0.25))
                continue
            if at:
                self.wait_ready(at)
            time.sleep(self.rng.uniform(0.0, 0.5))
            if self.rng.random() < 0.5:
                self.wait_both()

    def wait_both(self, seconds=0.3):
        """Half of the kills are aimed: both sides wait for a reply."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not (self.load.waiting
                                              and self.hop.waiting):
            time.sleep(0.001)

    def line(self):
        kinds = ", ".join(f"{k} {v}" for k, v in sorted(self.by_kind.items()))
        ready = sorted(self.ready)
        return (f"seed {self.seed}: {self.total} kills ({kinds}); "
                f"{self.while_both} while a "
                f"transaction waited for its 250 and a delivery for its "
                f"reply, {self.while_one} while one of them did; mail taken "
                f"again after {ready[len(ready) // 2]:.2f} s in the middle, "
                f"{ready[-1]:.2f} s at most")


def random_kills(n, seed, flavour="gcc"):
    with Mill() as mill:
        hop = mill.hop()
        with Service(hop.port, flavour_bin=binary(flavour)) as service:
            service.begin()
            load = Load(service.port, seed=seed)
            mill.do(load.run())
            time.sleep(0.5)
            kills = Kills(service, load, hop, seed)
            try:
                kills.run(n)
                time.sleep(0.3)
            finally:
                mill.do(load.stop())
            say(kills.line())
            service.wait_ready()
            drained = drain(service, load, hop)
            verdict = verdict_of(service, load, hop)
            assert drained, "the queue does not empty: " + verdict.line() \
                + "\n" + service.tail()
            assert_good("kills", verdict, service, load, hop)
            assert verdict.unknown > 0, "no outcome was unknown"
            assert kills.while_both * 2 >= n, "too few kills hit both waits"
            assert verdict.acked > 20 * n, "hardly any load"
            if flavour == "gcc":
                assert kills.ready[len(kills.ready) // 2] <= 2.0
            traced = trace_sample(service, load)
            ages = sorted(verdict.ages) or [0.0]
            say(f"duplicates {len(verdict.explained)} of {verdict.copies} "
                f"copies: in the middle their 250 left "
                f"{ages[len(ages) // 2] * 1000:.0f} ms before the death, "
                f"{ages[-1] * 1000:.0f} ms at most; " + (f"{traced} traced" if traced is not None else
                              "this build has no trace"))
            service.check_log()
            return kills, verdict


# --- at a call ------------------------------------------------------------------------

# call → (strace's name, which calls of a thread)
SWEEP = [
    ("fdatasync", (1, 2, 3, 7)),
    ("pwritev", (1, 2, 5, 11)),
    ("sendmsg", (1, 4, 23, 60)),
    ("fsync", (1,)),
    ("unlinkat", (1,)),
    ("renameat", (1,)),
]
SWEEP_SHORT = [("fdatasync", (1, 4)), ("pwritev", (1, 3)),
               ("sendmsg", (1, 40))]


def kill_at(service, load, call, n, seconds=6):
    """True when it was hit."""
    pid = service.pid_of("relay")
    before = time.monotonic()
    with Inject(pid, call, f"signal=SIGKILL:when={n}") as inject:
        if not inject.wait(seconds):
            return False
    service.deaths.append((before, time.monotonic()))
    return True


def adversarial_kills(sweep):
    """The load goes on; master starts relay again; after two of them a new
    master, which starts it at once."""
    with Mill() as mill:
        hop = mill.hop()
        with Service(hop.port) as service:
            service.begin()
            load = Load(service.port, seed=5, connections=12, big_share=0.04)
            mill.do(load.run())
            kills = Kills(service, load, hop, 5)
            hits, missed = 0, []
            try:
                for i, (call, n) in enumerate(
                        (c, n) for c, ns in sweep for n in ns):
                    time.sleep(0.15)
                    if kill_at(service, load, call, n):
                        hits += 1
                        kills.wait_ready(service.deaths[-1][1])
                    else:
                        missed.append(f"{call} {n}")
                    if i % 2:
                        service.kill_master(True)
                        service.again()
                        kills.wait_ready(service.deaths[-1][1])
            finally:
                mill.do(load.stop())
            say(f"{hits} kills at a call"
                + (f"; never called: {', '.join(missed)}" if missed else ""))
            service.wait_ready()
            drained = drain(service, load, hop)
            verdict = verdict_of(service, load, hop)
            assert_good("kills-at", verdict, service, load, hop)
            assert drained, "the queue does not empty\n" + service.tail()
            assert hits > 0 and verdict.unknown > 0
            service.check_log()
            return verdict


def tests(results, nightly=False):
    n = LONG if nightly else SHORT
    with results.test(f"F1 {n} kills at random times"):
        random_kills(n, seed=int(time.time()) if nightly else 1)
    few = 100 if nightly else 6
    with results.test(f"F1 {few} kills under sanitizers"):
        random_kills(few, 8, "asan")
    if not strace_works():
        results.skip("F1 kills at a call", "strace may not trace here")
        return
    with results.test("F1 kills at a call"):
        adversarial_kills(SWEEP if nightly else SWEEP_SHORT)


if __name__ == "__main__":
    import postrider
    r = postrider.Results()
    tests(r, "--nightly" in sys.argv)
    r.finish()
