"""Plans, org units and roles on the command line: what a plan changes in open
sessions, and what `--as ADDRESS` shows and refuses. Steps of run.py, on a
service with the usual directory and a dead next hop."""
import json
import os
import time

from postrider import Client

UNAVAILABLE, DATAERR, USAGE, NOT_ALLOWED, CONFIG = 69, 65, 64, 77, 78

PLANS = """\
plans:
  - name: tiny
    customer_day: { per_licence: 3, most: 3, unpaid: 1 }
customers:
  - name: planned
    plan: tiny
    licences: 10
    billing: paid
    allow_private_addresses: true
    org_units: [ sales, sales/tokyo ]
    domains: [ { name: planned.example, verified: operator } ]
    users:
      - { address: chief@planned.example, role: super-admin }
      - { address: look@planned.example, role: auditor }
      - { address: unit@planned.example, role: unit-admin, org_unit: sales }
      - { address: seller@planned.example, org_unit: sales/tokyo }
      - { address: clerk@planned.example }
    relay_settings:
      - description: office
        allowed_senders: own-domains
        authentication: { ip_only: true }
        ip_entries:
          - { range: 127.0.0.77, description: office }
"""


def apply(s, text, *options, code=0):
    path = os.path.join(s.dir, "roles.yaml")
    with open(path, "w") as f:
        f.write(text)
    p = s.cli("apply", path, *options, check=False)
    assert p.returncode == code, (p.returncode, p.stdout, p.stderr)
    return p


def as_(s, who, *args):
    return s.cli(*args, "--as", f"{who}@planned.example", check=False)


def rows(s, who, *args):
    return [json.loads(x) for x in as_(s, who, *args, "--json")
            .stdout.splitlines()]


def put_through(c, sender, to):
    """The reply to RCPT, or to MAIL when that refuses."""
    code, text = c.cmd(f"MAIL FROM:<{sender}@planned.example>")
    if code == 250:
        code, text = c.cmd(f"RCPT TO:<{to}>")
    return code, text


def a_plan_holds_for_open_sessions(s):
    p = apply(s, PLANS)
    assert "+ plan tiny" in p.stdout, p.stdout
    assert "+ customer planned" in p.stdout, p.stdout
    with Client(s.port, source="127.0.0.77") as c:
        c.hello("planned.example")
        for i in range(3):
            assert put_through(c, "seller", f"r{i}@dead.test")[0] == 250
            assert c.cmd("DATA")[0] == 354
            code, text = c.cmd("Subject: planned\r\n\r\nplanned\r\n.")
            assert code == 250, text
        assert put_through(c, "seller", "r3@dead.test")[0] == 550
        c.cmd("RSET")
        # What was booked stays booked: one more, not four.
        begun = time.monotonic()
        apply(s, "plans: [ { name: tiny, customer_day: { most: 4, "
                 "per_licence: 4 } } ]\n")
        assert put_through(c, "seller", "r4@dead.test")[0] == 250
        assert time.monotonic() - begun < 5
        c.cmd("RSET")
        row = s.rows("limits", "show", "planned")[0]
        assert (row["used"], row["limit"]) == (3, 4), row
        # A plan without relaying (SPEC 4.4), and another plan altogether.
        apply(s, "plans: [ { name: tiny, relay: false } ]\n")
        code, text = put_through(c, "seller", "r5@dead.test")
        assert code == 550 and "plan" in text, text
        c.cmd("RSET")
        apply(s, "customers: [ { name: planned, plan: standard } ]\n")
        assert put_through(c, "seller", "r6@dead.test")[0] == 250
        c.cmd("RSET")
        row = s.rows("limits", "show", "planned")[0]
        assert (row["used"], row["limit"]) == (3, 1300), row


