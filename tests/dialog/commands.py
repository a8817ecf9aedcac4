"""C1–C10 of RELIABILITY 2.2 against the running service (the engine's unit
tests try each in all cuts; here they meet sockets and real TLS)."""
import ssl
import socket

from postrider import Client
from world import EXAMPLE, STRANGER

MAIL = "MAIL FROM:<a@mainly.example>"
RCPT = "RCPT TO:<r@maildir.test>"


def c1_starttls_forgets(world):
    password = world.service.app_password("u@auth.example")
    with world.client(STRANGER, starttls=True) as c:
        assert c.auth_plain("u@auth.example", password)[0] == 235
        assert c.code("MAIL FROM:<u@auth.example>") == 250
    with world.client() as c:
        assert c.code(MAIL) == 250
        assert c.code("RSET") == 250
        assert c.code("STARTTLS") == 220
        c.start_tls_now()
        assert c.code(MAIL) == 503          # EHLO is needed again
        assert c.code("EHLO again.test") == 250
        assert c.code(MAIL) == 250


def c2_starttls_out_of_place(world):
    with world.client() as c:
        assert c.code("STARTTLS now") == 501
        assert c.code(MAIL) == 250
        assert c.code("STARTTLS") == 503
        assert c.code("RSET") == 250
        c.starttls()
        assert c.code("STARTTLS") == 503
        assert "STARTTLS" not in c.cmd("EHLO x")[1]
    with world.client(port=world.service.port465, tls=True) as c:
        assert c.code("STARTTLS") == 503


def c2_handshake_garbage(world):
    for rubbish in (b"EHLO x\r\n" * 20, b"\x16\x03\x01\xff\xff" + b"x" * 300,
                    b""):
        with world.client() as c:
            assert c.code("STARTTLS") == 220
            c.send(rubbish)
            if not rubbish:
                c.sock.shutdown(socket.SHUT_WR)
            assert b"250" not in c.rest()
    with world.client() as c:
        assert c.code("NOOP") == 250


