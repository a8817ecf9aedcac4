"""Parts of the service that die while mail flows. Runs alone, at the end."""
import os
import signal

from postrider import Client
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


def tests(world, results):
    with results.test("3.6 admin killed, relay killed"):
        admin_dead(world)
