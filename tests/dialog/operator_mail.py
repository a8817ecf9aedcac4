"""What the operator is told by mail (SPEC 8.2 and 1.9; docs/why/
operator_alerts.md): a service of its own, whose operator has a Maildir."""
import email
import email.policy
import os
import re
import shutil
import signal
import ssl
import time

from postrider import Client, Service, Sink, check_memory_reports, free_port
from reload import certificate, old_client, old_context
from world import customer

OPS = "ops@operator.test"
JAPANESE = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")


class Ops:
    def __init__(self):
        self.stalled = []
        self.sink = Sink(self.stall)
        self.legacy = free_port()
        self.service = Service(
            routes='    - { domain: operator.test, maildir: "ops/" }\n'
                   '    - { domain: second.test, maildir: "second/" }\n'
                   '    - { domain: stall.test, smart_host: '
                   f'"127.0.0.1:{self.sink.port}", tls: never }}\n',
            directory="customers:\n" + customer("way", "127.0.0.1"),
            listeners=f'  - {{ name: old, address: "127.0.0.1:{self.legacy}", '
                      'legacy_tls: { until: 2099-12-31 } }\n')
        self.operator = OPS
        self.more = ""
        self.write()

    def stall(self, stage, _text, _session):
        if stage == "dot":
            self.stalled.append(1)
            time.sleep(30)
        return None

    def write(self, **what):
        for k, v in what.items():
            setattr(self, k, v)
        self.service.extra = self.more
        if self.operator:
            self.service.extra += f"operator: {{ mail: {self.operator} }}\n"
        self.service.write_config()

    def log(self):
        with open(self.service.log_path, errors="replace") as f:
            return f.read()

    def reload(self, **what):
        self.write(**what)
        before = self.service.metrics()["postrider_reloads_total"]
        self.service.process.send_signal(signal.SIGHUP)
        self.service.wait_for(lambda: self.service.metrics()
                              ["postrider_reloads_total"] > before)

    def mails(self, words, folder="ops"):
        """Those with the words in their subject."""
        out = []
        for m in self.service.captured(folder):
            m = email.message_from_bytes(m, policy=email.policy.default)
            if words in m["Subject"]:
                out.append(m)
        return out

    def mail(self, words, folder="ops", count=1):
        self.service.wait_for(lambda: len(self.mails(words, folder)) >= count,
                              10)
        mails = self.mails(words, folder)
        assert len(mails) == count, [m["Subject"] for m in mails]
        return mails[-1], mails[-1].get_content()

    def send(self, to):
        with Client(self.service.port) as c:
            c.hello()
            code, text = c.message("u@way.example", [to],
                                   "Subject: x\r\n\r\nx\r\n")
            assert code == 250, text
            return text.split()[3]

    def crash(self):
        s, relay = self.service, self.service.pid_of("relay")
        os.kill(relay, signal.SIGABRT)   # the sanitizers take SEGV
        s.wait_for(lambda: s.pid_of("relay") not in (None, relay), 10)
        s.wait_ready()


def s8_2_a_mail_has_all_that_it_needs(ops):
    """Form, both languages, what happened, since when, what to do."""
    before = ops.service.metrics()
    ops.crash()
    m, text = ops.mail("crashed and was started again")
    assert m["Return-Path"] == "<>" and OPS in m["To"], m.items()
    assert m["From"] == "Postrider <postmaster@relay.test>"
    assert m["Auto-Submitted"] == "auto-generated"
    assert m["Content-Language"] == "en, ja"
    assert m["Subject"].startswith("relay.test: ") and m["Date"]
    english, japanese = text.split("----------")[:2]
    for part in ("What happened:", "Since: 20", "What it means for the mail:",
                 "What to do next:", "To see more:", "postrider version"):
        assert part in english, (part, english)
    assert not JAPANESE.search(english)
    for part in ("状況:", "発生時刻: 20", "メールへの影響:", "必要な対応:",
                 "詳しく調べるには:"):
        assert part in japanese, (part, japanese)
    assert all(len(x) <= 100 for x in text.split("\n")), text
    after = ops.service.metrics()
    assert after["postrider_operator_alerts_total"] == \
        before["postrider_operator_alerts_total"] + 1
    # The operator's own: nobody's customer, and found like all mail.
    row, = [r for r in ops.service.rows("trace", "--to", OPS)]
    assert row["recipients"][0]["state"] == "delivered", row


def s8_2_poison_is_named_and_no_storm(ops):
    """A message held for its crashes; further crashes within the hour are
    counted, not mailed."""
    s = ops.service
    message = ops.send("x@stall.test")
    for n in (1, 2):
        s.wait_for(lambda: len(ops.stalled) >= n)
        ops.crash()
    m, text = ops.mail("crashed on the same mail again")
    assert "At the end: 1 messages, 0 addresses" in text, text
    assert message in text.split("----------")[2], text
    ops.crash()
    ops.crash()
    time.sleep(1.2)
    assert len(ops.mails("crashed")) == 2
    assert s.metrics()["postrider_operator_alerts_suppressed_total"] == 0, \
        "a new process waits with the newest one"
    row, = s.rows("queue", "list", "--state", "held")
    assert row["id"] == message
    s.cli("queue", "remove", message)


def s8_2_not_again_after_a_start(ops):
    """What was sent is known from the spool, also after a kill."""
    s = ops.service
    s.kill_all()
    s.start()
    ops.crash()
    time.sleep(1.2)
    assert len(ops.mails("crashed")) == 2


