"""W1–W19 of SENDERS 3, except those that need other programs (W17, W18, W20)
or listeners that do not exist yet (W15)."""
import base64
import socket
import threading
import time

from postrider import Client, stuffed
from world import ANY, EXAMPLE, MANY, STRANGER

BODY = "Subject: {0}\r\n\r\n{0}\r\n"


def found(world, word, folder="capture"):
    return [m for m in world.service.captured(folder) if word.encode() in m]


def w1_pipelined_group(world, at_every_byte):
    word = world.unique("w1-")
    group = "MAIL FROM:<a@mainly.example>\r\n" + "".join(
        f"RCPT TO:<r{i}@maildir.test>\r\n" for i in range(100)) + "DATA\r\n"
    with world.client() as c:
        if at_every_byte:
            for b in group.encode():
                c.send(bytes([b]))
        else:
            c.send(group)
        c.expect(*[250] * 101, 354)
        c.send(stuffed(BODY.format(word)))
        assert c.reply()[0] == 250
        assert c.quiet()
    world.service.wait_for(lambda: len(found(world, word)) == 100)


def w2_failed_mail(world):
    with world.client() as c:
        c.send("MAIL FROM:<x@foreign.test>\r\nRCPT TO:<r@maildir.test>\r\n"
               "DATA\r\n")
        c.expect(550, 503, 503)
        assert c.code("NOOP") == 250
        c.send("MAIL FROM:<x@foreign.test>\r\nRCPT TO:<r@maildir.test>\r\n"
               "DATA\r\nRSET\r\n")
        # Words behind a refused DATA may be a body: they end the session.
        c.expect(550, 503, 503, 554)
        assert c.at_end()


def w3_no_recipient_left(world):
    with world.client() as c:
        c.send("MAIL FROM:<a@mainly.example>\r\nRCPT TO:<r@nowhere.invalid>"
               "\r\nRCPT TO:<bad>\r\nDATA\r\n")
        c.expect(250, 550, 501, 554)
        assert c.code("NOOP") == 250


def w4_quit_behind_the_dot(world, close_early):
    word = world.unique("w4-")
    with world.client() as c:
        c.send("MAIL FROM:<a@mainly.example>\r\nRCPT TO:<r@maildir.test>\r\n"
               "DATA\r\n")
        c.expect(250, 250, 354)
        c.send(stuffed(BODY.format(word)) + b"QUIT\r\n")
        if close_early:
            c.sock.shutdown(socket.SHUT_WR)
        c.expect(250, 221)
        assert c.at_end()
    world.service.wait_for(lambda: found(world, word))
    assert len(found(world, word)) == 1


def w4_client_gone(world):
    """It closes right behind the dot: taken once or not at all."""
    words = [world.unique("w4gone-") for _ in range(10)]
    for word in words:
        c = world.client()
        c.send("MAIL FROM:<a@mainly.example>\r\nRCPT TO:<r@maildir.test>\r\n"
               "DATA\r\n")
        c.codes(3)
        c.send(stuffed(BODY.format(word)))
        c.close()
    time.sleep(0.5)
    for word in words:
        assert len(found(world, word)) <= 1


def w5_bdat_behind_failures(world):
    payload = b"Subject: x\r\n\r\nMAIL FROM:<evil@mainly.example>\r\n.\r\n"
    n = len(payload)
    with world.client() as c:
        c.send(b"MAIL FROM:<x@foreign.test>\r\nRCPT TO:<r@maildir.test>\r\n"
               b"BDAT %d LAST\r\n" % n + payload + b"NOOP\r\n")
        c.expect(550, 503, 503, 250)
        c.send(b"MAIL FROM:<a@mainly.example>\r\nRCPT TO:<bad>\r\n"
               b"BDAT %d LAST\r\n" % n + payload + b"NOOP\r\n")
        c.expect(250, 501, 554, 250)
        c.send(b"RSET\r\nMAIL FROM:<a@mainly.example>\r\n"
               b"BDAT %d\r\n" % n + payload + b"BDAT 0 LAST\r\nNOOP\r\n")
        c.expect(250, 250, 503, 503, 250)
    with world.client() as c:
        c.send(b"BDAT %d LAST\r\n" % n + payload + b"NOOP\r\n")
        c.expect(503, 250)


