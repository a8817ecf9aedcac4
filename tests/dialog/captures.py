"""Replays the client side of recorded sessions of real programs (Postfix,
Sendmail, Exim, notqmail, msmtp, curl, smtplib), one write as one write. The
senders' domain stands for a customer here. Long writes are cut in the record
("..."): what is missing is made up, with the size that was announced."""
import os
import re

from postrider import Client, SHARED
from world import EXAMPLE

FILE = os.path.join(SHARED, "spec", "wire-captures.txt")
LINE = re.compile(r"^\[(\d+)\] (C>|S<|\*\*) (.*)$")
VERBS = (b"EHLO", b"HELO", b"MAIL", b"RCPT", b"DATA", b"RSET", b"QUIT",
         b"NOOP", b"AUTH", b"STARTTLS", b"BDAT")
CUSTOMER = b"mainly.example"


def unescape(text):
    return re.sub(rb"\\x([0-9a-f]{2})|\\([rnt\\'\"])", lambda m:
                  bytes([int(m[1], 16)]) if m[1] else
                  {b"r": b"\r", b"n": b"\n", b"t": b"\t"}.get(m[2], m[2]),
                  text.encode())


def sessions():
    """title, list of ("C", bytes) and ("TLS",)"""
    title, current, number, out = "", [], None, []
    for line in open(FILE, encoding="utf-8"):
        m = LINE.match(line.rstrip("\n"))
        if not m:
            if line.startswith("#"):
                title = line.strip("# \n")
            current, number = [], None
            continue
        if m[1] != number:
            current = []
            out.append((title, current))
            number = m[1]
        if m[2] == "C>":
            current.append(("C", unescape(m[3])))
        elif m[2] == "**" and m[3].startswith("TLS"):
            current.append(("TLS", b""))
    return [s for s in out if any(kind == "C" for kind, _ in s[1])]


class Replay:
    def __init__(self, world, steps):
        self.world, self.steps = world, steps
        self.c = Client(world.service.port, source=EXAMPLE)
        self.in_data = False
        self.codes = [self.c.reply()[0]]

    def here(self, data):
        """Names of this service in the place of the recorded ones."""
        data = data.replace(b"example.jp", CUSTOMER)
        data = data.replace(b"dest.example", b"maildir.test")
        return data.replace(b"other.example", b"maildir.test")

    def whole(self, data):
        """A chunk that the record cut short gets its size."""
        m = re.search(rb"BDAT (\d+) LAST\r\n", data)
        if not m:
            return data
        body, size = data[m.end():], int(m[1])
        tail = b"QUIT\r\n" if body.endswith(b"QUIT\r\n") else b""
        body = body[:len(body) - len(tail)][:size]
        return data[:m.end()] + body + b"x" * (size - len(body)) + tail

    def expected(self, data):
        """How many replies these bytes call for, as far as they are
        commands."""
        n, rest = 0, data
        while rest:
            if self.in_data:
                at = (b"\r\n" + rest).find(b"\r\n.\r\n")
                if at < 0:
                    return n
                rest = rest[at + 3:]
                self.in_data = False
                n += 1
                continue
            line, _, rest = rest.partition(b"\r\n")
            words = line.upper().split()
            n += 1
            if words and words[0] == b"BDAT":
                rest = rest[int(words[1]):]
            elif words == [b"DATA"]:
                # 354 or a refusal: which, the reply says
                return n
        return n

    def send(self, data):
        self.c.send(data)
        for _ in range(self.expected(data)):
            self.codes.append(self.c.reply()[0])
        if self.codes[-1] == 354:
            self.in_data = True

    def body(self, data, later):
        """A piece of a body; with its end, if the record lost that."""
        if b"\r\n.\r\n" in b"\r\n" + data:
            return data
        if not data.endswith(b"\r\n"):
            data = data.rstrip(b".") + b"\r\n"
        if not later:
            return data + b".\r\nQUIT\r\n"
        verb = later[0].split(b" ")[0].strip().upper()
        return data + b".\r\n" if verb in VERBS else data

    def run(self):
        for i, (kind, data) in enumerate(self.steps):
            if kind == "TLS":
                self.c.start_tls_now()
                continue
            data = self.whole(self.here(data))
            if self.in_data:
                data = self.body(data, [d for k, d in self.steps[i + 1:]
                                        if k == "C"])
            self.send(data)
        return self.codes


def tests(world, results):
    if not os.path.exists(FILE):
        results.skip("captures", "the recorded sessions are not here")
        return
    seen = {}
    for title, steps in sessions():
        seen[title] = seen.get(title, 0) + 1
        with results.test(f"capture {title} [{seen[title]}]"):
            with_login = any(d.upper().startswith(b"AUTH") for _, d in steps)
            null = any(b"FROM:<>" in d.upper() for _, d in steps)
            codes = Replay(world, steps).run()
            bad = [c for c in codes if c >= 400]
            if with_login:
                assert set(bad) <= {535}, codes
            elif null:
                assert set(bad) <= {452}, codes
            else:
                assert not bad, codes
            assert codes[-1] in (221, 354) or not any(
                d.upper().endswith(b"QUIT\r\n") for _, d in steps), codes
