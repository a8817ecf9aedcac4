"""SPEC 1.4: listeners for proxies, by PROXY v2 and by XCLIENT. A service of its own, with a listener for
each case; 127.0.3.1 is the proxy, addresses of clients are said in headers."""
import socket
import ssl
import struct
import time

from postrider import Client, Service, check_memory_reports, free_port
from world import World, customer

PROXY, OTHER = "127.0.3.1", "127.0.3.2"
LISTED, FOREIGN = "127.0.0.77", "198.51.100.9"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def header(client=FOREIGN, command=0x21, family=None, body=None, more=b""):
    v6 = ":" in client
    family = family if family is not None else 0x21 if v6 else 0x11
    if body is None:
        kind = socket.AF_INET6 if v6 else socket.AF_INET
        body = socket.inet_pton(kind, client) + socket.inet_pton(
            kind, "2001:db8::25" if v6 else "203.0.113.25") + \
            struct.pack(">HH", 40000, 25)
    body += more
    return SIGNATURE + bytes([command, family]) + \
        struct.pack(">H", len(body)) + body


def connect(port, first=b"", source=PROXY):
    s = socket.create_connection(("127.0.0.1", port), timeout=10,
                                 source_address=(source, 0))
    s.sendall(first)
    return s


def client_on(sock, tls=False):
    """A Client on a socket that has said its header."""
    c = Client.__new__(Client)
    c.sock, c.buffer = sock, b""
    if tls:
        c.start_tls_now()
    return c


def closed_without_a_byte(sock, patience=5):
    sock.settimeout(patience)
    try:
        return sock.recv(100) == b""
    except ConnectionResetError:
        return True


def s1_4_the_client_of_the_header(way):
    """Policy and Received see the client, the journal the proxy too."""
    with client_on(connect(way.proxied, header(LISTED))) as c:
        c.hello("behind.test")
        assert c.message("u@way.example", ["x@way.test"],
                         "Subject: way\r\n\r\nx\r\n")[0] == 250
    way.service.wait_for(lambda: way.service.captured())
    message = way.service.captured()[0]
    assert f"[{LISTED}]".encode() in message, message
    assert PROXY.encode() not in message
    e = way.journal("session", "helo", "behind.test")
    assert e["client"] == LISTED and e["proxy"] == PROXY, e
    for client in (FOREIGN, "2001:db8::9"):
        with client_on(connect(way.proxied, header(client))) as c:
            c.hello()
            code, text = c.cmd("MAIL FROM:<u@way.example>")
            assert code == 550 and f"[{client}]" in text, text


def s1_4_proxy_is_no_customer(way):
    """The proxy's own address is in a customer's list; only a health check
    comes from it."""
    with client_on(connect(way.proxied, header(FOREIGN))) as c:
        c.hello()
        assert c.code("MAIL FROM:<u@proxy.example>") == 550
    local = SIGNATURE + b"\x20\x00\x00\x00"
    with client_on(connect(way.proxied, local)) as c:
        c.hello("health.test")
        assert c.code("QUIT") == 221
    assert way.journal("session", "helo", "health.test")["client"] == PROXY


def s1_4_no_header_no_byte(way):
    for first in (b"EHLO x\r\n", b"PROXY TCP4 127.0.0.77 127.0.0.1 1 25\r\n",
                  b"GET / HTTP/1.1\r\n", b"\x16\x03\x01\x00\x05hello",
                  header(command=0x11), header(command=0x22),
                  header(family=0), header(family=0x12), header("0.0.0.0"),
                  header("224.0.0.1"), header(more=b"\x01\x00"),
                  header(more=b"\x01\xff\xff"),
                  header(more=b"\x03\x00\x04abcd"),
                  SIGNATURE + b"\x21\x11\xff\xff",
                  header(body=b"\x7f\0\0\1")):
        with connect(way.proxied, first) as s:
            assert closed_without_a_byte(s), first
    # nothing at all: until the time is over
    with connect(way.proxied) as s:
        begun = time.monotonic()
        assert closed_without_a_byte(s, 10)
        assert 1.5 < time.monotonic() - begun < 8
    # a header, but from somebody else
    with connect(way.proxied, header(LISTED), source=OTHER) as s:
        assert closed_without_a_byte(s)
    # and where none is due
    with connect(way.service.port, header(LISTED)) as s:
        got = b""
        while (more := s.recv(1000)) != b"":
            got += more
        assert b"250" not in got, got


def s1_4_in_any_pieces(way):
    whole = header(LISTED, more=b"\x04\x00\x00")
    with connect(way.proxied) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(len(whole)):
            s.sendall(whole[i:i + 1])
            time.sleep(0.002)
        c = client_on(s)
        c.hello()
        assert c.code("MAIL FROM:<u@way.example>") == 250
    # who talks on behind it talks before the greeting
    with connect(way.proxied, header(FOREIGN) + b"EHLO x\r\n") as s:
        assert s.recv(1000).startswith(b"554")
    with connect(way.proxied, header(LISTED) + header(FOREIGN)) as s:
        assert b"250" not in s.recv(1000)
    with client_on(connect(way.proxied, header(LISTED) +
                           b"EHLO x\r\n")) as c:
        assert c.reply()[0] == 220 and c.reply()[0] == 250


