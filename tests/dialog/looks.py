"""SPEC 4.3, 11.7, 12.1: what the console shows of mail that went through, was
refused or waits: rows, causes, references, numbers. On a service of its own,
since its numbers are counted."""
import base64

from postrider import Client, Service, Sink, check_memory_reports

CUSTOMER = """\
  - name: {name}
    licences: 1
    billing: paid
    allow_private_addresses: true
    domains:
      - {{ name: {name}.example, kind: primary, verified: operator }}
    users:
      - {{ address: u@{name}.example }}
      - {{ address: boss@{name}.example, role: super-admin }}
    relay_settings:
      - description: {name} office
        id: office
        allowed_senders: {senders}
        authentication: {{ ip_only: {ip}, require_auth: {auth} }}
        require_tls: {tls}
        enabled: true
"""
ENTRY = """\
        ip_entries:
          - {{ range: {address}/32, description: hall, enabled: true }}
"""
# name: address, senders, auth, tls
NAMES = {
    "one": ("127.0.0.20", "own-domains", "false", "false"),
    "users": ("127.0.0.21", "registered-users", "false", "false"),
    "any": ("127.0.0.22", "any", "false", "false"),
    "tls": ("127.0.0.23", "own-domains", "false", "true"),
    "auth": (None, "own-domains", "true", "false"),
}
NOBODY = "127.0.0.30"


def directory():
    rows = ["customers:\n"]
    for name, (address, senders, auth, tls) in NAMES.items():
        rows.append(CUSTOMER.format(
            name=name, senders=senders, auth=auth, tls=tls,
            ip=str(address is not None).lower()))
        if address:
            rows.append(ENTRY.format(address=address))
    return "".join(rows)


def client(service, address, hello="mail.test", starttls=False):
    c = Client(service.port, source=address)
    c.hello(hello)
    if starttls:
        c.starttls(hello)
    return c


def ask(service, name, code=0, **arguments):
    rows, got = service.call(name, **arguments)
    assert got == code, (name, arguments, got, rows)
    return rows


def listed(service, name, **arguments):
    rows = ask(service, name, **arguments)
    return rows[:-1], rows[-1]


def until(service, look):
    row = service.wait_for(look, 20)
    assert row, look
    return row


def reference_of(text):
    """The reference at the end of a refusal."""
    return text.rsplit("[", 1)[-1].split("]")[0] if "[" in text \
        else text.split("ref ")[-1].strip()


def s11_7_what_became_of_a_message(service):
    name, address = "one", NAMES["one"][0]
    for to, state, meaning in (
            ("a@ok.test", "delivered", None),
            ("a@later.test", "deferred", "greylisting"),
            ("a@never.test", "failed", "no_mailbox")):
        with client(service, address) as c:
            code, text = c.message("u@one.example", [to],
                                   f"Message-ID: <{state}@x>\r\n\r\nx\r\n")
            assert code == 250, text

        def there(state=state):
            rows, _ = listed(service, "message.list", customer=name,
                             state=state)
            return rows[0] if rows else None
        row = until(service, there)
        assert row["to"] == to and row["more"] == 0, row
        assert row["from"] == "u@one.example" and row["customer"] == name
        assert row["client"] == address and row["client_name"] == "hall"
        assert row["setting"] == {"id": "office",
                                  "description": "one office"}, row
        assert row["message_id"] == f"<{state}@x>", row
        shown = ask(service, "message.show", customer=name, id=row["id"])[0]
        assert shown["entry"] == f"{address}/32", shown
        assert shown["setting"]["id"] == "office" and shown["listener"]
        one = shown["recipients"][0]
        assert one["state"] == state, one
        assert (one["meaning"] or {}).get("code") == meaning, one
        ask(service, "message.show", 1, customer="any", id=row["id"])
        found = ask(service, "find", customer=name, q=row["id"])[0]
        assert found["kind"] == "message" and found["hits"], found


def refused(service, customer, reference):
    return until(service, lambda: (
        service.call("refusal.show", customer=customer,
                     reference=reference)[0] or [None])[0])


