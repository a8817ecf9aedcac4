"""A service of its own with a short life of messages: what a dead next hop
leads to. expire: 3s."""
import email
import email.policy
import time

from postrider import Client, Service, Sink, check_memory_reports, free_port

BODY = "Subject: {0}\r\n\r\n{0}\r\n"


def report(service, word, seconds=15):
    return service.wait_for(lambda: [
        m for m in service.captured("reports") if word in m], seconds)[0]


def dead_host(service):
    with Client(service.port) as c:
        c.hello()
        begun = time.monotonic()
        reply = c.message("alice@example.com", ["x@dead.test"],
                          BODY.format("expire-dead"))
        assert reply[0] == 250
    raw = report(service, b"expire-dead")
    taken = time.monotonic() - begun
    assert 2.5 < taken < 9, taken
    message = email.message_from_bytes(raw, policy=email.policy.default)
    blocks = list(message.iter_parts())[1].get_payload()
    assert blocks[1]["Action"] == "failed"
    assert blocks[1]["Status"].startswith("5.4."), blocks[1]["Status"]


def last_words(service):
    """The report has what the host said last."""
    with Client(service.port) as c:
        c.hello()
        assert c.message("alice@example.com", ["x@busy.test"],
                         BODY.format("expire-busy"))[0] == 250
    raw = report(service, b"expire-busy")
    assert b"mailbox is asleep" in raw, raw


def null_sender_expires(service):
    with Client(service.port) as c:
        c.hello("mail.example.com")
        reply = c.message("", ["x@gone.test"], BODY.format("expire-null"))
        assert reply[0] == 250
    number = reply[1].split()[-1]
    service.wait_for(lambda: number not in {
        r["id"] for r in service.rows("queue", "list")})
    assert not [m for m in service.captured("reports")
                if b"expire-null" in m]


def tests(world, results):
    def script(stage, text, s):
        return "450 4.2.1 mailbox is asleep" if stage == "RCPT" else None
    with Sink(script) as sink:
        routes = "".join(
            f'    - {{ domain: "{name}.test", '
            f'smart_host: "127.0.0.1:{port}" }}\n'
            for name, port in (("dead", free_port()), ("gone", free_port()),
                               ("busy", sink.port)))
        routes += '    - { domain: "*", maildir: "reports/" }\n'
        with Service(routes=routes, delivery="  retry: [1s]\n"
                     "  expire: 3s\n") as service:
            service.start()
            for f in (dead_host, last_words, null_sender_expires):
                with results.test(f"expiry {f.__name__}"):
                    f(service)
            with results.test("expiry stops in order"):
                assert service.stop() == 0
            check_memory_reports(service, results)