def plans_are_told_and_refused(s):
    p = apply(s, "customers: [ { name: planned, plan: standrad } ]\n",
              code=CONFIG)
    assert "roles.yaml:1:37: error: there is no plan 'standrad', did you " \
        "mean 'standard'?" in p.stderr, p.stderr
    p = apply(s, "plans: [ { name: standard, customer_day: { most: 5 } } ]\n",
              "--dry-run")
    assert "~ plan standard: customer_day.most 4600000 → 5" in p.stdout, p
    p = apply(s, "plans: [ { name: standard } ]\n", "--prune", "--dry-run")
    assert "- plan tiny" in p.stdout and "- plan standard" not in p.stdout
    export = s.cli("export").stdout
    assert "  - name: tiny\n    relay: false\n" in export, export
    assert "nothing to change" in apply(s, export).stderr


def roles_are_kept(s):
    for who in ("chief", "look", "unit"):
        export = as_(s, who, "export")
        assert export.returncode == 0, export
        assert "name: planned" in export.stdout
        assert "plans:" not in export.stdout
        assert "alice@example.com" not in export.stdout
        assert [r["name"] for r in rows(s, who, "customer", "list")] == \
            ["planned"]
    assert "clerk@" in as_(s, "chief", "export").stdout
    unit = as_(s, "unit", "export").stdout
    assert "seller@" in unit and "clerk@" not in unit
    # Another's is what isn't.
    for name in ("example", "nobody"):
        p = as_(s, "chief", "export", "--customer", name)
        assert p.returncode == DATAERR, p
        assert f"there is no customer '{name}'" in p.stderr, p
        p = as_(s, "chief", "limits", "show", name)
        assert p.returncode == DATAERR, p
        assert f"there is no customer '{name}'" in p.stderr, p
    for p in (as_(s, "look", "app-password", "create",
                  "seller@planned.example"),
              as_(s, "seller", "customer", "list")):
        assert p.returncode == NOT_ALLOWED and p.stdout == "", p
    p = as_(s, "unit", "apply", os.path.join(s.dir, "roles.yaml"))
    assert p.returncode == NOT_ALLOWED, p
    assert "ask a super admin (chief@planned.example)" in p.stderr, p
    assert as_(s, "no", "customer", "list").returncode == DATAERR


def a_person_sees_the_own_queue(s):
    mine = {r["id"] for r in rows(s, "chief", "queue", "list")}
    assert len(mine) == 3, mine
    foreign = [r["id"] for r in s.rows("queue", "list")
               if r["id"] not in mine]
    assert {r["id"] for r in rows(s, "unit", "queue", "list")} == mine
    for number in foreign[:1]:
        p = as_(s, "chief", "queue", "show", number)
        assert p.returncode == 1 and p.stdout == "", p
        assert as_(s, "chief", "queue", "remove", number).returncode != 0
    p = as_(s, "unit", "queue", "remove", "--all")
    assert p.returncode == NOT_ALLOWED, p
    assert as_(s, "look", "queue", "destinations").returncode == NOT_ALLOWED
    traced = rows(s, "unit", "trace", "--from", "seller@planned.example")
    assert {r["id"] for r in traced if r["id"]} == mine, traced
    assert rows(s, "look", "trace", "--from", "alice@example.com") == []
    p = as_(s, "chief", "queue", "remove", "--all")
    assert p.returncode == 0, p
    assert rows(s, "chief", "queue", "list") == []
    left = {r["id"] for r in s.rows("queue", "list")}
    assert set(foreign) == left, (foreign, left)


def acts_are_the_operators_as_somebody(s):
    p = as_(s, "unit", "app-password", "create", "seller@planned.example")
    assert p.returncode == 0 and p.stdout.startswith("pr_"), p
    assert as_(s, "unit", "app-password", "create",
               "clerk@planned.example").returncode == DATAERR
    row = s.rows("audit", "list", "--limit", "1")[0]
    assert row["who"] == "operator as unit@planned.example", row
    assert rows(s, "unit", "audit", "list") == [row]
    for args in (("serve", "--as", "x@y.example"), ("export", "--as")):
        assert s.cli(*args, check=False).returncode == USAGE, args
    assert "--as" in s.cli("export", "--help").stdout
    assert "--as" not in s.cli("spool", "ls", "--help").stdout
    assert "--as" in s.cli("completion", "bash").stdout


STEPS = (a_plan_holds_for_open_sessions, plans_are_told_and_refused,
         roles_are_kept, a_person_sees_the_own_queue,
         acts_are_the_operators_as_somebody)
