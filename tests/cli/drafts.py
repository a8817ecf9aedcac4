"""Relay settings as the console edits them, over ctl.sock: put whole, drafted,
tried on the mail that came. Steps of run.py, on a service with the usual
directory and a dead next hop."""
from postrider import Client

from roles import apply

FLEET = """\
customers:
  - name: fleet
    licences: 10
    billing: paid
    allow_private_addresses: true
    domains: [ { name: fleet.example, verified: operator } ]
    users: [ { address: chief@fleet.example, role: super-admin } ]
    relay_settings:
      - description: harbour
        allowed_senders: own-domains
        authentication: { ip_only: true }
        ip_entries:
          - { range: 127.0.0.81, description: harbour }
"""


def send(s, source):
    """The code of MAIL, or of the end of data."""
    with Client(s.port, source=source) as c:
        c.hello("mx.fleet.example")
        code, _ = c.cmd("MAIL FROM:<a@fleet.example>")
        if code != 250:
            return code
        assert c.code("RCPT TO:<b@local.test>") == 250
        assert c.code("DATA") == 354
        return c.code("Subject: t\r\n\r\nt\r\n.")


def ask(s, name, **arguments):
    rows, code = s.call(name, customer="fleet", **arguments)
    assert code == 0, (name, code, rows)
    return rows


def s3_1_a_draft_is_tried_on_the_mail_that_came(s):
    apply(s, FLEET)
    assert [send(s, f"127.0.0.{n}") for n in (81, 81, 82)] == [250, 250, 550]
    # what was refused comes to the journal a little later
    s.wait_for(lambda: ask(s, "replay", hours=1)[0]["judged"] == 3)
    # by the settings in force nothing differs
    assert ask(s, "replay", hours=1)[0]["changed"] == []
    # another address in place of the one that is
    setting = {"ip_entries": [{"range": "127.0.0.82", "description": "new"}]}
    ask(s, "draft.save", id="harbour", setting=setting)
    [tried] = ask(s, "replay", hours=1, draft="harbour")
    assert (tried["judged"], tried["incomplete"]) == (3, False), tried
    assert [(d["was"], d["would"], d["count"], d["client"], d["why"])
            for d in tried["changed"]] == [
        ("accept", "refuse", 2, "127.0.0.81", "address"),
        ("refuse", "accept", 1, "127.0.0.82", "address")], tried
    # not in force until it is put, and then it is no draft any more
    assert send(s, "127.0.0.82") == 550
    ask(s, "setting.put", id="harbour", draft="harbour", setting=setting)
    assert [send(s, f"127.0.0.{n}") for n in (81, 82)] == [550, 250]
    assert ask(s, "draft.list") == []


STEPS = [s3_1_a_draft_is_tried_on_the_mail_that_came]
