"""SPEC 6, as clients see it: what is refused, with which words, what a
crash leaves booked. Windows that roll are proven on a virtual clock in
tests/unit/limits; here the peak of 10 min is small enough to be reached."""
import json
import os
import signal
import time

from postrider import Client, Service, check_memory_reports

CUSTOMER = """\
  - name: {name}
    licences: {licences}
    billing: {billing}
    allow_private_addresses: true
{more}    domains:
      - {{ name: {name}.example, kind: primary, verified: operator }}
    users:
      - {{ address: u@{name}.example }}
    relay_settings:
      - description: {name}
        allowed_senders: any
        authentication: {{ ip_only: true, require_auth: false }}
        require_tls: false
        enabled: true
        ip_entries:
          - {{ range: {address}/32, description: loopback, enabled: true }}
"""
NAMES = ["one", "trial", "unpaid", "defer", "parallel", "killed", "shown",
         "bounces", "again"]
ADDRESS = {name: f"127.0.0.{i + 20}" for i, name in enumerate(NAMES)}
PAID_PEAK = 9                   # of one licence


def directory():
    rows = ["customers:\n"]
    for name in NAMES:
        rows.append(CUSTOMER.format(
            name=name, address=ADDRESS[name],
            licences=100 if name in ("trial", "unpaid") else 1,
            billing=name if name in ("trial", "unpaid") else "paid",
            more="    over_limit: { customer_peak: defer, "
                 "customer_day: defer, user: defer }\n"
            if name == "defer" else ""))
    return "".join(rows)


def client(service, name):
    c = Client(service.port, source=ADDRESS[name])
    c.hello(f"mail.{name}.example")
    return c


def rcpt(c, n):
    return c.cmd(f"RCPT TO:<r{n}@dest.test>")


def send(c, name, recipients, first=0, sender=None):
    """Codes of the RCPTs, code of the dot."""
    sender = f"u@{name}.example" if sender is None else sender
    assert c.code(f"MAIL FROM:<{sender}>") == 250
    codes = [rcpt(c, first + i)[0] for i in range(recipients)]
    if 250 not in codes:
        return codes, None
    assert c.code("DATA") == 354
    return codes, c.code("Subject: x\r\n\r\nx\r\n.")


def shown(service, name, *more):
    p = service.cli("limits", "show", name, "--json", *more)
    return {r["name"]: r for r in map(json.loads, p.stdout.splitlines())}


def s6_3_peak_and_partial_acceptance(service):
    """Those before it stand; the tenth hears the exact words."""
    with client(service, "one") as c:
        assert c.code("MAIL FROM:<u@one.example>") == 250
        assert [rcpt(c, i)[0] for i in range(9)] == [250] * 9
        code, text = rcpt(c, 9)
        assert code == 450, text
        assert "450-4.2.1 Peak SMTP relay limit exceeded for customer" in \
            text or text.startswith(
                "450 4.2.1 Peak SMTP relay limit exceeded for customer"), text
        assert "9 of 9 recipients in 10 minutes" in text, text
        assert c.code("DATA") == 354
        assert c.code("Subject: x\r\n\r\nx\r\n.") == 250
        assert c.code("MAIL FROM:<u@one.example>") == 250
        code, text = rcpt(c, 0)         # the same counts once more
        assert code == 450
        assert "there is room for more from 20" in text, text


def s6_4_unpaid_has_fifty(service):
    for name in ("trial", "unpaid"):
        with client(service, name) as c:
            codes, dot = send(c, name, 52)
            assert codes == [250] * 50 + [450] * 2 and dot == 250, codes


def s6_8_dropped_is_given_back(service):
    with client(service, "again") as c:
        for end in ("RSET", "EHLO again.example", None):
            assert c.code("MAIL FROM:<u@again.example>") == 250
            assert [rcpt(c, i)[0] for i in range(10)] == [250] * 9 + [450]
            if end:
                assert c.code(end) == 250
    for _ in range(100):        # the session's end gives back too
        with client(service, "again") as c:
            assert c.code("MAIL FROM:<u@again.example>") == 250
            if [rcpt(c, i)[0] for i in range(9)] == [250] * 9:
                return
    raise AssertionError("a session that ended kept its reservation")


