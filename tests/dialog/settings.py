"""Relay settings as a client meets them: 3.2–3.6, 4.2, 5.1–5.3, line ends."""
import time

from world import (ANY, EXAMPLE, NEEDS_TLS, NORMALISE, OTHER, REGISTERED,
                   STRANGER, customer, directory)

BODY = "Subject: {0}\r\nFrom: boss@elsewhere.test\r\n\r\n{0}\r\n"


def apply(world, **changes):
    with open(world.service.directory, "w") as f:
        f.write(directory(**changes))
    return world.service.cli("apply", "--prune", world.service.directory)


def arrived(world, word):
    return world.service.wait_for(lambda: [
        m for m in world.service.captured() if word.encode() in m])[0]


def s3_2_registered_users(world):
    with world.client(REGISTERED) as c:
        assert c.code("MAIL FROM:<u@registered.example>") == 250
        assert c.code("RSET") == 250
        assert c.code("MAIL FROM:<u+tag@registered.example>") == 250
        assert c.code("RSET") == 250
        assert c.code("MAIL FROM:<U@Registered.Example>") == 250
        assert c.code("RSET") == 250
        code, text = c.cmd("MAIL FROM:<v@registered.example>")
        assert code == 550 and text.startswith(
            "550-5.7.1 Sender address not allowed by this relay setting")


def s3_5_require_tls(world):
    with world.client(NEEDS_TLS) as c:
        code, text = c.cmd("MAIL FROM:<u@needs-tls.example>")
        assert code == 530 and "5.7.0 Must issue a STARTTLS command first" \
            in text, text
        c.starttls()
        assert c.message("u@needs-tls.example", ["r@maildir.test"],
                         BODY.format("s3_5"))[0] == 250
    with world.client(NEEDS_TLS, port=world.service.port465, tls=True) as c:
        assert c.code("MAIL FROM:<u@needs-tls.example>") == 250
    with world.client(NEEDS_TLS, port=world.service.port587) as c:
        assert c.code("MAIL FROM:<u@needs-tls.example>") == 530


def s3_3_require_auth(world):
    """4.2: without identification the owner's settings choose the reply."""
    with world.client(STRANGER) as c:
        code, text = c.cmd("MAIL FROM:<u@auth.example>")
        assert code == 530 and "STARTTLS" in text, text
        c.starttls()
        code, text = c.cmd("MAIL FROM:<u@auth.example>")
        assert code == 530 and "Authentication required" in text, text
        password = world.service.app_password("u@auth.example")
        assert c.auth_plain("u@auth.example", password)[0] == 235
        assert c.message("u@auth.example", ["r@maildir.test"],
                         BODY.format("s3_3"))[0] == 250
        assert c.code("MAIL FROM:<u@elsewhere.test>") == 550


def s4_2_nobody(world):
    with world.client(STRANGER) as c:
        code, text = c.cmd("MAIL FROM:<u@mainly.example>")
        assert code == 550 and text.startswith(
            f"550-5.7.1 Mail relay denied [{STRANGER}]"), text
    with world.client(EXAMPLE) as c:
        code, text = c.cmd("MAIL FROM:<u@elsewhere.test>")
        assert code == 550 and text.startswith(
            f"550-5.7.1 Invalid credentials for relay [{EXAMPLE}]"), text


def s5_1_rewriting(world):
    """A foreign sender becomes postmaster@OWNED; the header stays."""
    word = world.unique("s5_1-")
    with world.client(ANY, hello="mail.any.example") as c:
        assert c.message("boss@elsewhere.test", ["r@maildir.test"],
                         BODY.format(word))[0] == 250
    message = arrived(world, word)
    assert b"Return-Path: <postmaster@any.example>" in message
    assert b"From: boss@elsewhere.test\r\n" in message
    with world.client(ANY) as c:
        assert c.code("MAIL FROM:<boss@elsewhere.test>") == 550
    word = world.unique("s5_1-")
    password = world.service.app_password("u@anyauth.example")
    with world.client(STRANGER, starttls=True) as c:
        c.auth_plain("u@anyauth.example", password)
        assert c.message("boss@elsewhere.test", ["r@maildir.test"],
                         BODY.format(word))[0] == 250
    assert b"Return-Path: <postmaster@anyauth.example>" in \
        arrived(world, word)