def w5_bdat_split(world):
    word = world.unique("w5-")
    body = BODY.format(word).encode()
    with world.client() as c:
        assert c.bdat_message("a@mainly.example", ["r@maildir.test"],
                              *(body[i:i + 1] for i in range(len(body))),
                              b"")[0] == 250
    message = world.service.wait_for(lambda: found(world, word))[0]
    assert message.endswith(body)


def w5_bdat_then_data(world):
    with world.client() as c:
        c.send("MAIL FROM:<a@mainly.example>\r\nRCPT TO:<r@maildir.test>\r\n"
               "BDAT 3\r\nabcDATA\r\n")
        c.expect(250, 250, 250, 503)
        c.send("BDAT 0 LAST\r\nNOOP\r\n")
        c.expect(250, 250)


def w5_bdat_over_size(world):
    """The octets are eaten up to a bound, nothing of them is executed."""
    with world.client() as c:
        c.send("MAIL FROM:<a@mainly.example>\r\nRCPT TO:<r@maildir.test>\r\n"
               "BDAT 36000000 LAST\r\n")
        c.expect(250, 250)
        block = b"NOOP\r\n" * 10000
        for _ in range(36000000 // len(block)):
            c.send(block)
        c.send(b"NOOP\r\n")
        c.expect(552, 250)


def w5_bdat_lock_step(world):
    """Big chunks, each answered before the next is sent."""
    chunk = (b"y" * 76 + b"\r\n") * 16000
    with world.client() as c:
        c.send("MAIL FROM:<a@mainly.example>\r\nRCPT TO:<r@maildir.test>\r\n")
        c.expect(250, 250)
        assert c.code(b"BDAT 4\r\n\r\nx\n") == 250
        for _ in range(4):
            assert c.code(b"BDAT %d\r\n" % len(chunk) + chunk) == 250
        assert c.code("BDAT 0 LAST") == 250


def w6_null_sender(world):
    word = world.unique("w6-")
    group = ("MAIL FROM:<>\r\nRCPT TO:<r1@maildir.test>\r\n"
             "RCPT TO:<r2@maildir.test>\r\nDATA\r\n")
    with world.client(hello="mail.mainly.example") as c:
        c.send(group)
        assert c.reply()[0] == 250
        assert c.reply()[0] == 250
        code, text = c.reply()
        assert code == 452 and "4.5.3 One recipient per message" in text
        assert c.reply()[0] == 354
        c.send(stuffed(BODY.format(word)))
        assert c.reply()[0] == 250
    world.service.wait_for(lambda: found(world, word))
    with world.client(MANY, hello="mail.many.example") as c:
        c.send(group)
        c.expect(250, 250, 250, 354)
        c.send(stuffed(BODY.format(word + "many")))
        assert c.reply()[0] == 250
    world.service.wait_for(lambda: len(found(world, word + "many")) == 2)
    assert len(found(world, word)) == 3


def w6_null_sender_needs_a_name(world):
    with world.client(hello="mail.foreign.test") as c:
        assert c.code("MAIL FROM:<>") == 550


def w7_injection(world, known):
    source = EXAMPLE if known else STRANGER
    with Client(world.service.port, source=source) as c:
        c.hello()
        c.send("STARTTLS\r\nMAIL FROM:<a@mainly.example>\r\n")
        rest = c.rest()
        assert b"554 5.5.0" in rest and b"250" not in rest, rest
    with Client(world.service.port, source=source) as c:
        c.hello()
        c.send("STARTTLS\r\nEHLO x\r\n")
        assert b"220 2.0.0" not in c.rest()


def w8_line_ends(world):
    """What is no line end ends nothing; the wire out is strict."""
    good = {
        "8-bit": b"caf\xc3\xa9 \xe9\xff",
        "NUL": b"a\0b",
        "997 octets": b"x" * 997,
        "998 octets": b"x" * 998,
        "65536 octets": b"y" * 65536,
        "dots": b".\r\n..\r\n...\r\n.x",
    }
    bad = {
        "CR CR LF": b"a\r\r\nb", "bare CR": b"a\rb", "bare LF": b"a\nb",
        "LF.LF": b"a\n.\nb", "LF.CRLF": b"a\n.\r\nb", "CR.CRLF": b"a\r.\r\nb",
    }
    sink = world.sinks["sink"]
    with world.client() as c:
        for name, text in good.items():
            word = world.unique("w8-")
            body = f"Subject: {word}\r\n\r\n".encode() + text + b"\r\n"
            code, reply = c.message("a@mainly.example", ["r@sink.test"], body)
            assert code == 250, (name, reply)
            message = world.service.wait_for(lambda: [
                m["body"] for m in sink.messages
                if word.encode() in m["body"]])[0]
            assert message.endswith(body), name
        for name, text in bad.items():
            body = b"Subject: bad\r\n\r\n" + text
            assert c.code("MAIL FROM:<a@mainly.example>") == 250
            assert c.code("RCPT TO:<r@sink.test>") == 250
            assert c.code("DATA") == 354
            c.send(body + b"\r\n.\r\n")
            code, reply = c.reply()
            assert code == 550 and "5.5.2 Bare <CR> or <LF>" in reply, \
                (name, reply)
            assert c.code("NOOP") == 250
    assert not [m for m in sink.messages if b"Subject: bad" in m["body"]]


def w9_dropped(world):
    """Gone after 354, in mid-BDAT, before the dot: no ghost."""
    word = world.unique("w9-")
    body = BODY.format(word)
    head = "MAIL FROM:<a@mainly.example>\r\nRCPT TO:<r@maildir.test>\r\n"
    for tail, count in (("DATA\r\n" + body, 3),
                        ("DATA\r\n" + body + ".", 3),
                        ("DATA\r\n" + body + ".\r", 3),
                        (f"BDAT {len(body) + 1} LAST\r\n" + body, 2),
                        (f"BDAT {len(body)}\r\n" + body, 3)):
        c = world.client()
        c.send(head + tail)
        c.codes(count)
        c.close()
        c = world.client()
        c.send(head + tail)
        c.codes(count)
        c.sock.shutdown(socket.SHUT_WR)
        assert b"250 2.0.0 Accepted" not in c.rest()
        c.close()
    time.sleep(0.3)
    assert not found(world, word)


def w10_parameters(world):
    with world.client() as c:
        for p in ("AUTH=x@y", "AUTH=<>", "AUTH=a+2Bb@mainly.example"):
            assert c.code(f"MAIL From:<a@mainly.example> SIZE=35 {p}") == 250
            assert c.code("RSET") == 250
        assert c.code("MAIL FROM:<a@mainly.example> FOO=bar") == 555
        assert c.code("MAIL FROM:<a@mainly.example> X") == 555
        assert c.code("MAIL FROM:<a@mainly.example>") == 250
        assert c.code("RCPT TO:<r@maildir.test> FOO=bar") == 555


def w12_many_connections(world, results):
    """HELO only, 20 at once, a connection for each recipient (500)."""
    codes = []

    def one(number):
        mine = []
        for i in range(25):
            with Client(world.service.port, source=EXAMPLE) as c:
                c.reply()
                mine.append(c.code("HELO mail.mainly.example"))
                mine.append(c.message(
                    "a@mainly.example", [f"q{number}x{i}@maildir.test"],
                    BODY.format("w12"))[0])
                c.send("QUIT\r\n")
        codes.extend(mine)
    threads = [threading.Thread(target=one, args=(n,)) for n in range(20)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert codes == [250] * 1000, sorted(set(codes))


def w13_many_messages(world):
    """20 messages on one connection; it is kept while idle (the engine's
    bound is 10 min; here we only look that 2 s do not matter)."""
    word = world.unique("w13-")
    with world.client() as c:
        for i in range(20):
            if i == 10:
                time.sleep(2)
            assert c.bdat_message("a@mainly.example", ["r@maildir.test"],
                                  BODY.format(word).encode())[0] == 250
    world.service.wait_for(lambda: len(found(world, word)) == 20)


def w16_other_protocols(world):
    hello = bytes.fromhex("16030100f1010000ed0303") + b"\0" * 64
    for name, data in (("TLS", hello),
                       ("HTTP", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
                       ("POST", b"POST /x HTTP/1.1\r\n\r\n"),
                       ("PROXY v1", b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n"
                        b"EHLO x\r\n"),
                       ("PROXY v2", b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c")):
        for source in (EXAMPLE, STRANGER):
            with Client(world.service.port, source=source) as c:
                assert c.reply()[0] == 220
                c.send(data)
                rest = c.rest()
                assert rest == b"", (name, rest)


def w19_mangled_ehlo(world):
    with Client(world.service.port) as c:
        c.reply()
        assert c.code("XXXX mail.mainly.example") == 500
        assert c.code("HELO mail.mainly.example") == 250
        assert c.message("a@mainly.example", ["r@maildir.test"],
                         BODY.format("w19"))[0] == 250


def w14_auth(world):
    password = world.service.app_password("u@mainly.example")
    user64 = base64.b64encode(b"u@mainly.example").decode()
    pass64 = base64.b64encode(password.encode()).decode()
    with world.client() as c:
        assert c.code("AUTH LOGIN") == 538
        assert c.code(f"AUTH LOGIN {user64}") == 538
    with world.client(starttls=True) as c:
        assert c.cmd("AUTH LOGIN") == (334, "334 VXNlcm5hbWU6")
        assert c.cmd(user64) == (334, "334 UGFzc3dvcmQ6")
        assert c.code(pass64) == 235
        assert c.code("AUTH LOGIN") == 503
        assert c.code("MAIL FROM:<a@mainly.example>") == 250
        assert c.code("AUTH LOGIN") == 503
    with world.client(starttls=True) as c:
        assert c.cmd(f"AUTH LOGIN {user64}") == (334, "334 UGFzc3dvcmQ6")
        assert c.code("*") == 501
        assert c.code("AUTH LOGIN !!!") == 501
        assert c.code(f"AUTH LOGIN {user64}") == 334
        assert c.code("not base64 at all") == 501
        assert c.code("auth login") == 334
        assert c.code(user64) == 334
        assert c.code(pass64) == 235
    with world.client(starttls=True) as c:
        assert c.code("AUTH PLAIN") == 334
        word = base64.b64encode(f"\0u@mainly.example\0{password}".encode())
        assert c.code(word + b"\r\n") == 235


def l1_tolerance(world):
    """What old senders write (SENDERS 2, L1)."""
    with world.client(ANY) as c:
        for line in ("mail FROM:<a@any.example> size=27",
                     "Mail From: <a@any.example>",
                     "MAIL FROM: a@any.example",
                     "MAIL From:< a@any.example >"):
            assert c.code(line) == 250, line
            assert c.code("rcpt to: <r@maildir.test>") == 250
            assert c.code("rset") == 250
        assert c.code("XEXCH50 1124 2") == 502


def tests(world, results):
    def run(name, function, *args):
        with results.test(name):
            function(world, *args)
    run("W1 one segment", w1_pipelined_group, False)
    run("W1 at every byte", w1_pipelined_group, True)
    run("W2", w2_failed_mail)
    run("W3", w3_no_recipient_left)
    run("W4", w4_quit_behind_the_dot, False)
    run("W4 half-closed", w4_quit_behind_the_dot, True)
    run("W4 client gone", w4_client_gone)
    run("W5 behind failed MAIL, RCPT, nothing", w5_bdat_behind_failures)
    run("W5 a byte a chunk", w5_bdat_split)
    run("W5 big chunks in lock step", w5_bdat_lock_step)
    run("W5 BDAT then DATA", w5_bdat_then_data)
    run("W5 over SIZE", w5_bdat_over_size)
    run("W6", w6_null_sender)
    run("W6 s5_2 null sender needs AUTH or a name",
        w6_null_sender_needs_a_name)
    run("W7 known", w7_injection, True)
    run("W7 stranger", w7_injection, False)
    run("W8", w8_line_ends)
    run("W9", w9_dropped)
    run("W10", w10_parameters)
    run("W12", w12_many_connections, results)
    run("W13", w13_many_messages)
    run("W14", w14_auth)
    run("W16", w16_other_protocols)
    run("W19", w19_mangled_ehlo)
    run("L1 tolerance", l1_tolerance)