def s4_3_every_refusal_has_a_reference(service):
    """Command lines of a client, and what the last one is refused for."""
    cases = [
        ("address", "one", NOBODY, ["MAIL FROM:<u@one.example>"]),
        ("domain", "one", NAMES["one"][0], ["MAIL FROM:<u@far.example>"]),
        ("user", "users", NAMES["users"][0], ["MAIL FROM:<x@users.example>"]),
        ("foreign", "any", NAMES["any"][0],
         ["RSET", "EHLO any.example", "MAIL FROM:<u@any.example>", "RSET",
          "EHLO mail.test", "MAIL FROM:<u@far.example>"]),
        ("tls", "tls", NAMES["tls"][0], ["MAIL FROM:<u@tls.example>"]),
        ("tls", "auth", NOBODY, ["MAIL FROM:<u@auth.example>"]),
        ("route", "one", NAMES["one"][0],
         ["MAIL FROM:<u@one.example>", "RCPT TO:<x@nowhere.invalid>"]),
    ]
    for cause, customer, address, lines in cases:
        with client(service, address) as c:
            for line in lines[:-1]:
                assert c.code(line) == 250, (cause, line)
            code, text = c.cmd(lines[-1])
            if cause == "foreign" and code == 550 and "Invalid" in text:
                cause = "domain"    # nobody was identified
            assert code >= 400, (cause, text)
        row = refused(service, customer, reference_of(text))
        assert row["cause"] == cause, (cause, row)
        assert row["client"] == address and row["customer"] == customer
        assert row["reply"].replace("\n", "\r\n") in text + "\r\n" or \
            row["reply"].split()[-1] in text, (row["reply"], text)
        assert row["count"] >= 1
        # Another customer's people don't find it; strangers see little of it.
        rows, code = service.call("refusal.show", customer="users"
                                  if customer != "users" else "one",
                                  reference=row["reference"])
        assert (rows, code) == ([], 1), rows
        public = ask(service, "reference.show",
                     reference=row["reference"])[0]
        text = str(public)
        assert public["cause"] == cause and public["address"] == address
        for secret in ("office", "'customer'", "'setting'", "u@", "x@",
                       "nowhere"):
            assert secret not in text, (secret, public)


def s4_3_limits_have_one_reference_a_transaction(service):
    with client(service, NAMES["any"][0], "mail.any.example") as c:
        assert c.code("MAIL FROM:<u@any.example>") == 250
        seen = set()
        for i in range(14):
            code, text = c.cmd(f"RCPT TO:<r{i}@ok.test>")
            if code != 250:
                seen.add(reference_of(text))
        assert len(seen) == 1, seen
        assert c.code("DATA") == 354
        assert c.code("Subject: x\r\n\r\nx\r\n.") == 250
    row = refused(service, "any", seen.pop())
    assert row["cause"] == "limit_peak" and row["limit"]["allowed"] == 9
    assert row["client_name"] == "hall", row

    def whole():
        numbers = ask(service, "overview", customer="any")[0]
        return {c["cause"]: c["count"] for c in numbers["causes"]}.get(
            "limit_peak") == 5
    until(service, whole)


def s4_3_wrong_credentials(service):
    password = service.app_password("u@auth.example")
    wrong = password[:-8] + ("a" if password[-8] != "a" else "b") + \
        password[-7:]
    with client(service, NOBODY, starttls=True) as c:
        word = base64.b64encode(f"\0u@auth.example\0{wrong}".encode()).decode()
        code, text = c.cmd("AUTH PLAIN " + word)
        assert code == 535, text
    row = refused(service, "auth", reference_of(text))
    assert row["cause"] == "credentials", row
    assert row["login"] in ("u@auth.example", password[3:13]), row
    assert wrong not in str(row)
    assert wrong.encode() not in open(service.log_path, "rb").read()


def s12_1_the_overview_adds_up(service):
    numbers = ask(service, "overview", customer="one", range="1h")[0]
    n = numbers["numbers"]
    # With the report about what failed.
    assert (n["accepted"], n["delivered"], n["failed"]) == (4, 2, 1), n
    assert n["queued"] == 1 and n["oldest_queued_at"], n
    assert n["accepted"] == n["delivered"] + n["queued"] + n["failed"]
    assert sum(numbers["series"]["accepted"]) == 4
    assert len(numbers["series"]["accepted"]) == 12
    assert n["median_ms"] is not None
    assert numbers["relay"]["live"] == 1
    causes = [c["cause"] for c in numbers["causes"]]
    assert "address" in causes and "domain" in causes, causes
    queue = ask(service, "queue.matrix", customer="one")[0]
    assert queue["total"] == 1 and queue["totals"]["recipients"] == 1, queue
    assert queue["rows"][0]["counts"][0] == 1, queue
    assert "Greylisted" in queue["rows"][0]["reply"], queue
    rows, last = listed(service, "message.list", customer="one", limit=2)
    assert len(rows) == 2 and last["next"], last
    rest, last = listed(service, "message.list", customer="one", limit=200,
                        cursor=last["next"])
    states = [r["state"] for r in rows + rest]
    assert states.count("refused") >= 3 and len(set(
        r.get("id") or r["reference"] for r in rows + rest)) == len(states)
    seen = ask(service, "watch", customer="one", client=NAMES["one"][0])[0]
    assert seen["accepted"] >= 3, seen
    assert all(r["session"] for r in seen["rows"]), seen
    before = ask(service, "changes")[0]
    assert before["overview_at"] > 0


