"""Products that can't be run here, by what they put on the wire when set up as
their guides say: each write as the product makes it. What the guides promise
(port, name, login, reuse) is what the relay must take."""
import base64

from postrider import Client

NAME = "mail.example.com"


def client(world, port=25):
    return Client(port, host=world.address)


def body(product, n=0):
    return f"From: {product}@example.com\r\nSubject: {product} {n}\r\n\r\n" \
           "hello\r\n"


def exchange_bdat(c, product, n):
    """MAIL and RCPT in one write, the body by BDAT (2007 and later)."""
    data = body(product, n).encode()
    c.send(f"MAIL FROM:<{product}@example.com> SIZE={len(data)}\r\n"
           f"RCPT TO:<r@dest.test> NOTIFY=NEVER\r\n")
    c.expect(250, 250)
    c.send(f"BDAT {len(data)} LAST\r\n".encode() + data)
    c.expect(250)


def exchange(world, product, login=False):
    """STARTTLS with the connector's name, then up to 20 messages."""
    with client(world, 587) as c:
        c.hello(NAME)
        c.starttls(NAME)
        if login:
            c.send("AUTH LOGIN\r\n")
            assert c.reply() == (334, "334 VXNlcm5hbWU6")
            c.send(base64.b64encode(b"alice@example.com") + b"\r\n")
            assert c.reply() == (334, "334 UGFzc3dvcmQ6")
            c.send(base64.b64encode(world.password.encode()) + b"\r\n")
            c.expect(235)
        for n in range(20):
            exchange_bdat(c, product, n)
        assert c.code("QUIT") == 221
    return 20


def exchange_2000(world, product):
    """In clear, step by step, RSET between the messages."""
    with client(world) as c:
        c.hello(NAME)
        for n in range(20):
            assert c.message(f"{product}@example.com", ["r@dest.test"],
                             body(product, n))[0] == 250
            assert c.code("RSET") == 250
        assert c.code("QUIT") == 221
    return 20


def domino(world, product):
    """MAIL, RCPT and DATA in one write; several messages a connection."""
    with client(world) as c:
        c.hello(NAME)
        for n in range(3):
            c.send(f"MAIL FROM:<{product}@example.com> SIZE=200\r\n"
                   "RCPT TO:<r@dest.test>\r\nDATA\r\n")
            c.expect(250, 250, 354)
            c.send(body(product, n) + ".\r\n")
            c.expect(250)
        assert c.code("QUIT") == 221
    return 3


def groupwise(world, product):
    """Eight send threads, a message each, step by step, all at a time."""
    threads = [client(world) for _ in range(8)]
    for c in threads:
        c.hello(NAME)
    for n, c in enumerate(threads):
        assert c.message(f"{product}@example.com", ["r@dest.test"],
                         body(product, n))[0] == 250
    for c in threads:
        assert c.code("QUIT") == 221
        c.close()
    return 8


def qmail(world, product):
    """HELO, a connection a recipient, twenty at a time."""
    remotes = [client(world, 587) for _ in range(20)]
    for c in remotes:
        assert c.reply()[0] == 220
        assert c.code(f"HELO {NAME}") == 250
    for n, c in enumerate(remotes):
        assert c.message(f"{product}@example.com", [f"r{n}@dest.test"],
                         body(product, n))[0] == 250
        assert c.code("QUIT") == 221
        c.close()
    return 20


def qmail_null(world, product):
    """A bounce: the HELO name tells whose it is."""
    with client(world) as c:
        assert c.reply()[0] == 220
        assert c.code(f"HELO {NAME}") == 250
        assert c.message("", ["r@dest.test"], body(product))[0] == 250
    return 0


DIALOGUES = (
    ("exchange-2007-2010", exchange),
    ("exchange-2013-se", lambda w, p: exchange(w, p, login=True)),
    ("exchange-2000-2003", exchange_2000),
    ("macos-server", domino),       # an old Postfix: pipelines all the same
    ("domino", domino), ("groupwise", groupwise), ("qmail", qmail),
    ("qmail-null", qmail_null),
)


def tests(world, results, of):
    for product, talk in DIALOGUES:
        with results.test(f"{product} dialogue"):
            n = talk(world, product)
            world.service.wait_for(lambda: len(
                of(world, f"{product}@example.com")) == n)
