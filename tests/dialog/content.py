"""What goes in comes out: trace fields on top, then the same octets
(11.8); header bounds (14); big messages; nothing forged in the log (L1)."""
import hashlib
import json
import random
import re

from postrider import fields, without_trace
from world import EXAMPLE

LINES = [
    b"", b"x", b".", b"..", b".x", b"x.", b"\t", b" trailing ", b"\0",
    b"\xff\xfe\xfd", bytes(b for b in range(256) if b not in (10, 13)),
    b"y" * 998, b"y" * 999, b"y" * 1000, b"y" * 70000,
    b"From someone", b">From", b"MAIL FROM:<x@y>", b"QUIT", b"RSET",
    "日本語".encode("iso2022_jp"), "日本語".encode("shift_jis"),
    "日本語".encode(),
]


def bodies():
    yield "all lines", b"\r\n".join(LINES) + b"\r\n"
    yield "empty body", b""
    yield "only dots", b".\r\n" * 3 + b"..\r\n.\r\n"
    yield "dot lines at 4 KiB", (b"." + b"z" * 4092 + b"\r\n") * 6
    yield "empty lines", b"\r\n" * 5000
    rng = random.Random(7)
    noise = bytes(rng.randrange(256) for _ in range(100000))
    yield "noise", re.sub(rb"[\r\n]+", b"\r\n", noise) + b"\r\n"


def from_sink(world, name, word):
    sink = world.sinks[name]
    return world.service.wait_for(lambda: [
        m for m in sink.messages if word.encode() in m["body"][:2000]], 30)[0]


def same_octets(world):
    for name, text in bodies():
        for tls in (False, True):
            word = world.unique("same-")
            head = f"Subject: {word}\r\nFrom: a@mainly.example\r\n\r\n"
            body = head.encode() + text
            port = world.service.port465 if tls else world.service.port
            with world.client(port=port, tls=tls) as c:
                code, reply = c.message(
                    "a@mainly.example", ["r@sink.test", "r@chunking.test",
                                         "r@maildir.test"], body)
                assert code == 250, (name, reply)
            for sink in ("sink", "chunking"):
                got = from_sink(world, sink, word)["body"]
                assert without_trace(got) == body, (name, sink)
            got = world.service.wait_for(lambda: [
                m for m in world.service.captured()
                if word.encode() in m[:2000]])[0]
            assert without_trace(got) == body, name


def bdat_without_final_line_end(world):
    """A hop with CHUNKING gets the same octets; DATA ends the last line."""
    word = world.unique("nofinal-")
    body = f"Subject: {word}\r\n\r\nlast line".encode()
    with world.client() as c:
        assert c.bdat_message("a@mainly.example",
                              ["r@sink.test", "r@chunking.test"],
                              body)[0] == 250
    assert without_trace(from_sink(world, "sink", word)["body"]) == \
        body + b"\r\n"
    got = from_sink(world, "chunking", word)
    assert without_trace(got["body"]) in (body, body + b"\r\n")


def received_field(world):
    """The form that RFC 5321 4.4 gives, no more than one."""
    for tls, starttls in ((False, False), (False, True), (True, False)):
        word = world.unique("trace-")
        port = world.service.port465 if tls else world.service.port
        with world.client(port=port, tls=tls, starttls=starttls,
                          hello="mail.mainly.example") as c:
            reply = c.message("a@mainly.example", ["r@sink.test"],
                              f"Subject: {word}\r\n\r\n")[1]
        number = reply.split()[-1]
        got = from_sink(world, "sink", word)["body"]
        received = [v for n, v in fields(got) if n == "Received"]
        assert len(received) == 1
        kind = "ESMTPS" if tls or starttls else "ESMTP"
        form = (r"from mail\.mainly\.example \(\[127\.0\.0\.1\]\) by "
                r"relay\.test \(Postrider\) with " + kind + " id " + number
                + (r" \(TLSv1\.[23] \S+ \d+ bits\)" if kind == "ESMTPS"
                   else "") +
                r" for <r@sink\.test>; \w{3}, \d\d? \w{3} \d{4} "
                r"\d\d:\d\d:\d\d \+0000")
        assert re.fullmatch(form, received[0]), received[0]
    word = world.unique("trace-")
    with world.client() as c:
        assert c.message("a@mainly.example", ["r@sink.test", "s@sink.test"],
                         f"Subject: {word}\r\n\r\n")[0] == 250
    got = from_sink(world, "sink", word)["body"]
    assert " for <" not in dict(fields(got))["Received"]


