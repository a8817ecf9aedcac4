"""RELIABILITY 2.5: forty forms of asking for relaying that is not due
(tests/relay_forms.h), by four identities, on every port, in clear and under
TLS, also after RSET: never a 354, nothing arrives, one reply a command."""
import base64
import os
import re
import ssl
import subprocess
from concurrent.futures import ThreadPoolExecutor

from postrider import Client, TOP
from world import REGISTERED, STRANGER

NAMES = {"{R}": "foreign.test", "{L}": "relay.test", "{I}": "127.0.0.1",
         "{V}": "registered.example", "{U}": "regist\u0435red.example"}
TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"')
IDENTITIES = ("stranger", "stranger naming V", "listed, sender not allowed",
              "after failed AUTH")


def unescape(text):
    return text.encode().decode("unicode_escape")


def load():
    """number, kind, lines: as the C tests read them."""
    text = open(os.path.join(TOP, "tests", "relay_forms.h")).read()
    text = text[text.index("relay_forms[] = {"):]
    forms = []
    for m in re.finditer(
            r'RELAY_FORM\((\d+),((?:\s*"(?:[^"\\]|\\.)*",?)+)\s*\)|'
            r'\{ (\d+), (RELAY_\w+), \{((?:\s*"(?:[^"\\]|\\.)*",?)+)\s*\}',
            text):
        words = [unescape(w) for w in TOKEN.findall(m[2] or m[5])]
        if m[1]:
            forms.append((int(m[1]), "RELAY_LINES", [
                "MAIL FROM:" + words[0], "RCPT TO:" + words[1], "DATA"]))
        else:
            forms.append((int(m[3]), m[4], words))
    assert [f[0] for f in forms] == list(range(1, 41)), len(forms)
    return forms


def fill(line):
    for name, value in NAMES.items():
        line = line.replace(name, value)
    return line


def client_certificate(where):
    path = os.path.join(where, "client.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
         f"/CN={NAMES['{V}']}", "-keyout", path, "-out", path + ".crt"],
        check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.load_cert_chain(path + ".crt", path)
    return context


class Try:
    """One form by one identity over one way in."""

    def __init__(self, world, form, identity, way, certificate):
        self.world, self.identity = world, identity
        self.number, self.kind, self.lines = form
        self.port, self.tls, self.starttls, self.reset = way
        self.certificate = certificate

    def wrap(self, c):
        if self.kind == "RELAY_CERTIFICATE":
            c.sock = self.certificate.wrap_socket(
                c.sock, server_hostname="relay.test")
        else:
            c.start_tls_now()

    def open(self):
        source = REGISTERED if self.identity == 2 else STRANGER
        c = Client(self.port, source=source)
        if self.tls:
            self.wrap(c)
        name = NAMES["{V}"] if self.identity == 1 else "client.test"
        assert c.reply()[0] == 220
        if self.kind == "RELAY_FIRST":
            c.send(fill(self.lines[0]) + "\r\n")
            assert c.rest() == b""
            return None
        assert c.code(f"EHLO {name}") == 250
        if self.starttls:
            assert c.code("STARTTLS") == 220
            self.wrap(c)
            assert c.code(f"EHLO {name}") == 250
        if self.identity == 3:
            word = base64.b64encode(b"\0u@registered.example\0wrong")
            assert c.code(b"AUTH PLAIN " + word + b"\r\n") in (535, 538)
            assert c.code("AUTH LOGIN") in (334, 538)
            if self.tls or self.starttls:
                assert c.code("*") == 501
        return c

    def say(self, c):
        lines = [fill(x) for x in self.lines]
        if self.kind == "RELAY_BDAT":
            c.send("\r\n".join(lines) + "\r\n")
            replies = 3
        elif self.kind == "RELAY_PIPELINED":
            c.send("\r\n".join(lines) + "\r\n")
            replies = len(lines)
        else:
            replies = 0
            for line in lines:
                code, text = c.cmd(line)
                assert code != 354, (line, text)
            assert code >= 400, text
        codes = c.codes(replies)
        assert 354 not in codes, codes
        assert not codes or codes[-1] >= 400, codes

    def run(self):
        c = self.open()
        if c is None:
            return
        try:
            self.say(c)
            if self.reset:
                assert c.code("RSET") == 250
                self.say(c)
            else:
                assert c.code("NOOP") == 250
        finally:
            c.close()


def ways(service):
    """port, implicit TLS, STARTTLS, once more after RSET"""
    return [(service.port, False, False, True),
            (service.port, False, True, False),
            (service.port587, False, False, False),
            (service.port587, False, True, True),
            (service.port465, True, False, True)]


def tests(world, results):
    with results.test("forty forms are read"):
        forms = load()
    before = len(world.service.captured("foreign"))
    certificate = client_certificate(world.service.dir)

    def one(form, identity):
        for way in ways(world.service):
            if form[1] == "RELAY_CERTIFICATE" and not (way[1] or way[2]):
                continue
            Try(world, form, identity, way, certificate).run()
    with ThreadPoolExecutor(4) as pool:
        jobs = [(f, i, pool.submit(one, f, i)) for f in forms
                for i in range(4)]
        for form, identity, job in jobs:
            with results.test(f"form {form[0]}, {IDENTITIES[identity]}"):
                job.result()
    with results.test("nothing was relayed"):
        assert len(world.service.captured("foreign")) == before
        assert world.service.rows("queue", "list") == [] or all(
            "foreign" not in str(r) for r in
            world.service.rows("queue", "list"))
