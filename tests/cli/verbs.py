"""Nouns and verbs: customers, domains, users, settings and IP entries one at a
time. Steps of run.py, on a running service; mail says whether a change is in
force."""
import json
import os
import re
import time

from postrider import Client

USAGE, DATAERR, NOT_ALLOWED, CONFIG = 64, 65, 77, 78
JAPANESE = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")


def said(s, *args, code=0, words=None, env=None):
    p = s.cli(*args, check=False, env=env)
    assert p.returncode == code, (args, p)
    if words is not None:
        assert words in p.stdout + p.stderr, (words, p)
    return p


def mail_code(s, source, sender, helo="x.invalid"):
    with Client(s.port, source=source) as c:
        c.hello(helo)
        return c.cmd(f"MAIL FROM:<{sender}>")[0]


def a_customer_in_five_lines(s):
    """What a new customer needs, and mail flows at once."""
    said(s, "customer", "add", "verbal", "--licences", "10", "--billing",
         "paid", "--allow-private-addresses", "--org-unit", "sales",
         "--org-unit", "sales/tokyo", words="+ customer verbal")
    said(s, "domain", "add", "verbal.example", "--customer", "verbal",
         "--verified", "operator", words="+ domain verbal.example (verbal)")
    said(s, "user", "add", "chief@verbal.example", "--role", "super-admin",
         "--alias", "a@verbal.example", "--alias", "b@verbal.example",
         words="+ user chief@verbal.example")
    said(s, "user", "add", "unit@verbal.example", "--role", "unit-admin",
         "--org-unit", "sales")
    said(s, "setting", "add", "--customer", "verbal", "--description",
         "Head office", "--allowed-senders", "own-domains", "--ip-only",
         words="+ setting head-office (verbal)")
    assert mail_code(s, "127.0.0.81", "x@verbal.example") == 550
    p = said(s, "ip", "add", "127.0.0.81", "--customer", "verbal",
             "--description", "mail server",
             words="+ entry 127.0.0.81/32 (verbal)")
    assert re.fullmatch(r"revision \d+ live\n", p.stderr), p
    begun = time.monotonic()
    assert mail_code(s, "127.0.0.81", "x@verbal.example") == 250
    assert time.monotonic() - begun < 1


def lists_show_what_there_is(s):
    assert s.rows("user", "list", "--customer", "verbal")[0]["aliases"] == \
        ["a@verbal.example", "b@verbal.example"]
    row = s.rows("setting", "list", "--customer", "verbal")[0]
    assert (row["id"], row["ip_only"], row["require_auth"], row["entries"],
            row["position"]) == ("head-office", True, False, 1, 1), row
    row = s.rows("ip", "list", "--customer", "verbal")[0]
    assert row == {"range": "127.0.0.81/32", "customer": "verbal",
                   "setting": "head-office", "description": "mail server",
                   "enabled": True, "shared": False, "inert": False,
                   "sharing_requested": False, "legacy_tls_until": None}, row
    assert {"name": "verbal.example", "customer": "verbal",
            "kind": "secondary", "of": "", "verified": "operator"} in \
        s.rows("domain", "list")
    table = said(s, "user", "list").stdout
    assert "ADDRESS" in table and "a@verbal.example, b@verbal" in table
    assert "alice@example.com" in table
    said(s, "ip", "list", "--customer", "verbl", code=DATAERR,
         words="there is no customer 'verbl'")


def changes_act_at_once(s):
    for args, code in (
            (("ip", "change", "127.0.0.81", "--customer", "verbal",
              "--enabled", "no"), 550),
            (("ip", "change", "127.0.0.81", "--customer", "verbal",
              "--enabled"), 250),
            (("setting", "change", "head-office", "--customer", "verbal",
              "--enabled=no"), 550),
            (("setting", "change", "head-office", "--customer", "verbal",
              "--enabled=yes"), 250),
            (("customer", "change", "verbal", "--suspended"), 550),
            (("customer", "change", "verbal", "--suspended", "no"), 250),
            (("setting", "change", "head-office", "--customer", "verbal",
              "--allowed-senders", "registered-users"), 550),
            (("user", "add", "x@verbal.example"), 250),
            (("user", "change", "x@verbal.example", "--suspended"), 550),
            (("user", "change", "x@verbal.example", "--suspended", "no"),
             250),
            (("setting", "change", "head-office", "--customer", "verbal",
              "--require-tls"), 530),
            (("setting", "change", "head-office", "--customer", "verbal",
              "--require-tls", "no"), 250),
            (("domain", "change", "verbal.example", "--verified",
              "pending"), 550),
            (("domain", "change", "verbal.example", "--verified",
              "operator"), 250)):
        before = s.cli("export").stdout
        said(s, *args, "--dry-run", words="dry run")
        assert s.cli("export").stdout == before
        said(s, *args, words=" live")
        got = mail_code(s, "127.0.0.81", "x@verbal.example")
        assert got == code, (args, got)
    row = s.rows("customer", "change", "verbal", "--licences", "20",
                 "--over-user", "hold")[0]
    assert (row["what"], row["before"]["licences"],
            row["after"]["licences"]) == ("change", 10, 20), row
    row = s.rows("audit", "list", "--limit", "1")[0]
    assert row["call"] == "customer.change", row
    assert row["object"] == "customer verbal", row
    # The language that a shell reads is none that a customer gets.
    said(s, "customer", "change", "verbal", "--licences", "21",
         words="licences 20 → 21", env={"LANG": "ja_JP.UTF-8"})
    assert "language: ja" not in s.cli("export").stdout
    said(s, "customer", "change", "verbal", "--language", "ja",
         words="language en → ja")
    said(s, "customer", "change", "verbal", "--language", "en",
         words="language ja → en")


