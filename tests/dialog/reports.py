"""Delivery reports (RFC 3461–3464): to whom, when, in what form; never about
the null sender, never to a stranger."""
import email
import email.policy
import time

from world import ANY, MANY, SENDER

BODY = "Subject: {0}\r\nMessage-ID: <{0}@sender.example>\r\n\r\n{0}\r\n"


class Refusing:
    """Lets the sink refuse a recipient or a stage while it stands."""

    def __init__(self, world, stage, reply, only=""):
        self.world, self.stage = world, stage
        self.reply, self.only = reply, only

    def script(self, stage, text, s):
        if stage == self.stage and self.only in text:
            return self.reply
        return None

    def __enter__(self):
        self.world.switch.script = self.script

    def __exit__(self, *_):
        self.world.switch.script = None


def parse(raw):
    """The report as a mail program sees it."""
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert message.get_content_type() == "multipart/report", raw[:500]
    assert message.get_param("report-type") == "delivery-status"
    parts = list(message.iter_parts())
    assert len(parts) == 3, [p.get_content_type() for p in parts]
    assert parts[1].get_content_type() in (
        "message/delivery-status", "message/global-delivery-status")
    blocks = parts[1].get_payload()
    return message, parts, blocks[0], blocks[1:]


def status_of(blocks):
    return {b["Final-Recipient"].split(";")[1].strip(): b for b in blocks}


def refused(world, stage, reply, status):
    word = world.unique("refused-")
    words = f"{reply} {word}"
    with Refusing(world, stage, words):
        code, text = world.send(["r@hop.test"], BODY.format(word))
        assert code == 250
        raw = world.report_about(word)
    message, parts, about, blocks = parse(raw)
    assert b"Return-Path: <>" in raw[:200]
    assert b"Delivered-To: a@sender.example" in raw[:300]
    assert message["Auto-Submitted"] == "auto-replied"
    assert message["To"].addresses[0].addr_spec == "a@sender.example"
    assert "relay.test" in about["Reporting-MTA"]
    block = status_of(blocks)["r@hop.test"]
    assert block["Action"] == "failed" and block["Status"] == status, \
        block.as_string()
    assert word in block["Diagnostic-Code"], block["Diagnostic-Code"]
    assert block["Diagnostic-Code"].startswith("smtp;")
    assert word in str(parts[0].get_content())
    returned = parts[2].get_payload()
    returned = returned[0] if isinstance(returned, list) else returned
    assert word in str(returned)
    assert all(ord(c) < 128 for c in raw.decode("latin-1"))


def mixed(world):
    """One report names those that failed, and only those."""
    word = world.unique("mixed-")
    with Refusing(world, "RCPT", f"550 5.1.1 unknown {word}", "bad"):
        with world.client(SENDER) as c:
            assert c.message("a@sender.example", [
                "good@hop.test", "bad1@hop.test", "bad2@hop.test",
                "fine@maildir.test"], BODY.format(word))[0] == 250
        raw = world.report_about(word)
    _, _, _, blocks = parse(raw)
    assert sorted(status_of(blocks)) == ["bad1@hop.test", "bad2@hop.test"]
    time.sleep(0.3)
    mine = [r for r in world.reports() if word.encode() in r]
    assert len(mine) == 1, len(mine)


def null_sender(world):
    """Never a report about <>."""
    word = world.unique("null-")
    with Refusing(world, "RCPT", f"550 5.1.1 unknown {word}"):
        with world.client(MANY, hello="mail.many.example") as c:
            reply = c.message("", ["x@hop.test", "y@hop.test"],
                              BODY.format(word))
            assert reply[0] == 250
        number = reply[1].split()[-1]
        world.service.wait_for(lambda: number not in {
            r["id"] for r in world.service.rows("queue", "list")})
    time.sleep(0.5)
    assert not [r for r in world.reports() if word.encode() in r]


def never_to_a_stranger(world):
    """A foreign sender that was rewritten: the report goes to
    postmaster@OWNED."""
    word = world.unique("stranger-")
    with Refusing(world, "RCPT", f"550 5.1.1 unknown {word}"):
        with world.client(ANY, hello="mail.any.example") as c:
            assert c.message("boss@victim.test", ["x@hop.test"],
                             BODY.format(word))[0] == 250
        raw = world.report_about(word)
    assert b"Delivered-To: postmaster@any.example" in raw[:300]
    assert not [m for m in world.service.captured("foreign")
                if word.encode() in m]


def send_with(world, word, recipients, mail="", sender="a@sender.example",
              body=None, hello=None, source=SENDER):
    with world.client(source, hello=hello) as c:
        code, text = c.cmd(f"MAIL FROM:<{sender}>{mail}")
        assert code == 250, text
        for r in recipients:
            code, text = c.cmd(f"RCPT TO:{r}")
            assert code == 250, text
        assert c.code("DATA") == 354
        body = body or BODY.format(word).encode()
        c.send(body + b".\r\n")
        c.expect(250)


