"""V1–V24 of RELIABILITY 2.1: in DATA and in BDAT, plain and under TLS, whole,
octet by octet, cut in two at each octet of the variant, and across the edges
of buffers. Exactly one reply, to the real end; what was smuggled is never a
message; the wire out has no CR or LF outside CRLF (every sink's message is
looked at)."""
import re
import threading
import time

from world import EXAMPLE, NORMALISE

SMUGGLED = (b"MAIL FROM:<smuggled@mainly.example>\r\n"
            b"RCPT TO:<smuggled@sink.test>\r\nDATA\r\n"
            b"Subject: smuggled\r\n\r\nx")
HEAD = b"Subject: %s\r\n\r\n"
END = b"\r\n.\r\n"
# number, octets, taken by a strict customer, by a normalising one
VARIANTS = [
    ("V1", b"\n.\n", False, False),
    ("V2", b"\n.\r", False, False),
    ("V3", b"\r.\n", False, False),
    ("V4", b"\r.\r", False, False),
    ("V5", b"\n.\r\n", False, False),
    ("V6", b"\r.\r\n", False, False),
    ("V7", b"\n\n.\n\n", False, False),
    ("V8", b"\r\r.\r\r", False, False),
    ("V9", b"\r\n.\r\r\n", False, False),
    ("V10", b"\r\r\n.\r\r\n", False, False),
    ("V11", b"\r\n\x00.\r\n", True, True),
    ("V12", b"\r\n.\n", False, False),
    ("V13", b"\r\n.\r", False, False),
    ("V14", b"\r\n.\x00\r\n", True, True),
    ("V15", b"\n.\r\r\n", False, False),
    ("V17", b"\r\n.\r\x00\n", False, False),
    ("V18a", b"\r\n .\r\n", True, True),
    ("V18b", b"\r\n. \r\n", True, True),
    ("V18c", b"\r\n.\t\r\n", True, True),
    ("V19", b"\x8d\x8a.\x8d\x8a", True, True),
    ("V20a", b"\x0b.\x0b", True, True),
    ("V20b", b"\x0c.\x0c", True, True),
    ("V20c", b"\xc2\x85.\xc2\x85", True, True),
    ("V20d", b"\xe2\x80\xa8.\xe2\x80\xa8", True, True),
    ("V21", b"\n\r.\n\r", False, False),
    ("V22", b"\r\n..\r\n", True, True),
]


def as_sent_in(body):
    """What DATA with these octets means: dots unstuffed by the rule."""
    return re.sub(rb"(^|\r\n)\.", rb"\1", body)


class Case:
    def __init__(self, world, number, variant, by_bdat, tls, source,
                 pad=b""):
        self.world, self.variant = world, variant
        self.by_bdat, self.tls, self.source = by_bdat, tls, source
        self.word = world.unique(number + "-").encode()
        self.body = (HEAD % self.word + pad + b"body" + variant + SMUGGLED)
        self.at = len(self.body) - len(SMUGGLED) - len(variant)

    def connect(self):
        w = self.world
        port = w.service.port465 if self.tls else w.service.port
        return w.client(self.source, port=port, tls=self.tls)

    def once(self, c, cuts):
        """One transaction, the body cut at these places; the code."""
        sender = "a@normalise.example" if self.source == NORMALISE else \
            "a@mainly.example"
        c.send(f"MAIL FROM:<{sender}>\r\nRCPT TO:<r@sink.test>\r\n")
        c.expect(250, 250)
        if self.by_bdat:
            c.send(b"BDAT %d LAST\r\n" % (len(self.body) + 2))
            rest = self.body + b"\r\n"
        else:
            assert c.code("DATA") == 354
            rest = self.body + END
        start = 0
        for cut, pause in cuts:
            c.send(rest[start:cut])
            start = cut
            if pause:
                time.sleep(pause)
        c.send(rest[start:])
        code, text = c.reply()
        if code == 550:
            assert "5.5.2 Bare <CR> or <LF>" in text, text
        assert c.cmd("NOOP")[0] == 250
        return code

    def check(self, taken, times):
        """What arrived at the sink: so many, the same bytes."""
        sink = self.world.sinks["sink"]
        if taken:
            self.world.service.wait_for(lambda: len(self.arrived()) >= times)
        for m in self.arrived():
            sent = self.body + b"\r\n"
            want = sent if self.by_bdat else as_sent_in(sent)
            assert m["body"].endswith(want), m["body"][-300:]
        assert taken or not self.arrived()
        assert not [m for m in sink.messages if b"smuggled@" in
                    (m["mail"] or "").encode()]

    def arrived(self):
        sink = self.world.sinks["sink"]
        with sink.lock:
            return [m for m in sink.messages
                    if b"Subject: " + self.word + b"\r" in m["body"]]


def one_variant(world, number, variant, strict, normalise):
    for source, taken in ((EXAMPLE, strict), (NORMALISE, normalise)):
        for tls in (False, True):
            case = Case(world, number, variant, False, tls, source)
            n = len(case.body) + len(END)
            window = range(case.at - 1, case.at + len(variant) + 2)
            with case.connect() as c:
                ways = [[], [(i, 0) for i in range(1, n)]]
                if source == EXAMPLE:
                    ways += [[(i, 0.002)] for i in window]
                for cuts in ways:
                    code = case.once(c, cuts)
                    assert code == (250 if taken else 550), (code, cuts[:2])
                case.check(taken, len(ways))