def c2_alpn(world):
    """ALPN of another protocol is no way in (ALPACA)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    try:
        with socket.create_connection(
                ("127.0.0.1", world.service.port465), 10) as s:
            with context.wrap_socket(s) as t:
                assert t.selected_alpn_protocol() != "http/1.1"
                t.recv(1000)
    except (ssl.SSLError, ConnectionError):
        pass


def was_early(world):
    """False: the words came too late, the greeting (a moment after accept)
    was out already; then they are a command like any other."""
    with Client(world.service.port, source=STRANGER) as c:
        c.send("EHLO early.test\r\n")
        code, text = c.reply()
        if code == 220:
            assert c.reply()[0] == 250
            return False
        assert code == 554 and "5.5.0" in text, text
        assert c.at_end()
        return True


def c3_early_talker(world):
    assert any(was_early(world) for _ in range(20))
    with Client(world.service.port, source=EXAMPLE) as c:
        c.send("EHLO early.test\r\nNOOP\r\n")
        c.expect(220, 250, 250)
    for line in ("EHLO x", "HELO x"):
        with Client(world.service.port, source=STRANGER) as c:
            c.reply()
            c.send(f"{line}\r\nMAIL FROM:<x@foreign.test>\r\n")
            assert b"554 5.5.0" in c.rest()


def c4_long_lines(world):
    with world.client() as c:
        for n in (505, 512, 513, 2048, 2049, 4090):
            assert c.code("NOOP " + "x" * (n - 7)) == 250, n
        for n in (4097, 8192, 65536):
            assert c.cmd("NOOP " + "x" * n)[0] == 500, n
        c.send(b"x" * 1048576 + b"\r\nNOOP\r\n")
        c.expect(500, 250)
        assert c.code("EHLO " + "x" * 65536) == 500
        assert c.code(MAIL + " A=1" * 900) == 555


def c5_control_characters(world):
    with world.client() as c:
        c.send(b"NOOP\nNOOP\r\n")
        c.expect(500)
        c.send(b"NOOP\rNOOP\r\n")
        c.expect(500)
        for octet in (0, 1, 7, 0x1b, 0x1f, 0x7f):
            c.send(b"NOOP " + bytes([octet]) + b"x\r\n")
            c.expect(500)
            c.send(MAIL.encode()[:-1] + bytes([octet]) + b">\r\n")
            assert c.reply()[0] in (500, 501)
            assert c.code(MAIL) == 250
            assert c.code("RSET") == 250
            c.message("a@mainly.example", ["r@maildir.test"], "x: y\r\n")
    with world.client() as c:
        c.send("MAIL FROM:<ä@mainly.example>\r\n")
        c.expect(553)
        c.send("MAIL FROM:<ä@mainly.example> SMTPUTF8\r\n")
        c.expect(250)
        c.send(b"RCPT TO:<\xff@maildir.test>\r\n")
        assert c.reply()[0] in (501, 553)


def c6_rubbish(world):
    """Strangers get 421 at the bound; so do customers, later."""
    for source, most in ((STRANGER, 10), (EXAMPLE, 20)):
        with world.client(source) as c:
            codes = []
            for i in range(most + 5):
                c.send(f"JUNK{i}\r\n")
                try:
                    codes.append(c.reply()[0])
                except EOFError:
                    break
                if codes[-1] == 421:
                    break
            assert codes[-1] == 421 and set(codes[:-1]) == {500}, codes
            assert len(codes) <= most + 1
            assert c.at_end()
    with world.client(STRANGER) as c:
        codes = []
        while not codes or codes[-1] != 421:
            codes.append(c.code("NOOP"))
            assert len(codes) <= 51
    for banner in (b"SSH-2.0-OpenSSH_9\r\n", b"Content-Type: text/html\r\n"):
        with world.client() as c:
            c.send(banner)
            c.expect(500)


def c7_order(world):
    with Client(world.service.port) as c:
        c.reply()
        assert c.code(MAIL) == 503
        assert c.code("HELO x") == 250
        assert c.code(RCPT) == 503
        assert c.code("DATA") == 503
        assert c.code(MAIL) == 250
        assert c.code(MAIL) == 503
        assert c.code("DATA") == 503
        assert c.code(RCPT) == 250
        assert c.code("EHLO x") == 250
        assert c.code("DATA") == 503
        for reset in ("RSET", "EHLO x"):
            for before in ((MAIL,), (MAIL, RCPT), (MAIL, RCPT, RCPT)):
                for line in before:
                    assert c.code(line) == 250
                assert c.code(reset) == 250
                assert c.code("DATA") == 503
                assert c.message("a@mainly.example", ["r@maildir.test"],
                                 "Subject: c7\r\n\r\n")[0] == 250
    with Client(world.service.port) as c:
        c.reply()
        assert c.code("EHLO") == 501
        assert c.code("HELO") == 501
        assert c.code("VRFY u@mainly.example") == 252
        assert c.code("EXPN list") == 502
        assert c.code("HELP") == 214
        assert c.code("QUIT") == 221


def c8_parameters(world):
    expected = [
        ("SIZE=0", 250), ("SIZE=-1", 501), ("SIZE=9223372036854775808", 552),
        ("SIZE=18446744073709551616", 501), ("SIZE=1 SIZE=1", 501),
        ("SIZE=", 501), ("SIZE", 501), ("SIZE=35882577", 250),
        ("SIZE=35882578", 552), ("BODY=x", 501), ("BODY=7BIT", 250),
        ("BODY=8bitmime", 250), ("AUTH=a+0Ab", 501), ("AUTH=<a+0Db>", 501),
        ("ENVID=a+0D+0Ab", 501), ("ENVID=a+00", 501), ("ENVID=a+", 501),
        ("ENVID=a+2", 501), ("ENVID=" + "x" * 100, 250),
        ("ENVID=" + "x" * 1024, 501), ("RET=HDRS", 250), ("RET=NONE", 501),
    ]
    with world.client() as c:
        for parameter, code in expected:
            got, text = c.cmd(f"{MAIL} {parameter}")
            assert got == code, (parameter, text)
            c.code("RSET")
            c.message("a@mainly.example", ["r@maildir.test"], "x: y\r\n")
        assert c.code(MAIL) == 250
        for parameter, code in (
                ("ORCPT=rfc822;a+0D+0Ab", 501), ("ORCPT=rfc822", 501),
                ("ORCPT=rfc822;a+00", 501), ("ORCPT=rfc822;r@x.test", 250),
                ("NOTIFY=NEVER", 250), ("NOTIFY=NEVER,SUCCESS", 501),
                ("NOTIFY=SUCCESS,FAILURE,DELAY", 250), ("NOTIFY=", 501)):
            got, text = c.cmd(f"{RCPT} {parameter}")
            assert got == code, (parameter, text)


def c9_bdat(world):
    head = f"{MAIL}\r\n{RCPT}\r\n"
    for line, tail in (("BDAT LAST", b""), ("BDAT -1", b""), ("BDAT", b""),
                       ("BDAT 18446744073709551616", b""),
                       ("BDAT 9223372036854775808 LAST", b""),
                       ("BDAT 4294967296 LAST", b""),
                       ("BDAT 2147483648 LAST", b"")):
        with world.client() as c:
            c.send(head.encode() + line.encode() + b"\r\nNOOP\r\n" + tail)
            c.expect(250, 250, 501)
            assert c.rest() == b"", line
    with world.client() as c:
        c.send(head + "BDAT 5 X\r\nNOOP\nNOOP\r\n")
        c.expect(250, 250, 501, 250)
    with world.client() as c:
        c.send(head + "BDAT 0\r\nBDAT 0 LAST\r\nNOOP\r\n")
        c.expect(250, 250, 250, 250, 250)
        c.send(head + "BDAT 6\r\nNOOP\r\nRSET\r\nBDAT 6 LAST\r\nNOOP\r\n"
               "NOOP\r\n")
        c.expect(250, 250, 250, 250, 503, 250)
        c.send(head + "BDAT 9 LAST\r\n.\r\nQUIT\r\nNOOP\r\n")
        c.expect(250, 250, 250, 250)
    with world.client() as c:
        c.send(head + "BDAT 4\r\nabcdSTARTTLS\r\n")
        c.expect(250, 250, 250, 503)


def c9_many_chunks(world):
    """100,000 chunks of an octet; the sum is one message."""
    word = world.unique("c9-")
    body = f"Subject: {word}\r\n\r\n".encode() + b"x" * 50000 + b"\r\n"
    with world.client() as c:
        c.send(f"{MAIL}\r\n{RCPT}\r\n")
        c.expect(250, 250)
        for at in range(0, len(body), 1000):
            part = body[at:at + 1000]
            c.send(b"".join(b"BDAT 1\r\n" + part[i:i + 1]
                            for i in range(len(part))))
            for _ in part:
                assert c.line().startswith("250 ")
        assert c.code("BDAT 0 LAST") == 250
    world.service.wait_for(lambda: [m for m in world.service.captured()
                                    if m.endswith(body)])


def c10_body_types(world):
    with world.client() as c:
        assert c.code(MAIL + " BODY=BINARYMIME") == 250
        assert c.code(RCPT) == 250
        assert c.code("DATA") == 503
        assert c.code("RSET") == 250
        for body in ("", " BODY=7BIT", " BODY=8BITMIME"):
            assert c.code(MAIL + body) == 250
            assert c.code(RCPT) == 250
            assert c.code("DATA") == 354
            c.send(b"Subject: c10\r\n\r\n\xe4\r\n.\r\n")
            c.expect(250)


def tests(world, results):
    for f in (c1_starttls_forgets, c2_starttls_out_of_place,
              c2_handshake_garbage, c2_alpn, c3_early_talker, c4_long_lines,
              c5_control_characters, c6_rubbish, c7_order, c8_parameters,
              c9_bdat, c9_many_chunks, c10_body_types):
        with results.test(f.__name__):
            f(world)
