"""SPEC 7: who may come in how often. Every service here has narrow budgets;
each test has a client address of its own."""
import time

from postrider import Client, Service, check_memory_reports
from world import EXAMPLE, customer

ANY = customer("any", EXAMPLE, "any") + customer("auth", auth=True)


def connect(service, source, port=None, tls=False):
    """A client that was greeted, or the 421's text."""
    c = Client(port or service.port, source=source, tls=tls)
    code, text = c.reply()
    if code == 220:
        return c
    assert code == 421 and "4.7.0" in text, text
    return text


def says_when(text):
    assert "try again in" in text and "seconds" in text, text


def s7_1_connections_at_once(service):
    clients = [connect(service, "127.0.1.1") for _ in range(4)]
    says_when(clients.pop())
    assert all(isinstance(c, Client) for c in clients)
    clients.pop().close()
    # The place is free when the server has seen the end.
    for _ in range(50):
        last = connect(service, "127.0.1.1")
        if isinstance(last, Client):
            break
        time.sleep(0.02)
    assert isinstance(last, Client)
    assert isinstance(connect(service, "127.0.1.2"), Client)


def s7_1_connections_a_minute(service):
    for _ in range(12):
        connect(service, "127.0.2.1").close()
        time.sleep(0.02)
    says_when(connect(service, "127.0.2.1"))
    assert isinstance(connect(service, "127.0.2.2"), Client)


def s7_1_handshakes(service):
    def starttls(source):
        with connect(service, source) as c:
            c.send("EHLO h.example\r\n")
            c.reply()
            return c.cmd("STARTTLS")
    for _ in range(2):
        assert starttls("127.0.3.1")[0] == 220
    code, text = starttls("127.0.3.1")
    assert code == 454 and "4.7.0" in text, text
    says_when(text)


def s7_2_generic_names(service):
    """A tenth; customers' listed addresses have names of their own."""
    def ehlo(name, source):
        with connect(service, source) as c:
            return c.cmd(f"EHLO {name}")
    for i in range(2):
        assert ehlo("localhost", f"127.0.4.{i}")[0] == 250
    code, text = ehlo("LOCALHOST", "127.0.4.9")
    assert code == 421 and "its own name" in text, text
    says_when(text)
    assert ehlo("[127.0.0.1]", "127.0.4.3")[0] == 250
    for i in range(20):
        assert ehlo("mail.honest.example", f"127.0.5.{i}")[0] == 250
    assert ehlo("mail.honest.example", "127.0.5.30")[0] == 421
    assert ehlo("localhost", EXAMPLE)[0] == 250


def r1_oldest_idle_stranger_goes(service):
    first = [connect(service, f"127.0.6.{i}") for i in range(30)]
    held = [c for c in first if isinstance(c, Client)]
    assert len(held) < 30       # the share of strangers is full
    time.sleep(1.1)
    for i in range(20):         # the same shard must have one to end
        last = connect(service, f"127.0.7.{i}")
        if isinstance(last, Client):
            break
    assert isinstance(last, Client)
    ended = [c for c in held if is_ended(c)]
    assert ended, "nobody made room"
    assert isinstance(connect(service, EXAMPLE), Client)


def is_ended(c):
    c.sock.settimeout(0.05)
    try:
        return c.reply()[0] == 421
    except (TimeoutError, EOFError):
        return False


STRANGERS = """limits: { connections_address_stranger: 3,
connect_rate_stranger: 12, handshake_rate_stranger: 2, helo_rate_stranger: 20,
connections_strangers: 20 }""".replace("\n", " ")


def s7_1_listed_wait_and_then_go(service):
    """Three at once, then one a second, greeted later, then 421."""
    quick = [connect(service, EXAMPLE) for _ in range(3)]
    assert all(isinstance(c, Client) for c in quick)
    late = []
    for _ in range(30):
        late.append(Client(service.port, source=EXAMPLE))
        late[-1].sock.settimeout(0.1)
        try:
            last = late[-1].reply()
        except TimeoutError:
            continue            # its greeting comes later
        if last[0] == 421:
            break
    assert last[0] == 421, last
    says_when(last[1])
    waiting = [c for c in late[:-1] if c.buffer == b""]
    assert len(waiting) >= 2, late
    for c in waiting[:2]:
        c.sock.settimeout(20)
        assert c.reply()[0] == 220


def s7_1_many_messages_a_connection_are_free(service):
    with connect(service, EXAMPLE) as c:
        c.cmd("EHLO m.example")
        for _ in range(150):
            c.send("MAIL FROM:<a@any.example>\r\nRCPT TO:<b@any.example>\r\n"
                   "DATA\r\n")
            c.expect(250, 250, 354)
            assert c.code("Subject: x\r\n\r\nx\r\n.") == 250


LISTED = """limits: { connect_rate: 1, connect_burst: 3,
greeting_delay_ms: 2000 }""".replace("\n", " ")


def attempt(service, source, user, password):
    with connect(service, source) as c:
        c.cmd("EHLO auth.example")
        c.starttls("auth.example")
        return c.auth_plain(user, password)


def a5_an_account_from_one_network(service):
    right = service.app_password("u@auth.example")
    # Somebody guesses, with the right id: this is the account he names.
    wrong = right[:13] + "a" * (len(right) - 13)
    assert attempt(service, "127.8.0.1", "u@auth.example", right)[0] == 235
    for i in range(3):
        assert attempt(service, f"127.9.0.{i + 1}", "u@auth.example",
                       wrong)[0] in (535, 501)
    code, text = attempt(service, "127.9.0.9", "u@auth.example", wrong)
    assert code == 454 and "try again in" in text, (code, text)
    # Neither another network nor one that was right before is shut out.
    assert attempt(service, "127.8.0.2", "u@auth.example", right)[0] == 235
    assert attempt(service, "127.10.0.1", "u@auth.example", right)[0] == 235


def a5_many_users_from_one_address(service):
    for i in range(5):
        assert attempt(service, "127.11.0.1", f"u{i}@auth.example",
                       "wrong")[0] == 535
    assert attempt(service, "127.11.0.1", "new@auth.example",
                   "wrong")[0] == 454


def a5_each_time_later(service):
    with connect(service, "127.12.0.1") as c:
        c.cmd("EHLO late.example")
        c.starttls("late.example")
        begun = time.monotonic()
        assert c.auth_plain("z@auth.example", "wrong")[0] == 535
        assert c.auth_plain("z@auth.example", "wrong")[0] == 535
        assert c.code("NOOP") == 250
        assert time.monotonic() - begun >= 0.3


AUTH = """limits: { auth_rate_account: 3, auth_rate_address: 5,
auth_delay_ms: 100 }""".replace("\n", " ")


GROUPS = [
    (STRANGERS, [s7_1_connections_at_once, s7_1_connections_a_minute,
                 s7_1_handshakes, s7_2_generic_names,
                 r1_oldest_idle_stranger_goes]),
    (LISTED, [s7_1_listed_wait_and_then_go]),
    (LISTED, [s7_1_many_messages_a_connection_are_free]),
    (AUTH, [a5_an_account_from_one_network, a5_many_users_from_one_address,
            a5_each_time_later]),
]


def tests(_, results):
    for limits, functions in GROUPS:
        with Service(directory="customers:\n" + ANY,
                     limits=limits) as service:
            service.start()
            for f in functions:
                with results.test(f.__name__):
                    f(service)
            assert service.stop() == 0
            check_memory_reports(service, results)
