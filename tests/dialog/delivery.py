"""Mail out by route: connections reused, commands pipelined, recipients
grouped, extensions as the peer offers them, TLS and AUTH to the smart host,
LMTP, retries by the schedule, outcomes by scope."""
import time

from postrider import fields, without_trace
from world import SENDER

BODY = "Subject: {0}\r\n\r\n{0}\r\n"


def with_word(world, name, word):
    sink = world.sinks[name]
    with sink.lock:
        return [m for m in sink.messages if word.encode() in m["body"][:3000]]


def wait_word(world, name, word, n=1):
    return world.service.wait_for(
        lambda: (lambda found: found if len(found) >= n else None)(
            with_word(world, name, word)))


def queue_ids(world):
    return {r["id"] for r in world.service.rows("queue", "list")}


def reuse(world):
    """Many messages, few connections."""
    sink, word = world.sinks["hop"], world.unique("reuse-")
    before = sink.connections
    with world.client(SENDER) as c:
        for i in range(50):
            assert c.message("a@sender.example", ["r@hop.test"],
                             BODY.format(word))[0] == 250
    found = wait_word(world, "hop", word, 50)
    assert sink.connections - before <= 20, sink.connections - before
    assert len({m["connection"] for m in found}) <= 20


def pipelining(world):
    """A group in one go where the peer offers it, lock step elsewhere."""
    for name, wanted in (("hop", True), ("bare", False)):
        sink, word = world.sinks[name], world.unique("pipe-")
        before = sink.pipelined
        recipients = [f"r{i}@{name}.test" for i in range(20)]
        assert world.send(recipients, BODY.format(word))[0] == 250
        wait_word(world, name, word)
        assert (sink.pipelined - before > 10) == wanted, \
            (name, sink.pipelined - before)


def grouping(world):
    """One message to 30 recipients of a host: one transaction."""
    word = world.unique("group-")
    recipients = [f"r{i}@hop.test" for i in range(30)] + \
        [f"r{i}@other.hop.test" for i in range(5)] + ["x@chunking.test"]
    assert world.send(recipients, BODY.format(word))[0] == 250
    found = wait_word(world, "hop", word)
    wait_word(world, "chunking", word)
    assert len(found) == 1 and len(found[0]["rcpts"]) == 35, \
        [len(m["rcpts"]) for m in found]


def extensions(world):
    """Parameters only where they are offered."""
    word = world.unique("ext-")
    body = f"Subject: {word}\r\n\r\ncaf\xe9\r\n".encode("latin-1")
    recipients = ["r@hop.test", "r@chunking.test"]
    with world.client(SENDER) as c:
        assert c.code("MAIL FROM:<a@sender.example> BODY=8BITMIME "
                      "ENVID=en+2Bv RET=HDRS") == 250
        for r in recipients:
            assert c.code(f"RCPT TO:<{r}> NOTIFY=SUCCESS,FAILURE "
                          "ORCPT=rfc822;o+3Dx@y.test") == 250
        assert c.code("DATA") == 354
        c.send(body + b".\r\n")
        c.expect(250)
    for name in ("hop", "chunking"):
        m = wait_word(world, name, word)[0]
        assert "BODY=8BITMIME" in m["mail"], m["mail"]
        assert "ENVID=en+2Bv" in m["mail"] and "RET=HDRS" in m["mail"]
        assert "ORCPT=rfc822;o+3Dx@y.test" in m["rcpts"][0], m["rcpts"]
        assert "NOTIFY=SUCCESS,FAILURE" in m["rcpts"][0]


def chunking(world):
    """What DATA can't carry goes by BDAT, octet for octet: line ends that
    are none, BINARYMIME."""
    for mail, text in (("", b"a\nb\rc\r\n"),
                       (" BODY=BINARYMIME", b"\0\n\r\n.\r\n\xff" * 50)):
        word = world.unique("chunking-")
        body = f"Subject: {word}\r\n\r\n".encode() + text
        with world.client(SENDER) as c:
            assert c.bdat_message("a@sender.example", ["r@chunking.test"],
                                  body[:20], body[20:],
                                  parameters=mail)[0] == 250
        m = wait_word(world, "chunking", word)[0]
        assert m["by"] == "BDAT" and without_trace(m["body"]) == body
        assert mail in m["mail"], m["mail"]


