#!/usr/bin/env python3
"""F8: a spool is damaged while nobody looks. 60 messages (1,000 with
--nightly) wait for a next hop that is down; the service is stopped, or killed;
then, on a copy each time, one record is flipped, zeroed, cut off, overwritten
by another one or exchanged with it; then the service starts and the next hop
is up. The damaged message is reported (`spool check`, log, quarantine), all
others are delivered, nothing changed comes out, nothing crashes."""
import glob
import os
import queue
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time

from lib import HERE, binary, Load, Mill, Service, oracle, outstanding, say

sys.path.insert(0, os.path.join(HERE, "..", "spool"))
from read_spool import ACCEPT, BATCH, BODY, FRAME, STATE, id_text  # noqa: E402

NAMES = {BODY: "body", ACCEPT: "accept", STATE: "state", BATCH: "batch"}
SEGMENT = "4MiB"
WORKERS = 2


class Frame:
    def __init__(self, at, kind, ident, size):
        self.at, self.kind, self.ident, self.size = at, kind, ident, size

    @property
    def end(self):
        return self.at + self.size


def frames_of(path):
    """All frames of a segment, by their heads alone."""
    number = int(os.path.basename(path)[4:12])
    with open(path, "rb") as f:
        data = f.read()
    at, out = 4096, []
    while True:
        at = data.find(b"\xf7PR1", at)
        if at < 0 or at + FRAME > len(data):
            return out
        kind, position, time_ms, rand, size = struct.unpack_from(
            "<B3xQQQI", data, at + 4)
        if position != number << 32 | at:
            at += 1
            continue
        ident = id_text((time_ms, rand)) if time_ms else None
        out.append(Frame(at, kind, ident, FRAME + size))
        at += FRAME + size


# --- the spool to damage -------------------------------------------------------------

class Original:
    """A data_dir with n messages waiting, all of one size."""

    def __init__(self, folder, n, clean):
        # One of them under sanitizers is enough.
        self.bin = binary("gcc" if clean else "asan")
        self.clean, self.data = clean, os.path.join(folder, "data")
        with Mill() as mill:
            hop = mill.hop(defer_share=0)
            hop.mode = "defer"
            with Service(hop.port, segment=SEGMENT, data=self.data,
                         flavour_bin=self.bin) as s:
                s.begin()
                self.load = load = Load(
                    s.port, connections=1, big_share=0, refused_share=0,
                    sizes=(3000, 3000) if n < 100 else (2000, 2000),
                    chunking=False)
                mill.do(load.run())
                s.wait_for(lambda: len(load.sent) > n, 60 + n / 20)
                load.paused = True
                mill.do(load.stop())
                want = sum(len(m.rcpts) for m in load.sent
                           if m.state == oracle.ACKED)
                s.wait_for(lambda: s.metric("recipients_deferred_total")
                           >= want, 30)
                time.sleep(0.1)
                if clean:
                    assert s.stop() == 0
                else:
                    s.kill_master(True)
        assert not [m for m in load.sent if m.state == oracle.UNKNOWN]
        self.by_id = {m.reply.split()[-1]: m for m in load.sent
                      if m.state == oracle.ACKED}
        self.segment = sorted(glob.glob(
            os.path.join(self.data, "spool", "seg-*.log")))[0]
        self.frames = [f for f in frames_of(self.segment)
                       if f.ident is None or f.ident in self.by_id]
        if not clean:
            # Of the last batches nothing says that they were synced: damage
            # there can't be told from a torn tail.
            batches = [f.at for f in self.frames if f.kind == BATCH]
            self.frames = [f for f in self.frames if f.at < batches[-2]]


# --- damages: (what is told, which frames it hurts) ------------------------------------

def flip_head(data, rng, a, b):
    data[a.at + rng.randrange(FRAME)] ^= 1 << rng.randrange(8)
    return [a]


