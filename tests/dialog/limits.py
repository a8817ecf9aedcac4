"""SPEC 6, as clients see it: what is refused, with which words, what a
crash leaves booked. Windows that roll are proven on a virtual clock in
tests/unit/limits; here the peak of 10 min is small enough to be reached."""
import email
import email.policy
import json
import os
import shutil
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
{users}    relay_settings:
      - description: {name}
        allowed_senders: any
        authentication: {{ ip_only: true, require_auth: false }}
        require_tls: false
        enabled: true
        ip_entries:
          - {{ range: {address}/32, description: loopback, enabled: true }}
"""
NAMES = ["one", "trial", "unpaid", "defer", "parallel", "killed", "shown",
         "bounces", "again", "hold", "byhand", "full", "alerted", "reported",
         "postmaster", "nullhold", "anew"]
HOLD = "    over_limit: { customer_peak: hold, customer_day: hold, user: hold }\n"
MORE = {
    "defer": "    over_limit: { customer_peak: defer, customer_day: defer, "
             "user: defer }\n",
    "hold": HOLD, "byhand": HOLD, "full": HOLD, "nullhold": HOLD,
    "alerted": "    language: ja\n",
    "reported": "    report_address: reports@reported.example\n",
}
USERS = {
    "alerted": "      - { address: boss@alerted.example, role: super-admin }\n"
               "      - { address: chief@alerted.example, role: super-admin }\n"
               "      - { address: gone@alerted.example, role: super-admin,\n"
               "          suspended: true }\n",
}
ADDRESS = {name: f"127.0.0.{i + 20}" for i, name in enumerate(NAMES)}
PAID_PEAK = 9                   # of one licence


def directory(**licences):
    rows = ["customers:\n"]
    for name in NAMES:
        rows.append(CUSTOMER.format(
            name=name, address=ADDRESS[name],
            licences=licences.get(
                name, 100 if name in ("trial", "unpaid") else 1),
            billing=name if name in ("trial", "unpaid") else "paid",
            more=MORE.get(name, ""), users=USERS.get(name, "")))
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
        # At this pace the peak is full before the first of them leave.
        send(c, "shown", 5)
        assert c.code("MAIL FROM:<u@shown.example>") == 250
        assert rcpt(c, 9)[0] == 250
        rows = shown(service, "shown", "--user", "u@shown.example")
    assert list(rows) == ["customer_day", "customer_peak", "user_messages",
                          "user_unique"]
    day, peak = rows["customer_day"], rows["customer_peak"]
    assert (day["used"], day["reserved"], day["limit"]) == (5, 1, 130), day
    assert (peak["used"], peak["limit"], peak["headroom"]) == (5, 9, 3), peak
    assert peak["binds_first"] and not day["binds_first"]
    assert rows["user_messages"]["used"] == 1
    assert rows["user_messages"]["limit"] == 10000
    assert rows["user_unique"]["used"] == 5
    assert rows["user_unique"]["user"] == "u@shown.example"
    assert day["user"] is None and day["opens_at"] is None
    p = service.cli("limits", "show", "nobody", check=False,
                    env={"LANG": "ja_JP.UTF-8"})
    assert p.returncode == 65 and "顧客 'nobody'" in p.stderr, p.stderr
    p = service.cli("limits", "show", "shown", "--user", "x@shown.example",
                    check=False)
    assert p.returncode == 65 and \
        "'x@shown.example' is no user" in p.stderr, p.stderr
    p = service.cli("limits", "show", "shown", "--user", "x y", check=False)
    assert p.returncode == 64 and "'x y' is no mail address" in p.stderr, \
        p.stderr


def times_aside(rows):
    return {k: {a: b for a, b in r.items()
                if not a.endswith("_at") and not a.startswith("held_")}
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


# --- held -------------------------------------------------------------------

def s6_8_the_spool_and_the_keys_know_all(service):
    """All else is made anew: figures stay."""
    with client(service, "anew") as c:
        for i in range(5):
            assert send(c, "anew", 1, i) == ([250], 250)
    before = shown(service, "anew", "--user", "u@anew.example")
    assert before["user_unique"]["used"] == 5, before
    assert service.stop() == 0
    for name in os.listdir(service.data):
        path = os.path.join(service.data, name)
        if name not in ("spool", "keys", "capture"):
            (shutil.rmtree if os.path.isdir(path) else os.unlink)(path)
    service.start()
    after = shown(service, "anew", "--user", "u@anew.example")
    assert times_aside(before) == times_aside(after), (before, after)


def set_licences(service, **licences):
    with open(service.directory, "w") as f:
        f.write(directory(**licences))
    service.apply()


def queued(service, name):
    """Recipients of the customer's messages in the queue, oldest first."""
    rows = [r for r in service.rows("queue", "list", "--limit", "1000")
            if r["from"].endswith(f"@{name}.example")]
    return sorted(rows, key=lambda r: r["id"])