def s1_4_tls_behind_the_header(way):
    """The ClientHello may be in the header's segment."""
    with client_on(connect(way.proxied_tls, header(LISTED)), tls=True) as c:
        c.hello()
        assert c.code("MAIL FROM:<u@way.example>") == 250
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing)
    with connect(way.proxied_tls) as s:
        first = header(LISTED)
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                s.sendall(first + outgoing.read())
                first = b""
                incoming.write(s.recv(65536))
        s.sendall(outgoing.read())
        text = b""
        while not text.endswith(b"\n"):
            try:
                text += tls.read(1000)
            except ssl.SSLWantReadError:
                incoming.write(s.recv(65536))
        assert text.startswith(b"220 "), text
    with client_on(connect(way.proxied, header(LISTED))) as c:
        c.hello()
        c.starttls()
        assert c.code("MAIL FROM:<u@way.example>") == 250
    with connect(way.proxied, header(FOREIGN)) as s:
        c = client_on(s)
        c.hello()
        assert c.cmd("STARTTLS")[0] == 220
        s.sendall(b"NOOP\r\n")         # no TLS: the connection ends
        assert b"250" not in s.recv(1000)


def s1_4_xclient(way):
    """The client that XCLIENT names is the client; without it no mail."""
    password = way.service.app_password("u@login.example")
    with Client(way.xclient, source=PROXY) as c:
        assert "250-XCLIENT NAME ADDR" in c.hello("proxy.test")[1]
        assert c.code("MAIL FROM:<u@proxy.example>") == 421
        assert c.at_end()
    with Client(way.xclient, source=PROXY) as c:
        c.hello("proxy.test")
        assert c.cmd(f"XCLIENT NAME=x ADDR={LISTED} PORT=4000 PROTO=ESMTP "
                     "HELO=named.test")[0] == 220
        assert c.code("MAIL FROM:<u@way.example>") == 250
        assert c.code("XCLIENT ADDR=198.51.100.9") == 503
        assert c.code("RCPT TO:<x@way.test>") == 250
        assert c.code("DATA") == 354
        assert c.cmd("Subject: x\r\n\r\nxclient\r\n.")[0] == 250
        assert c.code(f"XCLIENT ADDR={FOREIGN}") == 220
        assert c.code("MAIL FROM:<u@way.example>") == 503
        assert c.code("EHLO second.test") == 250
        code, text = c.cmd("MAIL FROM:<u@way.example>")
        assert code == 550 and f"[{FOREIGN}]" in text, text
        assert c.code("QUIT") == 221
    way.service.wait_for(lambda: any(
        b"\r\nxclient\r\n" in m and f"[{LISTED}]".encode() in m and
        b"named.test" in m for m in way.service.captured()))
    e = way.journal("session", "helo", "second.test")
    assert e["client"] == FOREIGN and e["proxy"] == PROXY, e
    with Client(way.xclient, source=PROXY) as c:
        c.hello()
        for bad in ("ADDR=[UNAVAILABLE]", f"ADDR={FOREIGN} LOGIN=nobody",
                    f"ADDR={FOREIGN} LOGIN=aaaaaaaaaa", "ADDR=x"):
            assert c.code(f"XCLIENT {bad}") == 501, bad
        assert c.code(f"XCLIENT ADDR={FOREIGN} LOGIN={password[3:13]} "
                      "HELO=login.test PROTO=SMTP") == 220
        assert c.code("MAIL FROM:<u@login.example>") in (250, 530)


def s1_4_xclient_of_others(way):
    for port, source, code in ((way.xclient, OTHER, 550),
                               (way.service.port, PROXY, 502)):
        with Client(port, source=source) as c:
            assert "XCLIENT" not in c.hello()[1]
            assert c.code(f"XCLIENT ADDR={LISTED}") == code
            assert c.code("MAIL FROM:<u@way.example>") == 550


class Way:
    def __init__(self):
        self.proxied, self.proxied_tls = free_port(), free_port()
        self.xclient = free_port()
        lines = [
            f'name: proxied, address: "127.0.0.1:{self.proxied}", '
            f'proxy: [ {PROXY}/32, 2001:db8::/32 ]',
            f'name: proxied-tls, address: "127.0.0.1:{self.proxied_tls}", '
            f'tls: implicit, proxy: [ {PROXY} ]',
            f'name: xclient, address: "127.0.0.1:{self.xclient}", '
            f'xclient: [ {PROXY} ]',
        ]
        self.service = Service(
            directory="customers:\n" + customer("way", LISTED) +
            customer("proxy", PROXY) + customer("login", auth=True),
            limits="limits: { greeting_ms: 2000 }\n",
            listeners="".join(f"  - {{ {x} }}\n" for x in lines))

    def journal(self, event, key, value):
        return World.journal(self, event, key, (value,))[value]


TESTS = (s1_4_the_client_of_the_header, s1_4_proxy_is_no_customer,
         s1_4_no_header_no_byte, s1_4_in_any_pieces,
         s1_4_tls_behind_the_header, s1_4_xclient, s1_4_xclient_of_others)


def tests(world, results):
    way = Way()
    with way.service:
        way.service.start()
        for f in TESTS:
            with results.test(f.__name__):
                f(way)
        with results.test("ways_in: stops in order"):
            with connect(way.proxied) as s:
                assert way.service.stop() == 0
                assert closed_without_a_byte(s)
        check_memory_reports(way.service, results)
