#!/usr/bin/env python3
"""F6: the disk is full, or fails. Full (bytes, or inodes): 452 4.3.1 at MAIL
before anything breaks, never after 354 for mail that said its size; what is
there goes on being delivered; when there is room again mail comes in again,
without a restart. A sync that fails: 451 for its batch, and on it goes; syncs
that go on failing: the spool closes, nobody who waits gets a reply, new
connections get 421. Afterwards the oracle."""
import os
import sys
import time

from lib import (Inject, Load, Mill, Service, Tmpfs, assert_good, can_mount,
                 drain, oracle, postrider, say, strace_works, verdict_of)


def codes(load, stage):
    return {reply: n for (at, reply), n in load.codes.items() if at == stage}


def wait(what, seconds, why, service):
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            raise AssertionError(f"{why}\n{service.tail(8)}")
        time.sleep(0.02)


def mail_refused_for_room(load):
    return codes(load, "MAIL").get("452 4.3.1", 0)


def check_full(load, service):
    """What may be said when the disk is full."""
    for (stage, reply), n in load.codes.items():
        fine = (reply.startswith("250") or reply == "452 4.3.1"
                and stage == "MAIL")
        assert fine, f"{n} times {reply} at {stage}\n{service.tail(8)}"


def fill_until_refused(mill, load, hop, service, seconds=40):
    hop.mode = "defer"
    mill.do(load.run())
    wait(lambda: mail_refused_for_room(load) > 20, seconds,
         "the disk does not become full", service)


def acked_since(load, since):
    return load.last_ack > since


def full_disk(options, what, **load_options):
    """Fills it with mail that the next hop doesn't take; then it does."""
    with Mill() as mill:
        hop = mill.hop(defer_share=0)
        service = Service(hop.port, segment="4MiB", keep_free="4MiB")
        spool = os.path.join(service.data, "spool")
        os.makedirs(service.data, mode=0o750)
        with service, Tmpfs(spool, options):
            try:
                one_full_disk(mill, hop, service, what, load_options)
            finally:
                # Before its tmpfs goes.
                if service.process and service.process.poll() is None:
                    service.kill_master(True)


def one_full_disk(mill, hop, service, what, load_options):
    service.begin()
    relay = service.pid_of("relay")
    load = Load(service.port, connections=8, seed=3, refused_share=0,
                **load_options)
    try:
        fill_until_refused(mill, load, hop, service)
        held = len([m for m in load.sent if m.state == oracle.ACKED])
        assert not hop.got and held > 5, "nothing was taken before"
        check_full(load, service)
        if not load.big_share:
            # A big message may find no room where others still do.
            wait(lambda: service.metric("spool_low_space") == 1, 3,
                 "the metric does not say it", service)
        # A while longer: it must not break now either.
        time.sleep(0.5)
        check_full(load, service)
        load.paused = True
        hop.mode = "take"
        wait(lambda: len(hop.got) >= held * 0.9, 30,
             "delivery does not go on", service)
        wait(lambda: service.metric("spool_low_space") == 0, 20,
             "there is room again, but the metric does not know", service)
        at = time.monotonic()
        load.paused = False
        wait(lambda: acked_since(load, at), 10,
             "there is room again, but no mail is taken", service)
    finally:
        mill.do(load.stop())
    assert service.pid_of("relay") == relay, "it was started again"
    drained = drain(service, load, hop)
    verdict = verdict_of(service, load, hop)
    say(f"{what}: {held} messages filled it, "
        f"{mail_refused_for_room(load)} times 452 at MAIL")
    assert_good("full", verdict, service, load, hop)
    assert drained, "the queue does not empty"
    assert verdict.unknown == 0
    service.check_log()


def no_inodes():
    """Big messages: each is a file of its own. The inodes are used up by
    somebody else; then they are free again."""
    with Mill() as mill:
        hop = mill.hop(defer_share=0)
        service = Service(hop.port, segment="4MiB", keep_free="1MiB")
        spool = os.path.join(service.data, "spool")
        os.makedirs(service.data, mode=0o750)
        with service, Tmpfs(spool, "size=300m,nr_inodes=200"):
            try:
                one_without_inodes(mill, hop, service, spool)
            finally:
                if service.process and service.process.poll() is None:
                    service.kill_master(True)


def one_without_inodes(mill, hop, service, spool):
    service.begin()
    relay = service.pid_of("relay")
    load = Load(service.port, connections=4, seed=4, refused_share=0,
                big_share=0.3)
    ballast = []
    try:
        mill.do(load.run())
        wait(lambda: len(hop.got) > 5, 10, "nothing is delivered", service)
        try:
            for i in range(1000):
                ballast.append(os.path.join(spool, f"ballast{i}"))
                os.close(os.open(ballast[-1], os.O_CREAT | os.O_WRONLY))
        except OSError:
            ballast.pop()
        wait(lambda: mail_refused_for_room(load) > 10, 15,
             "without inodes mail is refused only at its end", service)
        at_mail, dots = mail_refused_for_room(load), codes(load, "dot")
        for path in ballast:
            os.unlink(path)
        at = time.monotonic()
        wait(lambda: acked_since(load, at + 0.5), 15,
             "inodes are free again, but no mail is taken", service)
    finally:
        mill.do(load.stop())
    assert service.pid_of("relay") == relay, "it was started again"
    drained = drain(service, load, hop)
    verdict = verdict_of(service, load, hop)
    say(f"no inodes: {at_mail} times 452 at MAIL; at the dot: {dots}")
    assert_good("inodes", verdict, service, load, hop)
    assert drained and verdict.unknown == 0
    service.check_log()


