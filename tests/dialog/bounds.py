"""The table of default limits (RELIABILITY 4.8): each bound at n-1, n and
n+1. Those of connections, names and logins by the minute are in budgets.py,
of addresses in addresses.py, of remote replies in tests/unit/smtp, of waits
over two seconds in tests/sim and tests/unit/receive/test_pace.c."""
import base64
import json
import time

from postrider import Client, Service, Sink, check_memory_reports
from world import EXAMPLE, STRANGER, customer

DIRECTORY = "customers:\n" + customer("mainly", EXAMPLE) + \
    customer("auth", auth=True)
SMALL = """limits: { message_size: 65536, oversize_read: 2, recipients: 100,
recipients_overshoot: 5, connections_total: 10, connections_address: 6,
connections_address_stranger: 4, greeting_ms: 1000, tls_handshake_ms: 1000,
attempt_ms: 1200, log_rate_stranger: 2, log_rate: 4 }""".replace("\n", " ")


def known(service, **kw):
    c = Client(service.port, source=EXAMPLE, **kw)
    c.hello("mail.mainly.example")
    return c


def stranger(service):
    c = Client(service.port, source=STRANGER)
    c.hello("stranger.example")
    return c


def around(n, ok, over, said):
    """said(k) → code: ok at n-1 and n, over at n+1."""
    got = [said(n - 1), said(n), said(n + 1)]
    assert got == [ok, ok, over], (n, got)


# --- lines --------------------------------------------------------------------

def b_command_line(service):
    """4,096 octets with CRLF; a longer one is refused once, as a whole."""
    with known(service) as c:
        around(4096, 250, 500,
               lambda n: c.code("NOOP " + "x" * (n - len("NOOP \r\n"))))
        assert c.quiet()
        assert c.code("NOOP") == 250


def b_auth_line(service):
    """12,288 octets of base64, CRLF not counted (RFC 4954 4)."""
    def said(n):
        with Client(service.port, source=STRANGER) as c:
            c.hello("auth.example")
            c.starttls("auth.example")
            assert c.code("AUTH PLAIN") == 334
            c.sock.sendall(b"A" * n + b"\r\n")
            code, text = c.reply()
            return "5.5.6" in text
    assert [said(n) for n in (12287, 12288, 12289)] == [False, False, True]


# --- counts -------------------------------------------------------------------

def answered(c, text, most=400):
    """How many times the command is answered before 421 and the end."""
    for n in range(most):
        if c.code(text) == 421:
            assert c.at_end()
            return n
    return most


def b_errors(service):
    with stranger(service) as c:
        assert answered(c, "RCPT TO:<a@b.example>") == 10
    with known(service) as c:
        assert c.code("MAIL FROM:<u@mainly.example>") == 250
        assert answered(c, "MAIL FROM:<u@mainly.example>") == 20


def b_commands_without_progress(service):
    with stranger(service) as c:
        assert answered(c, "NOOP") == 50
    with known(service) as c:
        assert c.code("MAIL FROM:<u@mainly.example>") == 250
        assert answered(c, "NOOP") == 100


def b_failed_logins(service):
    word = base64.b64encode(b"\0u@auth.example\0wrong").decode()
    with Client(service.port, source=STRANGER) as c:
        c.hello("auth.example")
        c.starttls("auth.example")
        codes = [c.code(f"AUTH PLAIN {word}") for _ in range(3)]
        assert codes == [535] * 3, codes
        assert c.code(f"AUTH PLAIN {word}") == 421
        assert c.at_end()


def b_recipients(service):
    with known(service) as c:
        assert c.code("MAIL FROM:<u@mainly.example>") == 250
        codes = [c.code(f"RCPT TO:<r{i}@maildir.test>") for i in range(106)]
        assert codes == [250] * 100 + [452] * 5 + [421], codes[98:]
        assert c.at_end()


# --- messages -----------------------------------------------------------------

def by_data(service, message, parameters=""):
    """Code of MAIL, or of the final reply."""
    with known(service) as c:
        code = c.code(f"MAIL FROM:<u@mainly.example>{parameters}")
        if code != 250:
            return code
        assert c.code("RCPT TO:<r@maildir.test>") == 250
        if message is None:
            return code
        assert c.code("DATA") == 354
        c.send(message + b".\r\n")
        return c.reply()[0]