def held(service, name):
    return [x["to"] for r in queued(service, name) for x in r["recipients"]
            if x["state"] == "held"]


def delivered(service, name):
    """Recipients that got something of this sender's."""
    out = []
    for m in service.captured("capture"):
        head = m.split(b"\n\n")[0].split(b"\r\n\r\n")[0].decode()
        if f"Return-Path: <u@{name}.example>" in head:
            out += [line.split(": ", 1)[1].strip("<>\r")
                    for line in head.split("\n")
                    if line.startswith("Delivered-To: ")]
    return sorted(out)


def s6_10_held_and_released_when_room_opens(service):
    """12 where 9 fit: all are accepted, three wait; a restart changes
    nothing; with more room they go, and are counted once."""
    with client(service, "hold") as c:
        codes, dot = send(c, "hold", 12)
        assert (codes, dot) == ([250] * 12, 250), codes
    service.wait_for(lambda: len(delivered(service, "hold")) == 9, 10)
    row, = queued(service, "hold")
    waiting = [x for x in row["recipients"] if x["state"] == "held"]
    assert len(waiting) == 3, row
    assert all(x["held"] == "over-limit" and x["tries"] == 0 and
               x["next_at"] is None for x in waiting), waiting
    assert service.rows("queue", "show", row["id"])[0]["recipients"] == \
        row["recipients"]
    traced, = service.rows("trace", row["id"])
    states = [(x["state"], x.get("held")) for x in traced["recipients"]]
    assert sorted(states, key=str) == sorted(
        [("delivered", None)] * 9 + [("held", "over-limit")] * 3,
        key=str), states
    before = shown(service, "hold", "--user", "u@hold.example")
    assert before["customer_peak"]["used"] == 9, before
    # The next one waits behind them, whatever it is.
    with client(service, "hold") as c:
        assert send(c, "hold", 1, 50) == ([250], 250)
    assert service.stop() == 0
    service.start()
    assert len(held(service, "hold")) == 4
    after = shown(service, "hold", "--user", "u@hold.example")
    assert times_aside(before) == times_aside(after), (before, after)
    set_licences(service, hold=2)
    service.wait_for(lambda: len(delivered(service, "hold")) == 13, 15)
    rows = shown(service, "hold", "--user", "u@hold.example")
    assert rows["customer_peak"]["used"] == 13, rows
    assert rows["user_unique"]["used"] == 13, rows
    assert rows["user_messages"]["used"] == 2, rows     # once each
    assert not queued(service, "hold")
    traced, = service.rows("trace", row["id"])
    assert all(x["state"] == "delivered" and "held" not in x
               for x in traced["recipients"]), traced
    assert any(e["event"] == "queue.released" and
               e["reason"] == "over-limit" for e in traced["events"]), traced


def s6_10_released_by_hand(service):
    """Within the limit as an administrator may, over it as the operator."""
    with client(service, "byhand") as c:
        assert send(c, "byhand", 11) == ([250] * 11, 250)
    service.wait_for(lambda: len(delivered(service, "byhand")) == 9, 10)
    row, = queued(service, "byhand")
    p = service.cli("queue", "release", row["id"], "--within-limit",
                    check=False)
    assert p.returncode == 75 and "2 recipients stay held: the limit " \
        "customer_peak is used up (9 of 9); there is room from 20" \
        in p.stderr, (p.returncode, p.stdout, p.stderr)
    p = service.cli("queue", "release", row["id"], "--within-limit",
                    check=False, env={"LANG": "ja_JP.UTF-8"})
    assert "宛先 2 件は保留のままです" in p.stderr, p.stderr
    assert len(held(service, "byhand")) == 2
    # What is held by hand is no longer released by room.
    service.cli("queue", "hold", row["id"])
    set_licences(service, hold=2, byhand=2)
    time.sleep(2.5)
    assert len(held(service, "byhand")) == 2
    set_licences(service, hold=2)
    answer, = service.rows("queue", "release", row["id"])
    assert answer["recipients"] == 2, answer
    service.wait_for(lambda: len(delivered(service, "byhand")) == 11, 10)
    rows = shown(service, "byhand", "--user", "u@byhand.example")
    assert rows["customer_peak"]["used"] == 11, rows
    assert rows["user_messages"]["used"] == 1, rows
    # Removed ones are in no booking.
    with client(service, "byhand") as c:
        assert send(c, "byhand", 2, 20) == ([250] * 2, 250)
    row, = queued(service, "byhand")
    service.cli("queue", "remove", row["id"])
    assert shown(service, "byhand")["customer_peak"]["used"] == 11