def flip_payload(data, rng, a, b):
    data[rng.randrange(a.at + FRAME, a.end)] ^= 1 << rng.randrange(8)
    return [a]


def zero(data, rng, a, b):
    data[a.at:a.end] = bytes(a.size)
    return [a]


def duplicate(data, rng, a, b):
    """b's bytes stand in a's place as well."""
    n = min(a.size, b.size)
    data[a.at:a.at + n] = data[b.at:b.at + n]
    return [a]


def swap(data, rng, a, b):
    n = min(a.size, b.size)
    data[a.at:a.at + n], data[b.at:b.at + n] = (data[b.at:b.at + n],
                                                data[a.at:a.at + n])
    return [a, b]


def truncate(data, rng, a, b):
    del data[rng.randrange(a.at, a.end):]
    return None             # it and all behind


ANY = (flip_head, flip_payload, zero, duplicate, swap)


def damage_frame(original, path, how, kind, rng):
    """Damages the copy; (told, ids of messages that may be lost)."""
    some = [f for f in original.frames if f.kind == kind]
    a = rng.choice(some)
    b = rng.choice([f for f in some if f is not a and f.ident != a.ident
                    or kind == BATCH and f is not a])
    with open(path, "rb") as f:
        data = bytearray(f.read())
    hurt = how(data, rng, a, b)
    with open(path, "wb") as f:
        f.write(data)
    if hurt is None:
        hurt = [f for f in original.frames if f.end > a.at]
    ids = {f.ident for f in hurt if f.kind in (BODY, ACCEPT)}
    return f"{how.__name__} {NAMES[kind]} at {a.at:#x}", ids - {None}