def plain_peer(world):
    """No extension at all: bare commands."""
    word = world.unique("plain-")
    assert world.send(["r@bare.test"], BODY.format(word))[0] == 250
    m = wait_word(world, "bare", word)[0]
    assert m["mail"] == "MAIL FROM:<a@sender.example>", m["mail"]
    assert m["rcpts"] == ["RCPT TO:<r@bare.test>"], m["rcpts"]


def helo_only(world):
    """A peer that knows no EHLO gets HELO."""
    def script(stage, text, s):
        return "502 5.5.1 what?" if stage == "EHLO" else None
    word = world.unique("helo-")
    idle_over(world, "EHLO")
    world.sinks["bare"].script = script
    try:
        assert world.send(["r@bare.test"], BODY.format(word))[0] == 250
        wait_word(world, "bare", word)
    finally:
        world.sinks["bare"].script = lambda *_: None
    assert any(c.startswith("HELO") for c in world.sinks["bare"].commands)


def starttls(world):
    """Opportunistic, with a certificate that nobody vouches for."""
    word = world.unique("tls-")
    assert world.send(["r@tls.test"], BODY.format(word))[0] == 250
    m = wait_word(world, "tls", word)[0]
    assert m["tls"] in ("TLSv1.2", "TLSv1.3"), m["tls"]


def tls_required(world):
    """A smart host without STARTTLS is no place for it: deferred."""
    word = world.unique("needtls-")
    reply = world.send(["r@needs-tls.test"], BODY.format(word))
    assert reply[0] == 250
    number = reply[1].split()[-1]
    rows = world.service.wait_for(lambda: [
        r for r in world.service.rows("queue", "show", number)
        if r["recipients"][0]["tries"] > 0])
    assert "TLS" in rows[0]["recipients"][0]["reply"].upper(), rows
    assert not with_word(world, "hop", word)
    world.service.cli("queue", "remove", number)


def smart_host_login(world):
    """AUTH only inside TLS, with the words of the file."""
    word = world.unique("login-")
    sink = world.sinks["auth"]
    assert world.send(["r@auth.test"], BODY.format(word))[0] == 250
    m = wait_word(world, "auth", word)[0]
    assert m["tls"] and m["auth"] == [b"relay", b"s3cret word"], m["auth"]
    assert not [c for c in sink.commands if c.startswith("AUTH")
                and "STARTTLS" not in sink.commands[:sink.commands.index(c)]]
    assert b"s3cret" not in open(world.service.log_path, "rb").read()


def lmtp(world):
    """A verdict for each recipient behind the dot."""
    word = world.unique("lmtp-")
    times = {}

    def script(stage, text, s):
        if stage != "dot":
            return None
        if "later@" in text:
            times.setdefault("later", []).append(time.monotonic())
            if len(times["later"]) < 3:
                return "451 4.2.2 mailbox busy"
        if "never@" in text:
            return "550 5.1.1 no such person here"
        return None
    world.lmtp_switch.script = script
    try:
        assert world.send([f"{x}@lmtp.test" for x in
                           ("good", "later", "never")],
                          BODY.format(word))[0] == 250
        found = wait_word(world, "lmtp", word, 2)
        report = world.report_about("no such person here")
    finally:
        world.lmtp_switch.script = None
    who = sorted(m["rcpts"][0] for m in found)
    assert ["good@" in who[0], "later@" in who[1]] == [True, True], who
    assert len(found) == 2
    assert b"never@lmtp.test" in report and b"good@lmtp.test" not in report
    assert len(times["later"]) == 3
    assert any(c.startswith("LHLO ") for c in world.sinks["lmtp"].commands)


def idle_over(world, stage):
    """An idle connection would not be greeted again (remote_idle_ms: 1000)."""
    if stage in ("connect", "EHLO"):
        time.sleep(1.3)