def s6_11_users_nearest_first(service):
    rows, last = listed(service, "limits.users", customer="one", limit=1)
    assert rows[0]["user"] == "u@one.example", rows
    assert rows[0]["messages_used"] == 3 and rows[0]["unique_used"] == 3
    assert last == {"next": None}, last


def s12_1_what_needs_a_person(service):
    for _ in range(3):
        with client(service, NOBODY) as c:
            assert c.code("MAIL FROM:<u@one.example>") == 550

    def there():
        rows, last = listed(service, "needs", customer="one")
        assert last == {"next": None}, last
        return [r for r in rows if r["kind"] == "address_refused"]
    row, = until(service, there)
    assert row["values"]["address"] == NOBODY and row["count"] >= 3, row
    needs, _ = listed(service, "needs", customer="any")
    assert "limit_full" in [r["kind"] for r in needs], needs
    alerts, _ = listed(service, "alert.list", customer="any")
    assert alerts[0]["limit"] == "customer_peak" and alerts[0]["open"]


def s9_4_cells_of_the_queue(service):
    queue = ask(service, "queue.matrix", customer="one")[0]
    cell = {"destination": queue["rows"][0]["destination"], "age": "5m"}
    for age, messages in (("1h", 0), ("5m", 1)):
        cell["age"] = age
        seen = ask(service, "queue.preview", customer="one", act="hold",
                   selection={"cells": [cell]})[0]
        assert seen["count"] == messages, seen
        assert [s["from"] for s in seen["by_sender"]] == \
            ["u@one.example"] * messages, seen
        done = ask(service, "queue.act", customer="one", act="hold",
                   selection={"cells": [cell]})[0]
        assert done["messages"] == messages, done
    ask(service, "queue.act", 64, customer="one", act="hold",
        selection={"cells": [{"destination": "x", "age": "2h"}]})
    rows, _ = listed(service, "message.list", customer="one", state="held")
    assert len(rows) == 1, rows


def s13_a_login_is_found_behind_other_mail(service):
    """The live check for an app password, when many others send besides."""
    password = service.app_password("u@one.example")
    address = NAMES["one"][0]
    with client(service, address, starttls=True) as c:
        c.auth_plain("u@one.example", password)
        assert c.message("u@one.example", ["a@ok.test"], "x\r\n")[0] == 250
    for _ in range(30):
        with client(service, address) as c:
            assert c.code("MAIL FROM:<u@elsewhere.test>") == 550

    def all_there():
        rows, _ = listed(service, "message.list", customer="one", limit=30)
        return len(rows) == 30 and not any(r["login"] for r in rows)
    until(service, all_there)
    seen = ask(service, "watch", customer="one",
               app_password=password[3:13])[0]
    assert seen["accepted"] == 1, seen
    assert len(ask(service, "watch", customer="one",
                   client="::ffff:" + address)[0]["rows"]) == 25


def script(stage, text, s):
    if stage == "RCPT" and "later.test" in text:
        return "450 4.7.1 Greylisted, come back"
    if stage == "RCPT" and "never.test" in text:
        return "550 5.1.1 no such person here"
    return None


def tests(world, results):
    del world
    sink = Sink(script)
    routes = "".join(
        f"    - {{ domain: \"{d}\", smart_host: \"127.0.0.1:{sink.port}\", "
        "tls: never }\n" for d in ("ok.test", "later.test", "never.test"))
    routes += "    - { domain: \"example\", maildir: \"reports/\" }\n"
    service = Service(routes=routes, directory=directory())
    try:
        service.start()
        for test in (s11_7_what_became_of_a_message,
                     s4_3_every_refusal_has_a_reference,
                     s4_3_limits_have_one_reference_a_transaction,
                     s4_3_wrong_credentials, s12_1_the_overview_adds_up,
                     s6_11_users_nearest_first, s12_1_what_needs_a_person,
                     s9_4_cells_of_the_queue,
                     s13_a_login_is_found_behind_other_mail):
            with results.test(test.__name__):
                test(service)
        assert service.stop() == 0
        check_memory_reports(service, results)
    finally:
        service.close()
        sink.close()
