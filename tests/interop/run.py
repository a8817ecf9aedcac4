#!/usr/bin/env python3
"""Real programs send through Postrider: swaks, msmtp, curl, smtplib, and
Postfix, Exim, Sendmail with it as their smart host (W17, W18, W20). Arguments:
names of some of them."""
import os
import shutil
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from world import BIG, EIGHT_BIT, USER, World, body_of  # noqa: E402
from postrider import Results, check_memory_reports  # noqa: E402
import dns  # noqa: E402
import mta  # noqa: E402
import programs  # noqa: E402

MTAS = (mta.Postfix, mta.Exim, mta.Sendmail)
REQUEUED = 10


# --- while all is well --------------------------------------------------------

def each_way(world, m):
    for way in m.ways:
        word = f"{m.name}-{way}"
        m.inject(word, EIGHT_BIT, [f"r@{way}"])
        message = world.wait("capture", word)[0]
        assert body_of(message) == EIGHT_BIT, message
        assert b"Return-Path: <alice@example.com>" in message
        kind = b"with ESMTP id" if way == "p25.test" else b"with ESMTPSA id"
        assert kind in message, message[:500]


def w18_by_name(world, m):
    """The relay's name without MX, and with an MX to itself."""
    for way in m.by_name:
        m.inject(f"{m.name}-{way}", EIGHT_BIT, [f"r@{way}"])
        world.wait("capture", f"{m.name}-{way}")


def several_recipients(world, m):
    word = f"{m.name}-many"
    m.inject(word, EIGHT_BIT, [f"r{i}@p25.test" for i in range(10)])
    assert len(world.wait("capture", word, 10)) == 10


def null_sender(world, m):
    """One recipient; two: the second comes in a transaction of its own."""
    word = f"{m.name}-null"
    m.inject(word, EIGHT_BIT, ["r@p25.test"], sender="")
    assert b"Return-Path: <>" in world.wait("capture", word)[0]
    word = f"{m.name}-null2"
    m.inject(word, EIGHT_BIT, ["r@p25.test", "s@p25.test"], sender="")
    world.wait("capture", word)
    m.flush()
    time.sleep(0.3)
    m.flush()
    assert len(world.wait("capture", word, 2)) == 2


def foreign_sender(world, m):
    """Under `any` it is rewritten; elsewhere refused by 550: the bounce comes
    back through us, with <>."""
    word = f"{m.name}-rewritten"
    m.inject(word, EIGHT_BIT, ["r@pany.test"], sender="boss@foreign.test")
    message = world.wait("capture", word)[0]
    assert b"Return-Path: <postmaster@example.com>" in message, message[:300]
    word = f"{m.name}-refused"
    m.inject(word, EIGHT_BIT, ["r@p25.test"], sender="boss@foreign.test")
    m.flush()
    bounce = world.wait_text("bounces", word.encode())
    assert b"Return-Path: <>" in bounce and b"5.7.1" in bounce, bounce
    assert not world.with_word("capture", word)
    assert m.wait_empty(), m.log()


def big_message(world, m):
    word = f"{m.name}-big"
    m.inject(word, BIG, ["r@p25.test"])
    assert body_of(world.wait("capture", word)[0]) == BIG


def next_hops(world, m):
    """What was accepted and refused further on: our report reaches the
    sender; what was deferred is tried by us, not by the sender."""
    m.inject(f"{m.name}-later", EIGHT_BIT, [f"{m.name}@defers.test"])
    m.inject(f"{m.name}-never", EIGHT_BIT, [f"{m.name}@refuses.test"])
    report = world.wait_text("reports", f"{m.name}@refuses.test".encode())
    assert b"nobody here" in report
    world.service.wait_for(lambda: [
        x for x in world.deferring.messages
        if f"Subject: {m.name}-later".encode() in x["body"]])
    assert m.wait_empty(), m.log()


# --- W17: 4yz -------------------------------------------------------------------

def w17_deferred(world, m):
    """452 at MAIL: it stays in the sender's queue, nothing bounces."""
    word = f"{m.name}-w17"
    m.inject(word, EIGHT_BIT, ["r@p25.test"])
    m.flush()
    time.sleep(0.5)
    assert m.queue_count() == 1, m.log()
    assert "452" in m.log(), m.log()
    assert not world.with_word("capture", word)
    assert not world.with_word("reports", word)