def one_variant_bdat(world, number, variant):
    """BDAT takes every octet as it is; a bare CR or LF never goes out in
    DATA, the sender gets a report instead (5.6.11)."""
    bare = re.search(rb"(?<!\r)\n|\r(?!\n)", variant)
    for tls in (False, True):
        case = Case(world, number + "B", variant, True, tls, EXAMPLE)
        n = len(case.body) + 2
        window = range(case.at - 1, case.at + len(variant) + 2)
        ways = [[], [(i, 0) for i in range(1, n)]]
        ways += [[(i, 0.002)] for i in window]
        with case.connect() as c:
            for cuts in ways:
                assert case.once(c, cuts) == 250
        if bare:
            report = world.report_about(case.word.decode())
            assert b"5.6.11" in report, report[:2000]
        case.check(not bare, len(ways))


def buffer_edges(world, tls):
    for number, variant, strict, _ in VARIANTS:
        for edge in (4096, 16384, 65536):
            pad = b"x" * 60 + b"\r\n"
            head = len(HEAD % b"x") + 12
            pad *= (edge - head) // len(pad)
            for by_bdat in (False, True):
                case = Case(world, number, variant, by_bdat, tls, EXAMPLE)
                fill = edge - case.at - len(pad) - 1
                case.body = case.body.replace(
                    b"\r\n\r\nbody", b"\r\n\r\n" + pad + b"z" * fill + b"body")
                case.at = case.body.index(b"body") + 4
                assert case.at == edge - 1
                with case.connect() as c:
                    taken = strict or by_bdat
                    assert case.once(c, []) == (250 if taken else 550)


def v16_slow_end(world, results):
    """CRLF.CRLF in two pieces, a second apart, is the end all the same."""
    codes = []

    def one(cut):
        with world.client() as c:
            c.send("MAIL FROM:<a@mainly.example>\r\n"
                   "RCPT TO:<r@maildir.test>\r\nDATA\r\n")
            c.expect(250, 250, 354)
            c.send(b"Subject: v16\r\n\r\nx" + END[:cut])
            time.sleep(1)
            assert c.quiet(0.01)
            c.send(END[cut:])
            codes.append(c.reply()[0])
    threads = [threading.Thread(target=one, args=(i,)) for i in range(1, 5)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert codes == [250] * 4, codes


def v23_first_line(world):
    with world.client() as c:
        c.send("MAIL FROM:<a@mainly.example>\r\nRCPT TO:<r@maildir.test>\r\n"
               "DATA\r\n")
        c.expect(250, 250, 354)
        c.send(b".\r\n")
        c.expect(250)
        c.send("MAIL FROM:<a@mainly.example>\r\nRCPT TO:<r@maildir.test>\r\n"
               "DATA\r\n")
        c.expect(250, 250, 354)
        c.send(b".\n")
        assert c.quiet()
        c.send(b"x\r\n.\r\n")
        c.expect(550)
        c.send(b"NOOP\r\n")
        c.expect(250)


def v24_true_end_behind_a_bare_one(world):
    for source, sender in ((EXAMPLE, "a@mainly.example"),
                           (NORMALISE, "a@normalise.example")):
        for end in (b"\r\r\n.\r\n", b"\n\r\n.\r\n"):
            for bytewise in (False, True):
                with world.client(source) as c:
                    c.send(f"MAIL FROM:<{sender}>\r\n"
                           "RCPT TO:<r@maildir.test>\r\nDATA\r\n")
                    c.expect(250, 250, 354)
                    body = b"Subject: v24\r\n\r\nx" + end
                    for piece in ([body[i:i + 1] for i in range(len(body))]
                                  if bytewise else [body]):
                        c.send(piece)
                    # a true end; a normalising customer's line end is mended
                    assert c.reply()[0] == (250 if source == NORMALISE
                                            else 550), end
                    assert c.code("NOOP") == 250


def chunk_ends_in_cr(world):
    """A chunk that ends in CR, the next one begins with LF."""
    word = world.unique("chunks-")
    body = f"Subject: {word}\r\n\r\na\r\n.\r\nb\r\n".encode()
    with world.client() as c:
        for i in range(1, len(body)):
            assert c.bdat_message("a@mainly.example", ["r@sink.test"],
                                  body[:i], body[i:])[0] == 250
    sink = world.sinks["sink"]
    got = world.service.wait_for(lambda: [
        m for m in sink.messages if m["body"].endswith(body)]
        if sum(m["body"].endswith(body) for m in sink.messages) ==
        len(body) - 1 else None)
    assert len(got) == len(body) - 1


def wire_is_strict(world):
    for name, sink in world.sinks.items():
        for m in sink.messages:
            if m["by"] != "DATA":
                continue
            bare = re.search(rb"(?<!\r)\n|\r(?!\n)", m["body"])
            assert not bare, (name, m["body"][:400])


def tests(world, results):
    for number, variant, strict, normalise in VARIANTS:
        with results.test(f"{number} DATA"):
            one_variant(world, number, variant, strict, normalise)
    for number, variant, *_ in VARIANTS:
        with results.test(f"{number} BDAT"):
            one_variant_bdat(world, number, variant)
    with results.test("V16"):
        v16_slow_end(world, results)
    with results.test("V23"):
        v23_first_line(world)
    with results.test("V24"):
        v24_true_end_behind_a_bare_one(world)
    with results.test("buffer edges, plain"):
        buffer_edges(world, False)
    with results.test("buffer edges, TLS"):
        buffer_edges(world, True)
    with results.test("chunk ends in CR"):
        chunk_ends_in_cr(world)
    with results.test("no CR or LF outside CRLF went out"):
        wire_is_strict(world)