def damage_file(path, how, rng):
    """A file beside the log: nothing may be lost."""
    with open(path, "rb") as f:
        data = bytearray(f.read())
    if how == "flip":
        data[rng.randrange(min(len(data), 4000))] ^= 0x10
    elif how == "cut":
        del data[len(data) // 2:]
    elif how == "head":
        data[rng.choice((0, 2048)) + rng.randrange(48)] ^= 0x10
    with open(path, "wb") as f:
        f.write(data)
    return f"{how} {os.path.basename(path)}", set()


def damage(original, spool, what, rng):
    how, kind = what
    segment = os.path.join(spool, os.path.basename(original.segment))
    if callable(how):
        return damage_frame(original, segment, how, kind, rng)
    if kind == "segment":
        return damage_file(segment, how, rng)
    found = sorted(glob.glob(os.path.join(spool, kind)))
    if not found:
        return f"no {kind}", set()
    return damage_file(found[-1], how, rng)


def plan(clean, n, rng):
    """n damages: each way on each kind of record, then by chance."""
    all_ways = [(h, k) for h in ANY for k in (BODY, ACCEPT, STATE, BATCH)]
    if clean:
        all_ways += [(truncate, BODY), (truncate, ACCEPT), ("flip", "ckpt-*"),
                     ("cut", "ckpt-*"), ("flip", "*.sum"),
                     ("cut", "*.sum")]
    all_ways.append(("head", "segment"))
    out = list(all_ways)
    while len(out) < n:
        out.append(rng.choice(all_ways))
    return out[:n]


# --- start on it ---------------------------------------------------------------------

class Trial:
    def __init__(self, original, mill, folder):
        self.original, self.mill, self.folder = original, mill, folder

    def copy(self):
        data = os.path.join(self.folder, "data")
        shutil.rmtree(data, ignore_errors=True)
        subprocess.run(["cp", "-a", "--sparse=always", self.original.data,
                        data], check=True)
        # Their places are ours now, not those of a service that runs.
        for name in ("ctl.sock",):
            if os.path.exists(os.path.join(data, name)):
                os.unlink(os.path.join(data, name))
        return data

    def go(self, what, seed):
        rng = random.Random(seed)
        data = self.copy()
        told, hurt = damage(self.original, os.path.join(data, "spool"), what,
                            rng)
        hop = self.mill.hop(delay=(0, 0), defer_share=0)
        try:
            with Service(hop.port, segment=SEGMENT, data=data,
                         flavour_bin=self.original.bin) as s:
                open(os.path.join(s.dir, "applied"), "w").close()
                lost = self.judge(s, hop, told, hurt)
        finally:
            self.mill.do(hop.close())
            self.mill.hops.remove(hop)
        return told, hurt, lost

    def judge(self, s, hop, told, hurt):
        check = s.cli("spool", "check", "--json", check=False)
        s.begin()
        load = self.original.load
        mine = {self.original.by_id[i].id for i in hurt
                if i in self.original.by_id}

        def others_missing():
            return [x for x in outstanding(load, hop) if x[0] not in mine]
        end = time.monotonic() + 15
        while others_missing() and time.monotonic() < end:
            time.sleep(0.01)
        time.sleep(0.05)
        v = oracle.judge(load.sent, hop.got, hop.reported,
                         [(i, None) for i in mine])
        problem = " | ".join(v.details(3))
        assert v.good, f"{told}: {problem}\n{s.tail(12)}"
        text = s.check_log()
        lost = mine & {i for i, _ in outstanding(load, hop)}
        if lost:
            assert check.returncode == 65, (
                f"{told}: spool check says {check.returncode}, "
                f"{check.stdout}{check.stderr}")
            s.wait_for(lambda: "quarantine" in open(s.log_path).read(), 3)
            found = os.listdir(os.path.join(s.data, "spool", "quarantine"))
            assert found or os.listdir(os.path.join(
                s.data, "spool", "lost+found")), f"{told}: not set aside"
            s.wait_for(lambda: (s.metric("spool_quarantined_total") or 0) > 0,
                       3)
        assert "ready" in text
        return lost


def trials(original, whats, seed):
    """Several at once; the list of what went wrong."""
    todo, wrong, done = queue.Queue(), [], []
    for i, what in enumerate(whats):
        todo.put((i, what))
    base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None

    def work():
        folder = tempfile.mkdtemp(prefix="postrider-corrupt-", dir=base)
        try:
            with Mill() as mill:
                trial = Trial(original, mill, folder)
                while True:
                    try:
                        i, what = todo.get_nowait()
                    except queue.Empty:
                        return
                    try:
                        done.append(trial.go(what, seed + i))
                    except Exception as e:
                        wrong.append(f"damage {i} ({what[0]} {what[1]}): "
                                     f"{type(e).__name__} {e}")
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    threads = [threading.Thread(target=work) for _ in range(WORKERS)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return done, wrong


def corrupt(clean, messages, n, seed):
    base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    folder = tempfile.mkdtemp(prefix="postrider-original-", dir=base)
    try:
        original = Original(folder, messages, clean)
        whats = plan(clean, n, random.Random(seed))
        done, wrong = trials(original, whats, seed)
        say(f"{len(done)} damages of a spool of {len(original.by_id)} messages "
            f"({'stopped' if clean else 'killed'}), "
            f"{sum(1 for d in done if d[1])} of them to messages, of which "
            f"{sum(len(d[2]) for d in done)} were set aside; all others came")
        assert not wrong, (f"{len(wrong)} of {n}:\n    "
                           + "\n    ".join(w[:1500] for w in wrong[:8]))
        assert sum(1 for d in done if d[2]) >= n // 5, "hardly any damage hit"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def tests(results, nightly=False):
    messages, n = (1000, 200) if nightly else (60, 30)
    with results.test(f"F8 {n} damages of a stopped spool"):
        corrupt(True, messages, n, 11)
    with results.test(f"F8 {n} damages of a killed spool"):
        corrupt(False, messages, n, 12)


if __name__ == "__main__":
    import postrider
    r = postrider.Results()
    tests(r, "--nightly" in sys.argv)
    r.finish()
