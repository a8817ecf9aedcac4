"""Parts of the service that die while mail flows. Runs alone, at the end."""
import os
import signal

from postrider import Client, Service, check_memory_reports
from settings import apply
from world import ANY, customer


def admin_dead(world):
    """Mail flows with the last revision; a relay that starts meanwhile does
    not go back one."""
    service = world.service
    apply(world, any=customer("any", "127.0.0.98", "any"))
    admin = service.pid_of("admin")
    os.kill(admin, signal.SIGKILL)
    for _ in range(20):
        assert world.send(["r@maildir.test"], "Subject: x\r\n\r\n")[0] == 250
    relay = service.pid_of("relay")
    os.kill(relay, signal.SIGKILL)
    service.wait_for(lambda: service.pid_of("relay") not in (None, relay))
    service.wait_ready()

    def answers():
        try:
            with Client(service.port, source="127.0.0.98") as c:
                c.hello("mail.any.example")
                return c.code("MAIL FROM:<boss@elsewhere.test>") == 250
        except (OSError, EOFError):
            return False
    service.wait_for(answers)
    with world.client(ANY, hello="mail.any.example") as c:
        assert c.code("MAIL FROM:<boss@elsewhere.test>") == 550
    service.wait_for(lambda: service.pid_of("admin") not in (None, admin))
    apply(world)
    with world.client(ANY, hello="mail.any.example") as c:
        assert c.code("MAIL FROM:<boss@elsewhere.test>") == 250


TAKES_A_BODY = b"RCPT TO:<x@maildir.test>\r\nDATA\r\n"
# What ends a transaction: what the client sends, piece by piece, and the codes
# of the replies to each.
ENDS = {
    "RSET": [(b"RSET\r\n", (250, 421))],
    "RSET with another MAIL behind it":
        [(b"RSET\r\nMAIL FROM:<a@example.com>\r\n", (250, 421))],
    "EHLO": [(b"EHLO again.example.com\r\n", (421,))],
    "a BDAT that is refused": [(b"BDAT 6 LAST\r\nabc", (503,)),
                               (b"def", (421,))],
    "a message that is refused":
        [(TAKES_A_BODY, (250, 354)), (b"X: y\r\n\r\na\nb\r\n.\r\n", (550, 421))],
    "a message that is taken":
        [(TAKES_A_BODY, (250, 354)), (b"X: y\r\n\r\nx\r\n.\r\n", (250, 421))],
}


def no_session_outlives_its_transaction(results):
    """SIGTERM lets transactions end, whichever way; then it is 421, and the
    service stops when the last session is gone."""
    with Service() as s:
        s.start()
        clients = [Client(s.port) for _ in range(len(ENDS) + 1)]
        for c in clients:
            c.hello()
        idle = clients.pop()
        for c in clients:
            assert c.code("MAIL FROM:<a@example.com>") == 250
        eater = Client(s.port)
        eater.hello()
        eater.send(b"BDAT 6 LAST\r\nabc")
        eater.expect(503)
        s.process.send_signal(signal.SIGTERM)
        assert idle.reply()[0] == 421
        with results.test("while it stops: the rest of a refused body"):
            eater.send(b"def")
            eater.expect(421)
            assert eater.at_end()
        for (name, steps), c in zip(ENDS.items(), clients):
            with results.test(f"while it stops: {name}"):
                for sent, codes in steps:
                    c.send(sent)
                    c.expect(*codes)
                assert c.at_end()
        assert s.process.wait(5) == 0
        check_memory_reports(s, results)


def tests(world, results):
    with results.test("sessions while it stops"):
        no_session_outlives_its_transaction(results)
    with results.test("3.6 admin killed, relay killed"):
        admin_dead(world)