# --- syncs that fail -------------------------------------------------------------------

def one_failed_sync():
    """451 for the batch; then as before."""
    with Mill() as mill:
        hop = mill.hop()
        with Service(hop.port) as service:
            service.begin()
            load = Load(service.port, connections=10, seed=6, big_share=0)
            try:
                mill.do(load.run())
                time.sleep(0.3)
                with Inject(service.commit_thread(), "fdatasync",
                            "error=EIO:syscall=gettid:when=5", all_threads=False):
                    wait(lambda: service.metric("spool_cuts_total") >= 1, 10,
                         "the failed sync is not noticed", service)
                    at = time.monotonic()
                    wait(lambda: acked_since(load, at + 0.2), 10,
                         "no mail after a failed sync", service)
                time.sleep(0.2)
            finally:
                mill.do(load.stop())
            drained = drain(service, load, hop)
            verdict = verdict_of(service, load, hop)
            refused = codes(load, "dot").get("451 4.3.0", 0)
            say(f"one failed sync: {refused} times 451, "
                f"{service.metric('spool_cuts_total'):.0f} cut")
            assert_good("sync", verdict, service, load, hop)
            assert drained and verdict.unknown == 0 and refused > 0
            # And the log can be read by the next one.
            assert service.stop() == 0
            service.begin()
            assert service.metric("spool_quarantined_total") == 0
            service.check_log()


def greeting(service):
    with postrider.Client(service.port) as c:
        return c.reply()[0]


def close_spool(how, why, unanswered):
    """The spool closes; after a restart all that was said holds."""
    with Mill() as mill:
        # So slow that there is a queue when it closes.
        hop = mill.hop(delay=(0.2, 0.3))
        with Service(hop.port) as service:
            service.begin()
            load = Load(service.port, connections=10, seed=7, big_share=0)
            try:
                mill.do(load.run())
                time.sleep(0.3)
                begin = time.monotonic()
                with Inject(service.commit_thread(), "fdatasync", how,
                            all_threads=False):
                    wait(lambda: service.metric("spool_closed") == 1, 15,
                         "the spool does not close", service)
                    wait(lambda: codes(load, "greeting").get("421 4.3.2", 0)
                         > 5, 5, "new connections get no 421", service)
                    assert greeting(service) == 421
                    copies = len(hop.got)
                    load.paused = True
                    time.sleep(0.7)
                    memory = len(hop.got) - copies
                    assert memory > 0, "nothing goes out from memory"
                    # for the operator's mail of the next start
                    note = os.path.join(service.data, "spool.closed")
                    wait(lambda: os.path.exists(note), 3,
                         "master leaves no note", service)
                acked_closed = load.last_ack
                hop.delay = (0.0, 0.03)
                service.kill_master(True)
                service.deaths[-1] = (begin, service.deaths[-1][1])
                service.again(wait=True)
                wait(lambda: not os.path.exists(note), 3,
                     "the note of a closed spool stays", service)
                load.paused = False
                at = time.monotonic()
                wait(lambda: acked_since(load, at), 10,
                     "no mail after the restart", service)
            finally:
                mill.do(load.stop())
            drained = drain(service, load, hop)
            verdict = verdict_of(service, load, hop)
            say(f"{why}: the spool closed; {memory} copies went out from "
                "memory after that; last 250 "
                f"{acked_closed - begin:.2f} s after the first failure")
            assert_good("closed", verdict, service, load, hop)
            assert drained
            assert verdict.unknown > 0 or not unanswered
            service.check_log()


def tests(results, nightly=False):
    if can_mount():
        with results.test("F6 full disk"):
            full_disk("size=40m", "a disk of 40 MB", big_share=0)
        with results.test("F6 full disk, big messages"):
            full_disk("size=60m", "a disk of 60 MB", big_share=0.5)
        with results.test("F6 no inodes"):
            no_inodes()
    else:
        results.skip("F6 full disk", "mounting is not allowed here")
    if not strace_works():
        results.skip("F6 failed syncs", "strace may not trace here")
        return
    with results.test("F6 one failed sync"):
        one_failed_sync()
    with results.test("F6 all syncs fail"):
        close_spool("error=EIO:syscall=gettid:when=4+", "every sync fails",
                    True)
    with results.test("F6 three failed syncs in a minute"):
        close_spool("error=EIO:syscall=gettid:when=4+4", "each fourth sync fails",
                    False)


if __name__ == "__main__":
    r = postrider.Results()
    tests(r, "--nightly" in sys.argv)
    r.finish()