def s6_10_at_most_a_days_limit_is_held(service):
    with client(service, "full") as c:
        codes, dot = send(c, "full", 141)
        assert codes == [250] * 139 + [450] * 2 and dot == 250, codes
        assert c.code("MAIL FROM:<u@full.example>") == 250
        code, text = rcpt(c, 500)
        assert code == 450 and "Peak SMTP relay limit" in text and \
            "is held as may be" in text, text
        assert c.code("RSET") == 250
    row, = queued(service, "full")
    service.cli("queue", "remove", row["id"])
    with client(service, "full") as c:
        assert c.code("MAIL FROM:<u@full.example>") == 250
        assert [rcpt(c, i)[0] for i in range(131)] == [250] * 130 + [450]


def s6_10_a_kill_between_release_and_delivery(service):
    """Killed over and over while held mail is released: each goes out once
    booked, and is in the ledger once."""
    set_licences(service, hold=2, killed=2)
    licences = 2
    with client(service, "hold") as c:
        for i in range(10):
            assert send(c, "hold", 2, 1000 + 2 * i) == ([250] * 2, 250)
    assert len(held(service, "hold")) > 10
    for _ in range(3):
        licences += 1
        set_licences(service, hold=licences, killed=2)
        # Somewhere within the look, the release, the delivery.
        time.sleep(0.35 * licences % 1.1)
        os.kill(service.pid_of("relay"), signal.SIGKILL)
        service.wait_ready()
    set_licences(service, hold=100, killed=2)
    service.wait_for(lambda: not queued(service, "hold"), 20)
    got = delivered(service, "hold")
    assert len(set(got)) == 33, got
    rows = shown(service, "hold", "--user", "u@hold.example")
    assert rows["customer_day"]["used"] == 33, rows
    assert rows["user_unique"]["used"] == 33, rows
    assert rows["user_messages"]["used"] == 12, rows


# --- null sender ------------------------------------------------------------

LONG = "x" * 70 + "\r\n"