def w11_success(world):
    """A peer without DSN: the success report is ours; asked for, by
    recipient."""
    word = world.unique("w11-")
    send_with(world, word, ["<r@bare.test> NOTIFY=SUCCESS "
                            "ORCPT=rfc822;orig+2B@x.test",
                            "<s@bare.test>", "<t@bare.test> NOTIFY=FAILURE",
                            "<m@maildir.test> NOTIFY=SUCCESS"],
              mail=f" ENVID={word} RET=HDRS")
    world.report_about(word)

    def both():
        mine = [parse(r) for r in world.reports() if word.encode() in r]
        found = {}
        for _, _, about, blocks in mine:
            assert about["Original-Envelope-Id"] == word
            found.update(status_of(blocks))
        return found if len(found) == 2 else None
    found = world.service.wait_for(both)
    assert sorted(found) == ["m@maildir.test", "r@bare.test"], found
    assert found["r@bare.test"]["Action"] == "relayed"
    assert found["m@maildir.test"]["Action"] == "delivered"
    assert found["r@bare.test"]["Original-Recipient"].replace(" ", "") == \
        "rfc822;orig+@x.test"
    assert found["r@bare.test"]["Status"].startswith("2.")


def w11_passed_on(world):
    """A peer with DSN makes the report; we make none."""
    word = world.unique("w11-")
    send_with(world, word, ["<r@hop.test> NOTIFY=SUCCESS"],
              mail=f" ENVID={word}")
    m = world.service.wait_for(lambda: [
        m for m in world.sinks["hop"].messages
        if word in (m["mail"] or "")])[0]
    assert "NOTIFY=SUCCESS" in m["rcpts"][0]
    time.sleep(0.3)
    assert not [r for r in world.reports() if word.encode() in r]


def notify_never(world):
    word = world.unique("never-")
    with Refusing(world, "RCPT", f"550 5.1.1 unknown {word}"):
        send_with(world, word, ["<r@hop.test> NOTIFY=NEVER",
                                "<s@hop.test> NOTIFY=SUCCESS",
                                "<t@hop.test> NOTIFY=SUCCESS,FAILURE"])
        raw = world.report_about(word)
    _, _, _, blocks = parse(raw)
    assert list(status_of(blocks)) == ["t@hop.test"]


def returned_part(world):
    """RET=HDRS: the header only; else the message, at most 64 KiB."""
    for mail, whole in ((" RET=HDRS", False), (" RET=FULL", True),
                        ("", True)):
        word = world.unique("ret-")
        body = (f"Subject: {word}\r\n\r\n" + "bodyline\r\n" * 20).encode()
        with Refusing(world, "DATA", f"554 5.7.1 no {word}"):
            send_with(world, word, ["<r@hop.test>"], mail=mail, body=body)
            raw = world.report_about(word)
        parts = parse(raw)[1]
        kind = parts[2].get_content_type()
        if mail == " RET=HDRS":
            assert kind == "text/rfc822-headers", kind
        assert (b"bodyline" in raw) == whole or mail == "", mail
    word = world.unique("ret-")
    body = (f"Subject: {word}\r\n\r\n" + "z" * 70 + "\r\n").encode() + \
        b"y" * 70 + b"\r\n" * 1 + (b"x" * 70 + b"\r\n") * 40000
    with Refusing(world, "DATA", f"554 5.7.1 no {word}"):
        send_with(world, word, ["<r@hop.test>"], mail=" RET=FULL",
                  body=body)
        raw = world.report_about(word)
    parse(raw)
    assert len(raw) < 200000, len(raw)


def eight_bit_missing(world):
    """A peer without 8BITMIME, without SMTPUTF8: what the report says."""
    word = world.unique("8bit-")
    body = f"Subject: {word}\r\n\r\ncaf\xe9\r\n".encode("latin-1")
    send_with(world, word, ["<r@bare.test>"], body=body)
    raw = world.report_about(word)
    block = status_of(parse(raw)[3])["r@bare.test"]
    assert block["Status"] == "5.6.3", block.as_string()
    word = world.unique("utf8-")
    send_with(world, word, ["<ä@bare.test>"], mail=" SMTPUTF8")
    raw = world.service.wait_for(lambda: [
        r for r in world.reports() if word.encode() in r])[0]
    assert b"5.6.7" in raw, raw[:3000]


def injection(world):
    """Words of a remote host with line ends, boundaries, 8-bit: the report
    stays what it is."""
    for reply in ("550-one\r\n550-Content-Type: text/html\r\n550 --x",
                  "550 5.1.1 caf\xe9 \u202e evil", "550 " + "w" * 1500,
                  "550 5.1.1 =?utf-8?q?=0a?= Subject: x",
                  "550 5.1.1 \x1b[31mred\tTab"):
        word = world.unique("inject-")
        with Refusing(world, "RCPT", reply + " " + word
                      if len(reply) < 1000 else reply):
            send_with(world, word, ["<r@hop.test> ORCPT=rfc822;"
                                    "o+22+3E@x.test"],
                      mail=f" ENVID={word}+3Bx")
            raw = world.service.wait_for(lambda: [
                r for r in world.reports()
                if f"Original-Envelope-Id: {word}".encode() in r
                or (word + "+3Bx").encode() in r])[0]
        message, _, about, blocks = parse(raw)
        assert len(blocks) == 1
        assert not [b for b in raw if b < 32 and b not in (9, 10, 13)]


def tests(world, results):
    for stage, reply, status in (
            ("MAIL", "550 5.7.1 sender refused", "5.7.1"),
            ("RCPT", "550 5.1.1 unknown user", "5.1.1"),
            ("RCPT", "553 no code here", "5.0.0"),
            ("DATA", "554 5.6.0 no data", "5.6.0"),
            ("dot", "552 5.2.3 too big for us", "5.2.3")):
        with results.test(f"5yz at {stage}: {reply}"):
            refused(world, stage, reply, status)
    for f in (mixed, null_sender, never_to_a_stranger, w11_success,
              w11_passed_on, notify_never, returned_part, eight_bit_missing,
              injection):
        with results.test(f"report {f.__name__}"):
            f(world)