def mistakes_are_told(s):
    for args, code, words in (
            (("user", "chnge"), USAGE, "did you mean 'user change'"),
            (("usr", "list"), USAGE, "did you mean 'user'"),
            (("ip",), USAGE, "list, add, change, remove"),
            (("customer", "add"), USAGE, "NAME is missing"),
            (("customer", "add", "n", "--licenses", "3"), USAGE,
             "did you mean '--licences'"),
            (("customer", "add", "n", "--licences", "x"), USAGE,
             "--licences needs a number"),
            (("customer", "add", "n", "--billing", "pad"), USAGE,
             "did you mean 'paid'"),
            (("ip", "change", "127.0.0.81", "--customer", "verbal",
              "--enabled=maybe"), USAGE, "yes or no"),
            (("customer", "add", "verbal"), DATAERR, "is there already"),
            (("user", "remove", "nobody@verbal.example"), DATAERR,
             "there is no user"),
            (("setting", "remove", "head-ofice", "--customer", "verbal"),
             DATAERR, "did you mean 'head-office'"),
            (("ip", "add", "127.0.0.9/24", "--customer", "verbal",
              "--description", "x"), CONFIG, "the network is 127.0.0.0/24"),
            (("ip", "add", "11.0.0.0/15", "--customer", "verbal",
              "--description", "x"), CONFIG, "more than 65,536"),
            (("ip", "add", "224.0.0.1", "--customer", "verbal",
              "--description", "x"), CONFIG, "multicast"),
            (("ip", "add", "127.0.0.80/30", "--customer", "verbal",
              "--description", "x"), CONFIG, "overlaps"),
            (("setting", "change", "head-office", "--customer", "verbal",
              "--ip-only", "no"), CONFIG, "anybody could relay"),
            (("domain", "remove", "verbal.example"), CONFIG,
             "lies in no domain"),
            (("ip", "add", "127.0.0.82", "--description", "x"), USAGE,
             "say which customer")):
        p = said(s, *args, code=code, words=words)
        assert p.stdout == "", p
        p = said(s, *args, code=code, env={"LC_ALL": "ja_JP.UTF-8"})
        assert JAPANESE.search(p.stderr), p
        assert not re.search(r":\d+:\d+:", p.stderr), p
    p = said(s, "user", "change", "x@verbal.example", "--role", "auditor",
             "--dry-run", env={"LC_ALL": "ja_JP.UTF-8"})
    assert "~ ユーザー x@verbal.example (verbal): role user → auditor" in \
        p.stdout, p
    for words in ("customer add", "ip change"):
        assert "--dry-run" in said(s, *words.split(), "--help").stdout
        assert JAPANESE.search(said(s, *words.split(), "--help",
                                    env={"LC_ALL": "ja_JP.UTF-8"}).stdout)
    bash = said(s, "completion", "bash").stdout
    assert '"setting change") words="' in bash and "--allowed-senders" in bash


def persons_change_what_is_theirs(s):
    chief = ("--as", "chief@verbal.example")
    unit = ("--as", "unit@verbal.example")
    said(s, "ip", "add", "127.0.0.83", "--description", "second", *chief)
    said(s, "ip", "remove", "127.0.0.83", *chief)
    said(s, "ip", "change", "127.0.0.81", "--shared", *chief, code=CONFIG,
         words="only the operator changes 'shared'")
    said(s, "customer", "remove", "verbal", *chief, code=NOT_ALLOWED)
    said(s, "user", "list", "--customer", "example", *chief, code=DATAERR)
    assert {r["customer"] for r in s.rows("ip", "list", *chief)} == {"verbal"}
    said(s, "user", "add", "new@verbal.example", "--org-unit", "sales/tokyo",
         *unit)
    said(s, "user", "change", "new@verbal.example", "--role", "auditor", *unit,
         code=CONFIG, words="only a super admin changes 'role'")
    said(s, "user", "change", "x@verbal.example", "--suspended", *unit,
         code=DATAERR, words="there is no user")
    p = said(s, "setting", "change", "head-office", "--enabled", "no", *unit,
             code=NOT_ALLOWED, words="chief@verbal.example")
    assert [r["address"] for r in s.rows("user", "list", *unit)] == \
        ["unit@verbal.example", "new@verbal.example"], p
    row = s.rows("audit", "list", "--limit", "1")[0]
    assert row["who"] == "operator as unit@verbal.example", row