def null_message(c, name, head, kib, n):
    assert c.code(f"MAIL FROM:<>") == 250
    code = rcpt(c, n)[0]
    assert code == 250, code
    assert c.code("DATA") == 354
    return c.cmd(head + "\r\n" + LONG * (kib * 1024 // len(LONG) + 1) + ".")


def s5_4_the_reserve_is_for_reports_and_what_is_small(service):
    report = "Content-Type: multipart/report; boundary=b\r\n"
    auto = "Auto-Submitted: auto-replied\r\n"
    cases = [("", 1, 250), ("", 66, 450), ("Auto-Submitted: no\r\n", 66, 450),
             (auto, 66, 250), (report, 66, 250), ("", 62, 250)]
    with client(service, "bounces") as c:
        for i, (head, kib, want) in enumerate(cases):
            code, text = null_message(c, "bounces", "Subject: x\r\n" + head,
                                      kib, i)
            assert code == want, (head, kib, text)
            if want == 450:
                assert "Peak SMTP relay limit exceeded" in text, text
    with client(service, "nullhold") as c:
        assert send(c, "nullhold", 9) == ([250] * 9, 250)
        code, text = null_message(c, "nullhold", "Subject: x\r\n", 66, 0)
        assert code == 250, text
    row = next(r for r in service.rows("queue", "list", "--state", "held",
                                       "--from", "<>"))
    assert row["recipients"][0]["held"] == "over-limit", row


def s5_4_the_reserve_survives_a_start(service):
    """50 of the reserve, a third of it before a kill."""
    with client(service, "nullhold") as c:
        for i in range(17):
            assert send(c, "nullhold", 1, i, sender="") == ([250], 250)
    os.kill(service.pid_of("relay"), signal.SIGKILL)
    service.wait_ready()
    with client(service, "nullhold") as c:
        for i in range(33):
            assert send(c, "nullhold", 1, i, sender="") == ([250], 250)
    before = len(held_null(service))
    with client(service, "nullhold") as c:
        assert send(c, "nullhold", 1, 99, sender="") == ([250], 250)
    assert len(held_null(service)) == before + 1


def held_null(service):
    return service.rows("queue", "list", "--state", "held", "--from", "<>",
                        "--limit", "1000")


# --- alerts -----------------------------------------------------------------

def alerts(service, to):
    out = []
    for m in service.captured("capture"):
        m = email.message_from_bytes(m, policy=email.policy.default)
        if m["Auto-Submitted"] == "auto-generated" and \
                to in str(m["Delivered-To"]):
            out.append(m)
    return out


def s6_11_one_alert_at_80_and_one_at_100(service):
    """To each super admin, in the customer's language, once a window, also
    when relay was killed."""
    for n in (7, 1, 1):                 # 8 of 9 are over 80 %
        with client(service, "alerted") as c:
            assert send(c, "alerted", n, n * 10) == ([250] * n, 250)
    service.wait_for(lambda: len(alerts(service, "boss@alerted")) == 2, 10)
    os.kill(service.pid_of("relay"), signal.SIGKILL)
    service.wait_ready()
    set_licences(service, alerted=2)
    with client(service, "alerted") as c:
        assert send(c, "alerted", 9, 100) == ([250] * 9, 250)
    time.sleep(0.5)
    for who in ("boss", "chief"):
        mails = alerts(service, f"{who}@alerted.example")
        assert len(mails) == 2, mails
        assert [("80" in m["Subject"], "100" in m["Subject"])
                for m in sorted(mails, key=lambda m: m["Subject"],
                                reverse=True)] == \
            [(True, False), (False, True)], [m["Subject"] for m in mails]
        for m in mails:
            assert "送信上限の" in m["Subject"] and "alerted" in m["Subject"]
            assert m["Return-Path"] == "<>", m["Return-Path"]
            text = m.get_content()
            assert "10 分間の宛先数" in text and "上限 9" in text, text
            assert "boss@alerted.example" in m["To"], m["To"]
    assert not alerts(service, "gone@alerted.example")
    # No limit counts them.
    assert shown(service, "alerted")["customer_peak"]["used"] == 18


def s6_11_without_a_super_admin(service):
    for name, to in (("reported", "reports@reported.example"),
                     ("postmaster", "postmaster@postmaster.example")):
        with client(service, name) as c:
            assert send(c, name, 9) == ([250] * 9, 250)
        service.wait_for(lambda: len(alerts(service, to)) == 1, 10)
        m, = alerts(service, to)
        assert m["Subject"] == f"100 percent of a sending limit of {name} " \
            "is used", m["Subject"]
        text = m.get_content()
        assert "9 of 9 recipients in 10 minutes" in text, text
        assert "There is room for more from 20" in text, text


FUNCTIONS = [s6_3_peak_and_partial_acceptance, s6_4_unpaid_has_fifty,
             s6_8_dropped_is_given_back, s6_8_sessions_together, s6_10_defer,
             s5_4_null_sender_has_a_reserve, s6_11_shown,
             s6_8_a_crash_forgets_no_booking,
             s6_8_the_spool_and_the_keys_know_all,
             s6_10_held_and_released_when_room_opens, s6_10_released_by_hand,
             s6_10_at_most_a_days_limit_is_held,
             s6_10_a_kill_between_release_and_delivery,
             s5_4_the_reserve_is_for_reports_and_what_is_small,
             s5_4_the_reserve_survives_a_start,
             s6_11_one_alert_at_80_and_one_at_100,
             s6_11_without_a_super_admin]


def tests(_, results):
    with Service(directory=directory(),
                 limits="limits: { held_look_ms: 1000 }\n") as service:
        service.start()
        for f in FUNCTIONS:
            with results.test(f"limits {f.__name__}"):
                f(service)
        with results.test("limits stops in order"):
            assert service.stop() == 0
        check_memory_reports(service, results)