def disk_low_and_its_end(ops):
    """keep_free above what there is; then below it again."""
    s = ops.service
    free = shutil.disk_usage(s.data).free
    assert s.stop() == 0
    ops.write(more=f"spool: {{ keep_free: {free * 2} }}\n")
    s.start()
    m, text = ops.mail("too little room")
    assert f"{free * 2} are to be kept" in text, text
    with Client(s.port) as c:
        c.hello()
        assert c.code("MAIL FROM:<u@way.example> SIZE=100") == 452
    assert s.stop() == 0
    ops.write(more="spool: { keep_free: 0 }\n")
    s.start()
    m, text = ops.mail("there is room for mail again")
    assert "New mail is taken again" in text, text
    assert s.stop() == 0
    ops.write(more="")
    s.start()
    time.sleep(1.2)
    assert len(ops.mails("room")) == 2


def the_certificate_ends(ops):
    """Once a day and step, whatever is reloaded or killed."""
    s = ops.service
    crt, key = certificate(ops, "short", days=5)
    ops.reload(more=f"tls: {{ certificate: {crt}, key: {key} }}\n")
    m, text = ops.mail("the TLS certificate ends in 4 days")
    assert crt in text and "SIGHUP" in text, text
    ops.reload()
    os.kill(s.pid_of("relay"), signal.SIGKILL)
    s.wait_ready()
    time.sleep(1.2)
    assert len(ops.mails("certificate")) == 1


def another_address_by_sighup(ops):
    """Who comes new is told; the one before no longer is."""
    s = ops.service
    crt, key = certificate(ops, "next", days=2)
    ops.reload(operator="new@second.test", more="tls: { certificate: %s, "
               "key: %s }\n" % (crt, key))
    # the hour of this kind is not over: it waits
    time.sleep(1.2)
    assert not ops.mails("certificate", "second")
    assert len(ops.mails("certificate")) == 1


def s1_9_who_still_needs_old_tls(ops):
    """By the week, and at a stop; delivered by the next start."""
    s = ops.service
    ops.reload(operator=OPS)
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        with old_client(ops.legacy, old_context(version)) as c:
            assert c.code("MAIL FROM:<u@way.example>") == 250
    assert s.stop() == 0
    s.start()
    m, text = ops.mail("1 addresses still need old TLS")
    assert "in 2 handshakes" in text, text
    line, = [x for x in text.split("----------")[2].split("\n")
             if x.startswith("127.0.0.1  ")]
    assert "  way  TLSv1.1  " in line and "  2  20" in line, line


def old_tls_while_it_stops(_):
    """Its session is the last one: told before the doors close. A service of
    its own, which has told nobody yet."""
    ops = Ops()
    s = ops.service
    with ops.sink, s:
        s.start()
        with old_client(ops.legacy, old_context(ssl.TLSVersion.TLSv1)) as c:
            assert c.code("MAIL FROM:<u@way.example>") == 250
            s.process.send_signal(signal.SIGTERM)
            s.wait_for(lambda: "operator.told" in ops.log())
            assert c.code("RSET") == 250
            assert c.reply()[0] == 421
        assert s.process.wait(20) == 0
        log = ops.log()
        assert "tls.legacy_report" in log, log
        assert "serve.crashed" not in log and "invariant" not in log, log


def the_spool_had_closed(ops):
    """Master left a note, for want of a spool to put the mail into."""
    s = ops.service
    assert s.stop() == 0
    note = os.path.join(s.data, "spool.closed")
    with open(note, "w") as f:
        f.write("1700000000000")
    s.start()
    m, text = ops.mail("the spool had closed itself")
    assert "Since: 2023-11-14T22:13:20" in text, text
    s.wait_for(lambda: not os.path.exists(note))


def no_route_is_said(ops):
    s = ops.service
    at = len(ops.log())
    ops.reload(operator="ops@nowhere.example")
    s.wait_for(lambda: "operator.no_route" in ops.log()[at:])
    p = s.cli("check", check=False)
    assert p.returncode == 0, p
    assert re.search(r":\d+:\d+: warning: no route covers the domain of "
                     "ops@nowhere.example", p.stdout), p.stdout
    p = s.cli("check", env={"LANG": "ja_JP.UTF-8"})
    assert "経路がありません" in p.stdout, p.stdout
    ops.reload(operator="")
    assert "operator: mail is not set" in s.cli("check").stdout
    ops.write(operator="ops")
    p = s.cli("check", check=False)
    assert p.returncode == 78 and "no mail address" in p.stdout, p.stdout


TESTS = (s8_2_a_mail_has_all_that_it_needs, s8_2_poison_is_named_and_no_storm,
         s8_2_not_again_after_a_start, disk_low_and_its_end,
         the_certificate_ends, another_address_by_sighup,
         s1_9_who_still_needs_old_tls, old_tls_while_it_stops,
         the_spool_had_closed, no_route_is_said)


def tests(world, results):
    ops = Ops()
    with ops.sink, ops.service:
        ops.service.start()
        for f in TESTS:
            with results.test(f"operator: {f.__name__}"):
                f(ops)
        with results.test("operator: stops in order"):
            ops.write(operator=OPS)
            assert ops.service.stop() == 0
        check_memory_reports(ops.service, results)