def sized(n):
    head = b"Subject: sized\r\n\r\n"
    rest = n - len(head)
    lines = b"".join(b"x" * 62 + b"\r\n" for _ in range(rest // 64 - 1))
    return head + lines + b"x" * (rest - len(lines) - 2) + b"\r\n"


def b_message_size(service):
    around(65536, 250, 552, lambda n: by_data(service, None, f" SIZE={n}"))
    around(65536, 250, 552, lambda n: by_data(service, sized(n)))


def b_what_is_read_beyond_the_size(service):
    """Twice the size is read, then 552 and the end."""
    with known(service) as c:
        c.send("MAIL FROM:<u@mainly.example>\r\nRCPT TO:<r@maildir.test>\r\n"
               "DATA\r\n")
        c.expect(250, 250, 354)
        c.send(sized(2 * 65536))
        assert c.quiet()
        c.send(b"x" * 100 + b"\r\n")
        assert c.reply()[0] == 552
        assert c.at_end()


def b_header_section(service):
    """With the empty line behind it."""
    def header(n):
        line = b"X-Long: " + b"x" * 990 + b"\r\n"
        out = line * (n // len(line) - 1)
        out += b"X-Last: " + b"y" * (n - len(out) - 12) + b"\r\n\r\n"
        assert len(out) == n
        return out + b"body\r\n"
    around(262144, 250, 552, lambda n: by_data(service, header(n)))


def b_header_fields(service):
    around(2000, 250, 552, lambda n: by_data(
        service, b"X-F: v\r\n" * n + b"\r\nbody\r\n"))


def b_received_fields(service):
    line = b"Received: from a by b; Tue, 24 Nov 2026 00:00:00 +0000\r\n"
    around(100, 250, 554, lambda n: by_data(
        service, line * n + b"Subject: x\r\n\r\nbody\r\n"))


def b_own_received_fields(service):
    """Three of our own in the trace: a loop."""
    line = b"Received: from a by relay.test; Tue, 24 Nov 2026 00:00:00 " \
        b"+0000\r\n"
    around(2, 250, 554, lambda n: by_data(
        service, line * n + b"Subject: x\r\n\r\nbody\r\n"))


# --- connections --------------------------------------------------------------

def greeted(service, sources):
    """Codes with which so many connections at once are greeted."""
    clients = []
    try:
        for source in sources:
            c = Client(service.port, source=source)
            clients.append(c)
            yield c.reply()[0]
    finally:
        for c in clients:
            c.close()


def settled(service):
    """All connections are gone."""
    service.wait_for(lambda: service.metrics().get(
        "postrider_sessions_open", 0) == 0)


def b_connections_of_an_address(service):
    settled(service)
    assert list(greeted(service, [STRANGER] * 5)) == [220] * 4 + [421]
    settled(service)
    assert list(greeted(service, [EXAMPLE] * 7)) == [220] * 6 + [421]
    settled(service)


def b_connections_in_all(service):
    settled(service)
    sources = [EXAMPLE] * 6 + [STRANGER] * 4 + ["127.0.0.22"]
    assert list(greeted(service, sources)) == [220] * 10 + [421]
    settled(service)


# --- waits --------------------------------------------------------------------

def ends_after(c):
    begun = time.monotonic()
    said = c.rest()
    return time.monotonic() - begun, said


def b_first_command(service):
    with Client(service.port, source=EXAMPLE) as c:
        assert c.reply()[0] == 220
        took, said = ends_after(c)
        assert said.startswith(b"421 4.4.2"), said
        assert 0.8 < took < 10, took


def b_handshake(service):
    with Client(service.port, source=EXAMPLE) as c:
        c.hello("mail.mainly.example")
        assert c.code("STARTTLS") == 220
        c.send(b"\x16\x03\x01\x02\x00")
        took, said = ends_after(c)
        assert 0.8 < took < 10 and b"421" not in said, (took, said)


def told(service, source):
    """Of its failed handshakes: lines in the log, and how many were left
    out."""
    lines = left_out = 0
    with open(service.log_path, errors="replace") as f:
        whole = f.read().split("\n")[:-1]      # the last one may be cut
    for line in whole:
        # The link to sign in by is no line of the log.
        mine = source in line and line.startswith("{")
        e = json.loads(line) if mine else {}
        if e.get("event") == "receive.tls_failed":
            lines += 1
        elif e.get("event") == "log.left_out":
            left_out += e["lines"]
    return lines, left_out


def b_log_lines(service):
    """Of one client's lines a second; the rest is counted, and told by a line
    of its own (how many exactly: tests/unit/receive/test_log_sources.c)."""
    for source in (STRANGER, EXAMPLE):
        before = sum(told(service, source))
        for _ in range(40):
            with Client(service.port, source=source) as c:
                c.hello()
                assert c.code("STARTTLS") == 220
                c.send(b"no handshake\r\n\r\n")
                c.rest()
        service.wait_for(
            lambda: sum(told(service, source)) == before + 40, 5)
        assert told(service, source)[1] > 0


def b_attempt(service):
    """A host that says a little all the time: the attempt has an end."""
    with known(service) as c:
        assert c.message("u@mainly.example", ["r@drip.test"],
                         "Subject: drip\r\n\r\nx\r\n")[0] == 250

    def told():
        rows = [r for m in service.rows("queue", "list")
                for r in m["recipients"] if r["to"] == "r@drip.test"]
        return [r for r in rows if r["tries"] and "took too long in all" in
                (r["reply"] or "")]
    service.wait_for(told)


class Drip(Sink):
    """A greeting without end."""

    def serve(self, s, number):
        try:
            while True:
                s.sendall(b"220-wait\r\n")
                time.sleep(0.2)
        except OSError:
            s.close()


DEFAULTS = [b_command_line, b_auth_line, b_errors,
            b_commands_without_progress, b_failed_logins, b_header_section,
            b_header_fields, b_received_fields, b_own_received_fields]
SMALLS = [b_recipients, b_message_size, b_what_is_read_beyond_the_size,
          b_connections_of_an_address, b_connections_in_all, b_first_command,
          b_handshake, b_log_lines, b_attempt]


def run(results, functions, drip, limits=""):
    routes = "".join("    - { %s }\n" % r for r in (
        'domain: "maildir.test", maildir: "capture/"',
        f'domain: "drip.test", smart_host: "127.0.0.1:{drip.port}"'))
    with Service(routes=routes, directory=DIRECTORY, limits=limits) as service:
        service.start()
        for f in functions:
            with results.test(f.__name__):
                f(service)
        with results.test("stops in order"):
            assert service.stop() == 0
        check_memory_reports(service, results)


def tests(_, results):
    with Drip() as drip:
        run(results, DEFAULTS, drip)
        run(results, SMALLS, drip, SMALL)