class Retry:
    """4yz at this stage of a sink of its own: tried again after 1, 1, 2 s,
    then delivered. All of them run at the same time."""

    def __init__(self, world, stage):
        self.world, self.stage, self.at = world, stage, []
        self.word = world.unique("retry-")
        world.stages[stage].script = self.script
        self.reply = world.send([f"r@{stage.lower()}.stage.test"],
                                BODY.format(self.word))

    def script(self, stage, text, s):
        if stage != self.stage:
            return None
        self.at.append(time.monotonic())
        return None if len(self.at) > 3 else "451 4.3.0 come back later"

    def check(self):
        assert self.reply[0] == 250, self.reply
        sink = self.world.stages[self.stage]
        got = sink.wait(1, 20)
        assert self.word.encode() in got[0]["body"], (self.word, got[0])
        gaps = [b - a for a, b in zip(self.at, self.at[1:4])]
        # A host that is down is left alone 1, 2, 4 s at least.
        down = self.stage in ("connect", "EHLO")
        least = (0.9, 1.9, 3.9) if down else (0.9, 0.9, 1.9)
        assert all(g > x for g, x in zip(gaps, least)), gaps
        assert sum(gaps) < sum(least) + 4, gaps
        assert len(sink.messages) == 1
        number = self.reply[1].split()[-1]
        self.world.service.wait_for(
            lambda: number not in queue_ids(self.world), 5)


def rcpt_scope(world):
    """4yz for one recipient does not hold up the others."""
    word, at = world.unique("scope-"), []

    def script(stage, text, s):
        if stage == "RCPT" and "slow@" in text:
            at.append(1)
            return "450 4.2.1 busy" if len(at) < 2 else None
        return None
    world.switch.script = script
    try:
        assert world.send(["quick@hop.test", "slow@hop.test",
                           "fast@hop.test"], BODY.format(word))[0] == 250
        first = wait_word(world, "hop", word)[0]
        assert len(first["rcpts"]) == 2 and "slow" not in str(first["rcpts"])
        found = wait_word(world, "hop", word, 2)
    finally:
        world.switch.script = None
    assert len(found) == 2 and len(found[1]["rcpts"]) == 1
    assert "slow" in found[1]["rcpts"][0]


def drops(world, stage):
    """The peer hangs up at this stage: tried again, delivered once."""
    word, times = world.unique("drop-"), []

    def script(s_stage, text, s):
        if s_stage == stage and not times:
            times.append(1)
            return "drop unkept" if stage == "dot" else "drop"
        return None
    idle_over(world, stage)
    world.switch.script = script
    try:
        assert world.send(["r@hop.test"], BODY.format(word))[0] == 250
        wait_word(world, "hop", word)
    finally:
        world.switch.script = None
    assert times and len(with_word(world, "hop", word)) == 1


def strange_replies(world):
    """Replies that are none end the connection; the message waits, and is
    delivered once."""
    for bad in ("250-one\r\n251 two", "999 nothing", "250 nul \0 byte"):
        strange_reply(world, bad)


def strange_reply(world, bad):
    word, times = world.unique("strange-"), []

    def script(stage, text, s):
        if stage == "RCPT" and not times:
            times.append(1)
            return bad
        return None
    world.switch.script = script
    try:
        assert world.send(["r@hop.test"], BODY.format(word))[0] == 250
        found = wait_word(world, "hop", word)
    finally:
        world.switch.script = None
    assert len(found) == 1, bad


def maildir(world):
    word = world.unique("maildir-")
    with world.client(SENDER) as c:
        assert c.message("a@sender.example",
                         ["one@maildir.test", "two@maildir.test"],
                         BODY.format(word))[0] == 250
    found = world.service.wait_for(lambda: [
        m for m in world.service.captured() if word.encode() in m]
        if sum(word.encode() in m for m in world.service.captured()) == 2
        else None)
    to = sorted(dict(fields(m))["Delivered-To"] for m in found)
    assert to == ["one@maildir.test", "two@maildir.test"], to
    assert all(without_trace(m) == BODY.format(word).encode()
               for m in found)


def duplicates_once(world):
    word = world.unique("dup-")
    with world.client(SENDER) as c:
        assert c.message("a@sender.example", ["r@hop.test"] * 5 +
                         ["R@hop.test"], BODY.format(word))[0] == 250
    m = wait_word(world, "hop", word)[0]
    assert len(m["rcpts"]) == 2, m["rcpts"]


def tests(world, results):
    retrying = {stage: Retry(world, stage) for stage in world.stages}
    for f in (reuse, pipelining, grouping, extensions, chunking, plain_peer, helo_only,
              starttls, tls_required, smart_host_login, lmtp, rcpt_scope,
              strange_replies, maildir, duplicates_once):
        with results.test(f"delivery {f.__name__}"):
            f(world)
    for stage, retry in retrying.items():
        with results.test(f"4yz at {stage}"):
            retry.check()
    for stage in ("MAIL", "RCPT", "DATA", "dot", "EHLO"):
        with results.test(f"hangs up at {stage}"):
            drops(world, stage)
