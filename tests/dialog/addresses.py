"""RELIABILITY 2.4: addresses in MAIL and RCPT, and what becomes of them on
the way out: stripped of routes, else as they came, the domain folded."""
from world import EXAMPLE, STRANGER

L64, L65 = "l" * 64, "l" * 65
LABEL63, LABEL64 = "d" * 63, "d" * 64
LONG = ".".join([LABEL63] * 3)
BACKSLASHES = "\\" * 10000

# as written in RCPT TO:, code, as it goes out (None: not looked at)
SINK = "sink.test"
RECIPIENTS = [
    ("<>", 501), ("<a>", 501), ("a@sink.test", 250), ("< a@sink.test>", 250),
    ("<a@sink.test >", 250), ("<a@sink.test> x", 555),
    ('<"a b"@sink.test>', 250, '"a b"@sink.test'),
    ('<"a\\"b"@sink.test>', 250, '"a\\"b"@sink.test'),
    ('<"a\\@b"@sink.test>', 250, '"a@b"@sink.test'),
    ('<"a@evil.test"@sink.test>', 250, '"a@evil.test"@sink.test'),
    ('<"plain"@sink.test>', 250, "plain@sink.test"),
    ('<"a\\', 501), ('<""@sink.test>', 501), ("<a@b@sink.test>", 501),
    ("<a.@sink.test>", 501), ("<.a@sink.test>", 501),
    ("<a..b@sink.test>", 501),
    ("<@x.test,@y.test:a@sink.test>", 250, "a@sink.test"),
    ("<@x.test:a@sink.test", 501), ("<a%b@sink.test>", 250,
                                    "a%b@sink.test"),
    ("<b!a>", 501), ("<b!a@sink.test>", 250, "b!a@sink.test"),
    ("<a@sink.test.>", 501), ("<a@.sink.test>", 501),
    ("<a@-b.sink.test>", 501),
    ("<a@b_c.sink.test>", 250, "a@b_c.sink.test"),
    (f"<{L64}@sink.test>", 250), (f"<{L65}@sink.test>", 501),
    (f"<a@{LABEL63}.sink.test>", 250), (f"<a@{LABEL64}.sink.test>", 501),
    (f"<a@{LONG}.{'e' * 40}.sink.test>", 250),
    (f"<a@{LONG}.{'e' * 63}.sink.test>", 501),
    (f"<{L64}@{LONG}.sink.test>", 501),
    ("<a@[1.2.3.4]>", 550), ("<a@[1.2.3.256]>", 501),
    ("<a@[IPv6:::1]>", 550), ("<a@[IPv6:::ffff:127.0.0.1]>", 550),
    ("<a@[x:y]>", 501), ("<a@0x7f.1>", 501), ("<a@2130706433>", 501),
    ("<a@127.1>", 501), ("<ä@sink.test>", 553), ("<a@ä.sink.test>", 553),
    ("<a@xn--zz--.sink.test>", 501), ("<a＠sink.test>", 501),
    ("<a@sink．test>", 501), ("<a@sink.test:25>", 501),
    ("<a@sink#.test>", 501), ("<a@sink .test>", 501),
    ("<(c)a@sink.test>", 501), ("<a(c)@sink.test>", 501),
    (f"<{BACKSLASHES[:3000]}@sink.test>", 501),
    ("<Case@SINK.Test>", 250, "Case@sink.test"),
    ("<case@sink.test>", 250, "case@sink.test"),
    ("<Postmaster>", 250), ("<postmaster@sink.test>", 250),
]
SENDERS = [
    ("<>", 550), ("<a@mainly.example>", 250), ("a@mainly.example", 250),
    ("<a@sub.mainly.example>", 250), ("<A@MAINLY.EXAMPLE>", 250),
    ("<a@mainly.example.>", 501), ("<a@mainly.example@evil.test>", 501),
    ('<"a@mainly.example"@evil.test>', 550),
    ("<a%mainly.example@evil.test>", 550),
    ("<@mainly.example:a@evil.test>", 550),
    ("<a@xmainly.example>", 550), ("<a@mainly.example.evil.test>", 550),
    ("<a@m\u0430inly.example> SMTPUTF8", 550),
    ("<postmaster>", 501), ("<a>", 501), ("<a@>", 501), ("<@mainly.example>",
                                                         501),
    ("<a@mainly.example", 501), ("a@mainly.example>", 501),
]
UTF8 = [
    ("<ä@sink.test>", 250, "ä@sink.test"),
    ("<a@ä.sink.test>", 250, "a@xn--4ca.sink.test"),
    ("<a@XN--4CA.sink.test>", 250, "a@xn--4ca.sink.test"),
    ("<a\u0308@sink.test>", 553),           # not in form C
    ("<a@a\u0308.sink.test>", 553),
    ("<a＠sink.test>", 501), ("<\u202ea@sink.test>", 553),
]


def outgoing(world, word):
    sink = world.sinks["sink"]
    message = world.service.wait_for(lambda: [
        m for m in sink.messages if word.encode() in m["body"]])[0]
    return [r.split("<", 1)[1].rsplit(">", 1)[0] for r in message["rcpts"]]


def recipients(world, rows, parameter):
    """All in one transaction; the good ones arrive as they should."""
    word = world.unique("address-")
    wanted, wrong = [], []
    with world.client() as c:
        assert c.code(f"MAIL FROM:<a@mainly.example>{parameter}") == 250
        for form, code, *out in rows:
            got, text = c.cmd(f"RCPT TO:{form}")
            if got != code:
                wrong.append((form[:60], code, text))
            if got == 250:
                wanted += out
        assert not wrong, wrong
        assert c.code("DATA") == 354
        c.send(f"Subject: {word}\r\n\r\n.\r\n")
        c.expect(250)
    arrived = outgoing(world, word)
    for address in wanted:
        assert address in arrived, (address, arrived)


def senders(world):
    wrong = []
    for form, code in SENDERS:
        with world.client() as c:
            got, text = c.cmd(f"MAIL FROM:{form}")
            if got != code:
                wrong.append((form, code, text))
    assert not wrong, wrong


def nul_in_an_address(world):
    with world.client() as c:
        assert c.code("MAIL FROM:<a@mainly.example>") == 250
        c.send(b"RCPT TO:<a@sink.test\0.evil.test>\r\n")
        assert c.reply()[0] in (500, 501)


def same_domain_everywhere(world):
    """Policy and route look at the same domain slice."""
    for source in (EXAMPLE, STRANGER):
        with world.client(source) as c:
            assert c.code('MAIL FROM:<"x@mainly.example"@foreign.test>') \
                == 550
            assert c.code("MAIL FROM:<@mainly.example:x@foreign.test>") \
                == 550


def tests(world, results):
    with results.test("2.4 recipients"):
        recipients(world, RECIPIENTS, "")
    with results.test("2.4 recipients with SMTPUTF8"):
        recipients(world, UTF8, " SMTPUTF8")
    with results.test("2.4 senders"):
        senders(world)
    with results.test("2.4 NUL"):
        nul_in_an_address(world)
    with results.test("2.4 one domain for all uses"):
        same_domain_everywhere(world)