def a_shared_address_is_granted(s):
    """The later of two customers with one address asks; the operator grants;
    the next MAIL of an open session knows (SPEC 2.2, 3.6)."""
    said(s, "customer", "add", "tenant", "--allow-private-addresses")
    said(s, "domain", "add", "tenant.example", "--customer", "tenant",
         "--verified", "operator")
    said(s, "user", "add", "boss@tenant.example", "--role", "super-admin")
    said(s, "setting", "add", "--customer", "tenant", "--description", "x",
         "--allowed-senders", "own-domains", "--ip-only")
    boss = ("--as", "boss@tenant.example")
    p = said(s, "ip", "add", "127.0.0.81", "--description", "hosted", *boss,
             words="another customer held first")
    assert "verbal" not in p.stdout + p.stderr, p
    with Client(s.port, source="127.0.0.81") as c:
        c.hello("x.invalid")
        code, text = c.cmd("MAIL FROM:<x@tenant.example>")
        assert code in (530, 550), text
        said(s, "ip", "share", "127.0.0.81", *boss, code=NOT_ALLOWED)
        p = said(s, "ip", "request-sharing", "127.0.0.81", *boss,
                 words="sharing_requested false → true")
        assert "verbal" not in p.stdout + p.stderr, p
        assert [(r["customer"], r["range"])
                for r in s.rows("ip", "list", "--requests")] == \
            [("tenant", "127.0.0.81/32")]
        said(s, "ip", "request-sharing", "127.0.0.81", "--customer", "verbal",
             code=DATAERR, words="nothing to ask for")
        code, text = c.cmd("MAIL FROM:<x@tenant.example>")
        assert code in (530, 550), text
        said(s, "ip", "share", "127.0.0.81", "--customer", "tenant",
             words=" live")
        begun = time.monotonic()
        assert c.cmd("MAIL FROM:<x@tenant.example>")[0] == 250
        assert time.monotonic() - begun < 1
    assert mail_code(s, "127.0.0.81", "x@verbal.example") == 250
    assert s.rows("ip", "list", "--requests") == []
    said(s, "customer", "remove", "tenant")


def strange_words_are_shown_and_refused(s):
    """RELIABILITY 2.9 L1: what turns the direction of writing is shown as
    its bytes; what is no UTF-8 can't be carried."""
    p = said(s, "setting", "change", "head-office", "--customer", "verbal",
             "--description", "a\u202eb", "--dry-run",
             words="a\\xe2\\x80\\xaeb")
    assert "\u202e" not in p.stdout, p
    path = os.path.join(s.dir, "strange.yaml")
    with open(path, "w") as f:
        f.write(s.cli("export").stdout.replace(
            "description: Head office", 'description: "a\u202eb"'))
    p = said(s, "apply", path, "--dry-run", words="a\\xe2\\x80\\xaeb")
    assert "\u202e" not in p.stdout, p
    for args in (("user", "add", "\udcff@verbal.example"),
                 ("setting", "change", "head-office", "--customer", "verbal",
                  "--description", "\udcff"),
                 ("user", "list", "--as", "\udcff@verbal.example")):
        said(s, *args, code=USAGE, words="'\\xff")


def a_removed_customer_is_gone(s):
    p = said(s, "customer", "remove", "verbal", words="- customer verbal")
    assert "- user chief@verbal.example (verbal)" in p.stdout, p
    assert mail_code(s, "127.0.0.81", "x@verbal.example") == 550
    assert "verbal" not in s.cli("export").stdout
    assert s.rows("user", "list") == [
        r for r in s.rows("user", "list") if r["customer"] != "verbal"]
    said(s, "customer", "add", "verbal", code=CONFIG,
         words="can't be used again")
    said(s, "domain", "add", "verbal.example", "--customer", "example",
         "--dry-run")
    assert json.loads(s.cli("customer", "list", "--json").stdout
                      .splitlines()[-1])["closing"], "not closing"


STEPS = (a_customer_in_five_lines, lists_show_what_there_is,
         changes_act_at_once, mistakes_are_told,
         persons_change_what_is_theirs, a_shared_address_is_granted,
         strange_words_are_shown_and_refused, a_removed_customer_is_gone)