def header_bounds(world):
    def code(text):
        with world.client() as c:
            got, reply = c.message("a@mainly.example", ["r@maildir.test"],
                                   text)
            return got, reply
    two = "From: a@x.test\r\nFrom: b@x.test\r\n\r\n"
    assert code(two)[0] == 550 and "5.6.0" in code(two)[1]
    assert code("X: " + "y" * 270000 + "\r\n\r\nz")[0] == 552
    assert code("X: y\r\n" * 2001 + "\r\nz")[0] == 552
    hops = "Received: from a by b; now\r\n"
    assert code(hops * 100 + "\r\n")[0] == 250
    got, reply = code(hops * 101 + "\r\n")
    assert got == 554 and "5.4.6" in reply, reply
    own = "Received: from a by relay.test (Postrider) id x; now\r\n"
    assert code(own * 2 + "\r\n")[0] == 250
    assert code(own * 3 + "\r\n")[0] == 554
    assert code("\r\nno header")[0] == 250
    assert code("no header at all")[0] == 250
    assert code("From: a@x.test\r\n\r\nFrom: b@x.test\r\n")[0] == 250


def big_message(world, megabytes, by_bdat):
    word = world.unique("big-")
    rng = random.Random(megabytes)
    block = b"".join(bytes(rng.choices(b"abcdefgh.XYZ \xe9", k=76)) + b"\r\n"
                     for _ in range(1000))
    body = f"Subject: {word}\r\n\r\n".encode() + \
        block * (megabytes * 1048576 // len(block))
    recipients = ["r@sink.test", "r@chunking.test", "r@maildir.test"]
    with world.client() as c:
        if by_bdat:
            parts = [body[i:i + 1000000]
                     for i in range(0, len(body), 1000000)]
            got, text = c.bdat_message("a@mainly.example", recipients, *parts,
                                       parameters=f" SIZE={len(body)}")
        else:
            got, text = c.message("a@mainly.example", recipients, body)
        assert got == 250, text
    want = hashlib.sha256(body).digest()
    for name in ("sink", "chunking"):
        out = without_trace(from_sink(world, name, word)["body"])
        assert hashlib.sha256(out).digest() == want, (name, len(out))
    out = world.service.wait_for(lambda: [
        m for m in world.service.captured() if word.encode() in m[:2000]],
        30)[0]
    assert hashlib.sha256(without_trace(out)).digest() == want


def l1_log_lines(world):
    """One event, one line of JSON, whatever strangers say."""
    nasty = ["a\"b{}\\", "%s%n%x", "x" * 200, "[\u202eevil]", "<script>",
             "','\"}{\"level\":\"error"]
    with world.client(EXAMPLE) as c:
        for text in nasty:
            if text.isascii():
                c.cmd(f"EHLO {text.replace(' ', '')}")
            c.send(f"MAIL FROM:<{text}@mainly.example> SMTPUTF8\r\n")
            c.reply()
            c.code("RSET")
            c.send(f"MAIL FROM:<a@{text}> SMTPUTF8\r\n".encode())
            c.reply()
            c.code("RSET")
            c.message("a@mainly.example", ["r@maildir.test"], "x: y\r\n")
        c.send(b"NOOP \x1b[31m\0\r\n")
        c.reply()
    with open(world.service.log_path, "rb") as f:
        for line in f.read().split(b"\n"):
            assert len(line) <= 8192
            if line.startswith(b"{"):
                json.loads(line)
            assert not re.search(rb"[\0-\x08\x0b-\x1f]", line), line


def tests(world, results):
    with results.test("11.8 the same octets"):
        same_octets(world)
    with results.test("11.8 BDAT without a final line end"):
        bdat_without_final_line_end(world)
    with results.test("Received: field"):
        received_field(world)
    with results.test("header bounds"):
        header_bounds(world)
    with results.test("5 MB by DATA"):
        big_message(world, 5, False)
    with results.test("20 MB by BDAT"):
        big_message(world, 20, True)
    with results.test("L1"):
        l1_log_lines(world)