def s6_8_sessions_together(service):
    """Three sessions at once never get more than nine."""
    clients = [client(service, "parallel") for _ in range(3)]
    for c in clients:
        assert c.code("MAIL FROM:<u@parallel.example>") == 250
    codes = [rcpt(c, f"{i}{k}")[0] for k in range(5)
             for i, c in enumerate(clients)]
    assert codes.count(250) == 9 and codes.count(450) == 6, codes
    for c in clients:
        assert c.code("DATA") == 354
        assert c.code("Subject: x\r\n\r\nx\r\n.") == 250
        c.close()
    assert shown(service, "parallel")["customer_peak"]["used"] == 9


def s6_10_defer(service):
    with client(service, "defer") as c:
        codes, _ = send(c, "defer", 10)
        assert codes == [250] * 9 + [450]


def s5_4_null_sender_has_a_reserve(service):
    with client(service, "bounces") as c:
        codes, _ = send(c, "bounces", 10)
        assert codes == [250] * 9 + [450]
        for i in range(5):      # one recipient each (5.3)
            codes, dot = send(c, "bounces", 1, i, sender="")
            assert (codes, dot) == ([250], 250), (i, codes)


def s6_11_shown(service):
    with client(service, "shown") as c:
        send(c, "shown", 4)
        assert c.code("MAIL FROM:<u@shown.example>") == 250
        assert rcpt(c, 9)[0] == 250
        rows = shown(service, "shown", "--user", "u@shown.example")
    assert list(rows) == ["customer_day", "customer_peak", "user_messages",
                          "user_unique"]
    day, peak = rows["customer_day"], rows["customer_peak"]
    assert (day["used"], day["reserved"], day["limit"]) == (4, 1, 130), day
    assert (peak["used"], peak["limit"], peak["headroom"]) == (4, 9, 4), peak
    assert peak["binds_first"] and not day["binds_first"]
    assert rows["user_messages"]["used"] == 1
    assert rows["user_messages"]["limit"] == 10000
    assert rows["user_unique"]["used"] == 4
    assert rows["user_unique"]["user"] == "u@shown.example"
    assert day["user"] is None and day["opens_at"] is None
    p = service.cli("limits", "show", "nobody", check=False,
                    env={"LANG": "ja_JP.UTF-8"})
    assert p.returncode == 64 and "顧客 'nobody'" in p.stderr, p.stderr
    p = service.cli("limits", "show", "shown", "--user", "x@shown.example",
                    check=False)
    assert p.returncode == 64 and \
        "'x@shown.example' is no user" in p.stderr, p.stderr
    p = service.cli("limits", "show", "shown", "--user", "x y", check=False)
    assert p.returncode == 64 and "'x y' is no mail address" in p.stderr, \
        p.stderr


def times_aside(rows):
    return {k: {a: b for a, b in r.items() if not a.endswith("_at")}
            for k, r in rows.items()}


def s6_8_a_crash_forgets_no_booking(service):
    with client(service, "killed") as c:
        for i in range(7):
            assert send(c, "killed", 1, i) == ([250], 250)
        # Under way when it dies: not booked.
        assert c.code("MAIL FROM:<u@killed.example>") == 250
        assert rcpt(c, 70)[0] == 250
        os.kill(service.pid_of("relay"), signal.SIGKILL)
    before = None
    for _ in range(200):
        try:
            with client(service, "killed") as c:
                codes, dot = send(c, "killed", 3, 80)
            break
        except (OSError, EOFError, AssertionError):
            time.sleep(0.1)
    assert (codes, dot) == ([250, 250, 450], 250), codes
    before = shown(service, "killed", "--user", "u@killed.example")
    assert before["user_unique"]["used"] == 9, before
    assert service.stop() == 0
    service.start()
    after = shown(service, "killed", "--user", "u@killed.example")
    assert times_aside(before) == times_aside(after), (before, after)


FUNCTIONS = [s6_3_peak_and_partial_acceptance, s6_4_unpaid_has_fifty,
             s6_8_dropped_is_given_back, s6_8_sessions_together, s6_10_defer,
             s5_4_null_sender_has_a_reserve, s6_11_shown,
             s6_8_a_crash_forgets_no_booking]


def tests(_, results):
    with Service(directory=directory()) as service:
        service.start()
        for f in FUNCTIONS:
            with results.test(f"limits {f.__name__}"):
                f(service)
        with results.test("limits stops in order"):
            assert service.stop() == 0
        check_memory_reports(service, results)