def w17_delivered_later(world, m):
    word = f"{m.name}-w17"
    m.flush()
    assert len(world.wait("capture", word)) == 1
    assert m.wait_empty(), m.log()


# --- W20: 421 ---------------------------------------------------------------------

def w20_fill(world, m):
    """Into its queue while nobody listens."""
    for i in range(REQUEUED):
        m.inject(f"{m.name}-w20-{i}", EIGHT_BIT * 500, ["r@p25.test"],
                 queue_only=True)


def w20_count(world, m):
    return [len(world.with_word("capture", f"{m.name}-w20-{i}"))
            for i in range(REQUEUED)]


def w20_interrupted(world, mtas):
    """Stops in the middle of their queue runs."""
    flushing = [threading.Thread(target=m.flush) for m in mtas]
    for t in flushing:
        t.start()
    end = time.monotonic() + 10
    while time.monotonic() < end and \
            not any(sum(w20_count(world, m)) for m in mtas):
        time.sleep(0.01)
    assert world.service.stop() == 0
    for t in flushing:
        t.join()
    world.go_on()


def w20_complete(world, m):
    end = time.monotonic() + 20
    while time.monotonic() < end:
        m.flush()
        if min(w20_count(world, m)) > 0 and m.wait_empty(2):
            break
    counts = w20_count(world, m)
    assert counts == [1] * REQUEUED, (counts, m.log())
    message = world.with_word("capture", f"{m.name}-w20-0")[0]
    assert body_of(message) == EIGHT_BIT * 500


# --- all of it ----------------------------------------------------------------------

def side_by_side(results, world, mtas, *functions):
    """The functions in order, for all servers at the same time."""
    def one(m):
        for f in functions:
            with results.test(f"{m.name} {f.__name__}"):
                f(world, m)
    threads = [threading.Thread(target=one, args=(m,)) for m in mtas]
    for t in threads:
        t.start()
    return threads


def join(threads):
    for t in threads:
        t.join()


def start_mtas(results, world, where, chosen):
    started = []

    def one(kind):
        with results.test(f"{kind.name} starts"):
            started.append(kind(world, where))
    join_all = [threading.Thread(target=one, args=(k,)) for k in MTAS
                if not chosen or k.name in chosen]
    for t in join_all:
        t.start()
    join(join_all)
    return started


def with_mtas(results, world, mtas, programs_too):
    threads = side_by_side(results, world, mtas, each_way, w18_by_name,
                           several_recipients, null_sender, foreign_sender,
                           big_message, next_hops)
    programs_too()
    join(threads)
    world.restart(full=True)
    join(side_by_side(results, world, mtas, w17_deferred))
    world.restart()
    join(side_by_side(results, world, mtas, w17_delivered_later))
    world.service.stop()
    join(side_by_side(results, world, mtas, w20_fill))
    world.go_on()
    with results.test("W20 stopped in mid-pipeline"):
        w20_interrupted(world, mtas)
    join(side_by_side(results, world, mtas, w20_complete))


def main():
    chosen = sys.argv[1:]
    results = Results()
    if os.geteuid() != 0:
        results.skip("interop", "private roots need root")
        results.finish()
    where = tempfile.mkdtemp(prefix="postrider-interop-")
    names = dns.NameServer(mta.NAME_SERVER, {
        "with-mx.test": {dns.A: "127.0.0.1", dns.MX: "with-mx.test"},
        "without-mx.test": {dns.A: "127.0.0.1"}})
    world, mtas = World(), []
    try:
        mtas = start_mtas(results, world, where, chosen)

        def programs_too():
            if not chosen or "programs" in chosen:
                programs.tests(world, results, where)
        with_mtas(results, world, mtas, programs_too)
        with results.test("stops in order"):
            assert world.service.stop() == 0
        check_memory_reports(world.service, results)
    finally:
        for m in mtas:
            m.close()
        world.close()
        names.close()
        shutil.rmtree(where, ignore_errors=True)
    results.finish()


main()