def s5_2_null_sender(world):
    """It needs AUTH or a HELO name in an own domain; one recipient."""
    word = world.unique("s5_2-")
    password = world.service.app_password("u@auth.example")
    with world.client(STRANGER, starttls=True) as c:
        c.auth_plain("u@auth.example", password)
        assert c.message("", ["r@maildir.test"], BODY.format(word))[0] == 250
        assert c.message("", ["r@maildir.test", "s@maildir.test"],
                         BODY.format(word))[0] == 452
    assert b"Return-Path: <>" in arrived(world, word)


def line_ends(world):
    cases = [(b"a\nb", b"a\r\nb"), (b"a\rb", b"a\r\nb"),
             (b"a\r\r\nb", b"a\r\nb"), (b"a\r\r\r\nb", b"a\r\nb"),
             (b"\n\nx\n", b"\r\n\r\nx\r\n"), (b"a\n.b", b"a\r\n.b")]
    for sent, wanted in cases:
        word = world.unique("ends-").encode()
        with world.client(NORMALISE) as c:
            c.send("MAIL FROM:<u@normalise.example>\r\n"
                   "RCPT TO:<r@sink.test>\r\nDATA\r\n")
            c.expect(250, 250, 354)
            c.send(b"Subject: " + word + b"\r\n\r\n" + sent + b"\r\n.\r\n")
            c.expect(250)
        sink = world.sinks["sink"]
        body = world.service.wait_for(lambda: [
            m["body"] for m in sink.messages if word in m["body"]])[0]
        assert body.endswith(b"\r\n\r\n" + wanted + b"\r\n"), (sent, body)


def s3_6_open_session(world):
    """A change holds for the next MAIL of an open session."""
    with world.client() as c, world.client(STRANGER) as s:
        assert c.code("MAIL FROM:<u@mainly.example>") == 250
        apply(world, mainly=customer("mainly", "127.0.0.99"))
        # what MAIL accepted goes on
        assert c.code("RCPT TO:<r@maildir.test>") == 250
        assert c.code("DATA") == 354
        c.send("Subject: open\r\n\r\n.\r\n")
        c.expect(250)
        assert c.code("MAIL FROM:<u@mainly.example>") == 550
        assert s.code("MAIL FROM:<u@mainly.example>") == 550
        apply(world, mainly=customer("mainly", STRANGER))
        assert s.code("MAIL FROM:<u@mainly.example>") == 250
        apply(world)
        assert c.code("MAIL FROM:<u@mainly.example>") == 250
        text = customer("mainly", EXAMPLE).replace(
            "description: loopback, enabled: true",
            "description: loopback, enabled: false")
        apply(world, mainly=text)
        assert c.code("RSET") == 250
        assert c.code("MAIL FROM:<u@mainly.example>") == 550
        apply(world, mainly=customer("mainly", EXAMPLE,
                                     more="    suspended: true\n"))
        code, text = c.cmd("MAIL FROM:<u@mainly.example>")
        assert code == 550 and "suspended" in text.lower(), text
        apply(world)
        assert c.code("MAIL FROM:<u@mainly.example>") == 250


def s3_6_soon(world):
    """In force when apply has answered, and that within a second."""
    begun = time.monotonic()
    apply(world, other=customer("other", OTHER, "own-domains"))
    taken = time.monotonic() - begun
    with world.client(OTHER, hello="mail.other.example") as c:
        assert c.code("MAIL FROM:<boss@elsewhere.test>") == 550
    apply(world)
    assert taken < 5, taken             # two programs under a sanitizer start


def s5_4_4_no_route(world):
    with world.client() as c:
        assert c.code("MAIL FROM:<u@mainly.example>") == 250
        code, text = c.cmd("RCPT TO:<r@nowhere.invalid>")
        assert code == 550 and "5.4.4 No route" in text, text


def tests(world, results):
    for f in (s3_2_registered_users, s3_5_require_tls, s3_3_require_auth,
              s4_2_nobody, s5_1_rewriting, s5_2_null_sender, line_ends,
              s3_6_open_session, s3_6_soon, s5_4_4_no_route):
        with results.test(f.__name__):
            f(world)
