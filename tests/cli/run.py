#!/usr/bin/env python3
"""The command line and the service's manners, as an administrator meets
them: every subcommand on a live service with one dead next hop, wrong input,
restarts, reload, drain. Bounded to 45 s under a sanitizer."""
import glob
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "lib"))
from postrider import (BIN, Client, DIRECTORY, Results, Service,  # noqa: E402
                       Sink,
                       check_memory_reports, free_port)
import probe  # noqa: E402
import clock  # noqa: E402
import drafts  # noqa: E402
import held  # noqa: E402
import people  # noqa: E402
import roles  # noqa: E402
import verbs  # noqa: E402

OK, USAGE, DATAERR, NOINPUT, UNAVAILABLE, TEMPFAIL, CONFIG = \
    0, 64, 65, 66, 69, 75, 78
BODY = "Message-ID: <{0}@example.com>\r\nSubject: {0}\r\n\r\n{0}\r\n"


def file_of(service, name, text):
    path = os.path.join(service.dir, name)
    with open(path, "w") as f:
        f.write(text)
    return path


def send(service, word, *recipients, sender="alice@example.com"):
    with Client(service.port) as c:
        c.hello()
        code, text = c.message(sender, recipients, BODY.format(word))
        assert code == 250, text
        return text.split()[-1]


def lines(p):
    return [x for x in p.stderr.splitlines() if x]


# --- without a service --------------------------------------------------------

def without_service(s):
    p = s.cli("apply", s.directory)
    assert "+ customer example" in p.stdout, p.stdout
    assert s.cli("check").returncode == OK
    p = s.cli("version")
    assert re.fullmatch(r"postrider \d+\.\d+\.\d+\n", p.stdout), p.stdout
    assert s.rows("version")[0]["version"]
    p = s.cli("queue", "list", check=False)
    assert p.returncode == UNAVAILABLE and "no service runs" in p.stderr
    assert "\ncustomers:\n" in s.cli("export").stdout


def usage(s):
    for args, words in (
            (("qeue", "list"), "did you mean 'queue'"),
            (("queue", "lst"), "did you mean 'queue list'"),
            (("queue",), "list"),
            (("apply", "--dryrun", "x"), "did you mean '--dry-run'"),
            (("apply",), "FILE"), (("queue", "retry"), "--all"),
            (("trace",), "--message-id"),
            (("queue", "list", "--limit", "many"), "number"),
            (("completion", "fish"), "zsh"),
            (("export", "too", "many"), "too many")):
        p = s.cli(*args, check=False)
        assert p.returncode == USAGE and words in p.stderr, (args, p)
        assert p.stdout == "", args
        p = s.cli(*args, check=False, env={"LANG": "ja_JP.UTF-8"})
        assert p.returncode == USAGE
    for shell in ("bash", "zsh"):
        assert "queue" in s.cli("completion", shell).stdout
    for args in (("--help",), ("queue", "list", "--help")):
        p = subprocess.run([s.bin, *args], capture_output=True, text=True)
        assert p.returncode == OK and "Usage" in p.stdout, p


def broken_config(s):
    good = open(s.config).read()
    for text, words in (
            (good.replace("hostname:", "hostnam:"),
             r"bad.yaml:1:1: error: .*did you mean 'hostname'"),
            (good.replace("tls: implicit", "tls: implict"),
             r"bad.yaml:6:\d+: error: .*did you mean 'implicit'"),
            (good + "limits: { message_size: 1 }\n", r"bad.yaml:\d+:\d+: "),
            ("", None), ("[", r"bad.yaml:\d+:\d+: error: "),
            (good.replace("delivery:\n", "delivery: {"), r":\d+:\d+: ")):
        bad = file_of(s, "bad.yaml", text)
        p = subprocess.run([s.bin, "check", "--config", bad, "--data-dir",
                            s.data], capture_output=True, text=True)
        if words:
            assert p.returncode == CONFIG, (text[:60], p)
            assert re.search(words, p.stdout + p.stderr), p
    p = subprocess.run([s.bin, "check", "--config", "/nowhere.yaml"],
                       capture_output=True, text=True)
    assert p.returncode in (NOINPUT, CONFIG) and \
        "/nowhere.yaml" in p.stdout + p.stderr, p


def findings(s, *args, language="C"):
    """What check finds: texts by severity."""
    p = s.cli("check", "--json", *args, check=False,
              env={"LC_ALL": language})
    rows = [json.loads(x) for x in p.stdout.splitlines()]
    assert p.returncode == (CONFIG if any(
        r["severity"] == "error" for r in rows) else OK), p
    return rows


def has_finding(rows, severity, words):
    return any(r["severity"] == severity and words in r["text"] for r in rows)


def files_of(folder):
    found = {}
    for where, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(where, name)
            if os.path.isfile(path):
                st = os.stat(path)
                found[path] = (st.st_mtime_ns, st.st_size)
    return found


JAPANESE = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")


def check_looks_at_data(s):
    """Store, view and spool as they lie there: absent, damaged, of a newer
    version; nothing is changed by looking."""
    before = files_of(s.data)
    before.pop(os.path.join(s.data, "lock"))    # taken for a moment
    rows = findings(s)
    assert not any(word in r["text"] for r in rows
                   for word in ("store", "view", "spool")), rows
    after = files_of(s.data)
    after.pop(os.path.join(s.data, "lock"))
    assert after == before, after
    empty = os.path.join(s.dir, "empty-data")
    assert has_finding(findings(s, "--data-dir", empty), "warning",
                       "no store yet")
    assert not os.path.exists(empty)
    copy = os.path.join(s.dir, "copied-data")
    shutil.copytree(s.data, copy,
                    ignore=lambda _, names: ["ctl.sock"])
    store = os.path.join(copy, "store", "directory.db")
    good = open(store, "rb").read()
    for change, words, japanese in (
            (good[:60] + b"\0\0\x03\xe7" + good[64:], "(schema 999, this one",
             "スキーマ 999"),
            (good[:4096] + b"Z" * 3000 + good[7096:], "is damaged", "壊れて"),
            (b"SQLite nonsense!" + good[16:], "is damaged", "壊れて")):
        with open(store, "wb") as f:
            f.write(change)
        at = ("--data-dir", copy)
        assert has_finding(findings(s, *at), "error", words), words
        assert has_finding(findings(s, *at, language="ja_JP.UTF-8"), "error",
                           japanese), japanese
    with open(store, "wb") as f:
        f.write(good)
    view = glob.glob(os.path.join(copy, "store", "view", "view*"))
    assert view
    for path in view:
        with open(path, "r+b") as f:
            f.write(b"ZZZZZZZZ")
    assert has_finding(findings(s, *at), "warning", "of the view can't be")
    shutil.rmtree(copy)


def check_looks_at_the_spool(s):
    """The heads of segments, also while the service writes them."""
    assert not any("spool" in r["text"] for r in findings(s))
    copy = os.path.join(s.dir, "copied-spool")
    shutil.copytree(os.path.join(s.data, "spool"),
                    os.path.join(copy, "spool"))
    at = ("--data-dir", copy)
    path = sorted(glob.glob(os.path.join(copy, "spool", "seg-*.log")))[0]
    with open(path, "r+b") as f:
        f.write(b"Z" * 4096)
    rows = findings(s, *at)
    assert has_finding(rows, "warning", "no readable head"), rows
    shutil.rmtree(copy)


def check_tells_of_keys_without_effect(s):
    """Accepted, and without effect yet: told by check and at the start."""
    good = open(s.config).read()
    bad = file_of(s, "inert.yaml", good.replace(
        "delivery:\n", "delivery:\n  port: 2526\n"
        "  allow_addresses: [ 127.0.0.0/8 ]\n") +
        "dns: { trust_anchor: /usr/share/dns/root.key }\n"
        "operator: { mail: ops@example.net }\n")
    p = subprocess.run([s.bin, "check", "--config", bad, "--data-dir",
                        s.data], capture_output=True, text=True)
    for key in ("delivery.port", "delivery.allow_addresses",
                "dns.trust_anchor"):
        assert f"warning: {key} has no effect in this version" in p.stdout, p
    assert "operator" not in p.stdout, p    # its mail has a route
    assert p.returncode == OK
    # A port that is taken ends the start behind its warnings.
    taken = socket.create_server(("127.0.0.1", 0))
    text = open(bad).read()
    port = re.search(r'address: "127\.0\.0\.1:(\d+)"', text)[1]
    bad = file_of(s, "inert2.yaml", text.replace(
        f":{port}\"", f":{taken.getsockname()[1]}\"", 1))
    for language, words in (("C", "another program has this port"),
                            ("ja_JP.UTF-8", "別のプログラムが使って")):
        p = subprocess.run([s.bin, "serve", "--config", bad, "--data-dir",
                            s.data], capture_output=True, text=True,
                           timeout=30, env={**os.environ,
                                            "LC_ALL": language})
        assert '"event":"serve.no_effect","key":"delivery.port"' in \
            p.stderr, p
        assert words in p.stderr and p.returncode != OK, p
    taken.close()


def everything_in_japanese(s):
    """What a shell user reads besides: findings, errors of the system, of the
    layout, of calls."""
    rows = findings(s, language="ja_JP.UTF-8")
    assert all(JAPANESE.search(r["text"]) for r in rows), rows
    for args in (("apply", "/nowhere.yaml"), ("queue", "list"),
                 ("spool", "cat", "0" * 20), ("spool", "cat", "x"),
                 ("spool", "ls", "--data-dir", "/nowhere"),
                 ("check", "--config", "/nowhere.yaml"),
                 ("serve", "--config", "/nowhere.yaml"),
                 ("spool", "export", "/proc/nowhere"),
                 ("app-password", "list", "nobody@example.com"),
                 ("app-password", "remove", "aaaaaaaaaa"),
                 ("completion", "fish")):
        p = s.cli(*args, check=False, env={"LC_ALL": "ja_JP.UTF-8"})
        said = p.stderr + p.stdout
        assert p.returncode != OK and JAPANESE.search(said), (args, p)
    odd = file_of(s, "odd.yaml", open(s.config).read() +
                  "user: nobody-of-that-name\n")
    for command in ("check", "serve"):
        p = subprocess.run([s.bin, command, "--config", odd, "--data-dir",
                            s.data], capture_output=True, text=True,
                           timeout=30, env={**os.environ,
                                            "LC_ALL": "ja_JP.UTF-8"})
        assert "ユーザー nobody-of-that-name は存在しません" in \
            p.stdout + p.stderr, p
        assert p.returncode == CONFIG, p


def errors_in_japanese(s):
    """The place stays, the words are the reader's (LC_ALL, LC_MESSAGES,
    LANG): configuration, its files, directory files."""
    good = open(s.config).read()
    japanese = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")
    for text, place in (
            (good.replace("hostname:", "hostnam:"), ":1:1: "),
            (good + "spool: { segment: 1 }\n", r":\d+:19: "),
            (good + "limits: [", r":\d+:\d+: "),
            (good + "tls: { certificate: /nowhere.pem, key: /nowhere.key }\n",
             "")):
        bad = file_of(s, "bad.yaml", text)
        for command in ("check", "serve"):
            for env in ({"LC_ALL": "ja_JP.UTF-8"},
                        {"LC_MESSAGES": "ja_JP.UTF-8", "LC_ALL": "",
                         "LANG": "C"},
                        {"LC_ALL": "C", "LANG": "ja_JP.UTF-8"}):
                p = subprocess.run(
                    [s.bin, command, "--config", bad], capture_output=True,
                    text=True, timeout=30, env={**os.environ, **env})
                out = [x for x in (p.stdout + p.stderr).splitlines()
                       if "error: " in x]
                assert p.returncode == CONFIG and out, (text[-60:], p)
                assert re.search(place + "error: ", out[0]), p
                assert bool(japanese.search(out[0])) == \
                    ("C" != env.get("LC_ALL")), (env, p)
    wrong = file_of(s, "wrong.yaml", DIRECTORY.replace("licences", "licenses"))
    for path, place in ((wrong, ":3:5: error: "),
                        (file_of(s, "wrong2.yaml", "customers: ["), ":2:"),
                        (file_of(s, "wrong3.yaml", "a: &x 1\n"), ":1:")):
        p = s.cli("apply", path, check=False, env={"LC_ALL": "ja_JP.UTF-8"})
        assert p.returncode in (CONFIG, DATAERR) and \
            p.stderr.startswith(path + place), p
        assert japanese.search(p.stderr), p


# --- directory ------------------------------------------------------------------

def round_trip(s):
    before = s.cli("export").stdout
    path = file_of(s, "export.yaml", before)
    p = s.cli("apply", "--dry-run", path)
    assert "nothing to change" in p.stderr and p.stdout == ""
    assert s.cli("apply", "-", stdin=before).returncode == OK
    assert s.cli("export").stdout == before


def dry_run(s):
    before = s.cli("export").stdout
    path = file_of(s, "dry.yaml", DIRECTORY.replace(
        "Head office", "Headquarters").replace("licences: 100000",
                                               "licences: 5"))
    p = s.cli("apply", "--dry-run", path)
    assert "licences" in p.stdout and "dry run" in p.stderr, p
    assert s.cli("export").stdout == before


def prune(s):
    more = DIRECTORY.replace(
        "    users:\n", "    users:\n      - { address: bob@example.com }\n")
    s.cli("apply", file_of(s, "more.yaml", more))
    p = s.cli("apply", s.directory)
    assert "= user bob@example.com (example): not in the file, stays" in \
        p.stdout, p.stdout
    assert "bob@example.com" in s.cli("export").stdout
    p = s.cli("apply", "--prune", s.directory)
    assert "- user bob@example.com (example)" in p.stdout
    assert "bob@example.com" not in s.cli("export").stdout


def wrong_directory(s):
    """Every error with its place; nothing of the file is applied."""
    before = s.cli("export").stdout
    for change, place, words in (
            (("licences:", "licenses:"), "3:5", "did you mean 'licences'"),
            (("own-domains", "own-domain"), "13:26", "own-domains"),
            (("127.0.0.1/32", "127.0.0.1/24"), "18:22", "127.0.0.0/24"),
            (("127.0.0.1/32", "0.0.0.0/0"), "18:", "65,536"),
            (("127.0.0.1/32", "224.0.0.1"), "18:", "multicast"),
            (("ip_only: true, require_auth: false",
              "ip_only: false, require_auth: false"), "12:9", "anybody"),
            (("example.co.jp", "co.jp"), "8:9", "public suffix"),
            (("alice@example.com", "alice@example.org"), "10:9", "no domain"),
            (("allow_private_addresses: true",
              "allow_private_addresses: false"), "18:", "loopback"),
            (("billing: paid", "billing: payed"), "4:", "paid")):
        path = file_of(s, "wrong.yaml", DIRECTORY.replace(*change).replace(
            "Head office", "Half applied"))
        p = s.cli("apply", path, check=False)
        assert p.returncode in (CONFIG, DATAERR), (change, p)
        assert f"{path}:{place}" in p.stderr and words in p.stderr, \
            (change, p.stderr)
        assert s.cli("export").stdout == before, change
    p = s.cli("apply", "/nowhere.yaml", check=False)
    assert p.returncode == NOINPUT
    p = s.cli("apply", "-", stdin="customers: [", check=False)
    assert p.returncode in (CONFIG, DATAERR) and ":1:" in p.stderr, p


def explain(s):
    args = ("explain", "--client-ip", "127.0.0.1", "--helo",
            "mail.example.com", "--from", "alice@example.com")
    p = s.cli(*args)
    assert "accepted" in p.stdout and "Head office" in p.stdout
    p = s.cli(*args, env={"LANG": "ja_JP.UTF-8"})
    assert "受け付け" in p.stdout or "許可" in p.stdout, p.stdout
    row = s.rows(*args)[0]
    assert row["verdict"] == "accept" and row["customer"] == "example"
    row = s.rows("explain", "--client-ip", "203.0.113.9", "--from",
                 "alice@example.com", "--tls")[0]
    assert row["verdict"] == "refuse" and row["reply"].startswith(
        "550 5.7.1 Mail relay denied [203.0.113.9]"), row
    assert [x for x in row["steps"] if not x["held"]]
    p = s.cli("explain", "--client-ip", "300.1.1.1", "--from", "x@y",
              check=False)
    assert p.returncode in (USAGE, DATAERR), p


def password(s):
    p = s.cli("app-password", "create", "alice@example.com")
    assert re.fullmatch(r"pr_[a-z2-7]{40}\n", p.stdout), p.stdout
    assert p.stdout.strip() not in s.cli("audit", "list").stdout
    p = s.cli("app-password", "create", "nobody@example.com", check=False)
    assert p.returncode == DATAERR and p.stdout == "" and \
        "nobody@example.com" in p.stderr
    p = s.cli("app-password", "create", "alice@example.com", "--range",
              "10.0.0.0/33", check=False)
    assert p.returncode in (USAGE, DATAERR) and p.stdout == ""
    with Client(s.port) as c:
        c.hello()
        c.starttls()
        mine = s.app_password()
        assert c.auth_plain("alice@example.com", mine)[0] == 235
    secret_is_nowhere(s, mine)
    rows = s.rows("audit", "list")
    assert rows[0]["who"] and rows[0]["at"].endswith("Z")
    assert any("app-password" in str(r) for r in rows)
    assert s.rows("customer", "list")[0]["name"] == "example"


def secret_is_nowhere(s, mine):
    for where, _, names in os.walk(s.data):
        for name in names:
            path = os.path.join(where, name)
            if not os.path.isfile(path):
                continue
            with open(path, "rb") as f:
                assert mine[13:].encode() not in f.read(), name


WITH_LOGIN = """customers:
  - name: login
    domains:
      - { name: login.example, verified: operator }
    users:
      - { address: u@login.example }
    relay_settings:
      - description: Anywhere
        authentication: { ip_only: false, require_auth: true }
"""


def passwords_listed_and_removed(s):
    """By address and all, for people and programs; a removed one is refused
    within a second, in a session that is open as well."""
    for r in s.rows("app-password", "list"):
        s.cli("app-password", "remove", r["id"])
    assert s.rows("app-password", "list") == []
    secret = s.app_password()
    other = s.cli("app-password", "create", "alice@example.com", "--sender",
                  "news@example.com", "--range", "192.0.2.0/24")
    rows = s.rows("app-password", "list", "alice@example.com")
    assert len(rows) == 2 and rows == sorted(
        s.rows("app-password", "list"), key=lambda r: r["created_at"])
    bound = [r for r in rows if r["sender"]][0]
    assert bound["sender"] == "news@example.com"
    assert bound["range"] == "192.0.2.0/24" and other.stdout[3:13] == \
        bound["id"]
    row = [r for r in rows if not r["sender"]][0]
    assert row == {"id": secret[3:13], "address": "alice@example.com",
                   "customer": "example", "sender": None, "range": None,
                   "created_at": row["created_at"]}
    shown = s.cli("app-password", "list").stdout
    assert row["id"] in shown and secret[13:] not in shown
    p = s.cli("app-password", "list", "nobody@example.com", check=False)
    assert p.returncode == DATAERR and "nobody@example.com" in p.stderr
    s.cli("apply", file_of(s, "login.yaml", WITH_LOGIN))
    secret = s.app_password("u@login.example")
    with Client(s.port, source="127.0.0.5") as c:
        c.hello()
        c.starttls()
        assert c.auth_plain("u@login.example", secret)[0] == 235
        assert c.code("MAIL FROM:<u@login.example>") == 250
        assert c.code("RSET") == 250
        p = s.cli("app-password", "remove", secret[3:13])
        begun = time.monotonic()
        assert "live" in p.stderr, p
        while c.code("MAIL FROM:<u@login.example>") == 250:
            assert time.monotonic() - begun < 1, "it still works"
            assert c.code("RSET") == 250
    with Client(s.port, source="127.0.0.5") as c:
        c.hello()
        c.starttls()
        assert c.auth_plain("u@login.example", secret)[0] == 535
    s.cli("app-password", "remove", row["id"])
    p = s.cli("app-password", "remove", row["id"], check=False)
    assert p.returncode == DATAERR and row["id"] in p.stderr, p
    p = s.cli("app-password", "remove", row["id"], check=False,
              env={"LC_ALL": "ja_JP.UTF-8"})
    assert "登録されていません" in p.stderr, p
    assert [r["id"] for r in s.rows("app-password", "list")] == [bound["id"]]


# --- queue, trace, spool --------------------------------------------------------

def queue(s):
    number = send(s, "queue1", "x@dead.test", "y@dead.test")
    other = send(s, "queue2", "x@dead.test")

    def row():
        return s.rows("queue", "show", number)[0]

    def states():
        return {r["state"] for r in row()["recipients"]}
    s.wait_for(lambda: row()["recipients"][0]["tries"] == 1)
    now = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
    for command in (("queue", "show", number), ("queue", "list"),
                    ("trace", number)):
        for r in s.rows(*command)[0]["recipients"]:
            assert now < r["next_at"] and r["next_at"].endswith("Z"), \
                (command, r)
    assert row()["from"] == "alice@example.com" and row()["size"] > 0
    assert {r["id"] for r in s.rows("queue", "list")} == {number, other}, \
        s.rows("queue", "list")
    assert number in s.cli("queue", "list").stdout
    assert states() == {"waiting"}
    s.cli("queue", "hold", number)
    assert states() == {"held"}
    for command in (("queue", "show", number), ("trace", number)):
        assert {r["next_at"] for r in s.rows(*command)[0]["recipients"]} \
            == {None}, command
    assert [r["id"] for r in s.rows("queue", "list", "--state", "held")] \
        == [number]
    s.wait_for(lambda: s.metrics()["postrider_queue_held_recipients"] == 2)
    s.cli("queue", "release", number)
    s.wait_for(lambda: states() == {"waiting"})
    tries = row()["recipients"][0]["tries"]
    s.cli("queue", "retry", number)
    s.wait_for(lambda: row()["recipients"][0]["tries"] > tries)
    assert s.rows("queue", "destinations")[0]["failures"] > 0
    assert len(s.rows("queue", "list", "--limit", "1")) == 1
    s.cli("queue", "remove", number)
    p = s.cli("queue", "remove", number, check=False)
    assert p.returncode != OK and "no such message" in p.stderr
    p = s.cli("queue", "show", number, check=False)
    assert p.returncode != OK
    p = s.cli("queue", "show", "zz", check=False)
    assert p.returncode == USAGE and "20 characters" in p.stderr
    assert {r["id"] for r in s.rows("queue", "list")} == {other}
    s.cli("queue", "remove", "--all")
    assert s.rows("queue", "list") == []


def send_many(s, word, count, sender, recipient):
    """A session each thousand."""
    for begin in range(0, count, 1000):
        with Client(s.port) as c:
            c.hello()
            for _ in range(min(1000, count - begin)):
                c.send(f"MAIL FROM:<{sender}>\r\nRCPT TO:<{recipient}>\r\n"
                       "DATA\r\n")
                c.expect(250, 250, 354)
                c.send(f"Subject: {word}\r\n\r\n.\r\n")
                c.expect(250)


def queue_acts_on_all(s):
    """Acts reach everything that matches, however much it is, and say how
    much it was; a list stays a list of 100."""
    many = 1200
    send_many(s, "many", many, "alice@example.com", "x@dead.test")
    send_many(s, "few", 5, "bob@example.com", "y@dead2.test")

    def held():
        return s.metrics()["postrider_queue_held_recipients"]
    whole = {"messages": many + 5, "recipients": many + 5}
    assert len(s.rows("queue", "list")) == 100
    few = s.rows("queue", "list", "--from", "bob@example.com")
    assert len(few) == 5
    dead2 = few[0]["recipients"][0]["destination"]
    assert s.rows("queue", "hold", "--all") == [whole]
    s.wait_for(lambda: held() == many + 5)
    assert s.rows("queue", "hold", "--all") == [
        {"messages": 0, "recipients": 0}]
    for args, count in ((("--destination", dead2), 5),
                        (("--from", "Bob@EXAMPLE.com"), 5),
                        (("--from", "alice@example.com", "--destination",
                          dead2), 0),
                        (("--from", "<>"), 0),
                        (("--customer", "4000000000"), 0),
                        (("--from", "alice@example.com"), many)):
        assert s.rows("queue", "release", *args) == [
            {"messages": count, "recipients": count}], args
        assert s.rows("queue", "hold", *args)[0]["messages"] == count, args
    s.wait_for(lambda: held() == many + 5)
    customer = s.rows("queue", "list", "--limit", "1")[0]["customer"]
    # In a new process the envelopes are not in memory any more.
    kill(s, "relay")
    s.wait_for(lambda: len(list_or_none(s) or ()) == 100)
    assert held() == many + 5
    assert s.rows("queue", "release", "--from", "bob@example.com") == [
        {"messages": 5, "recipients": 5}]
    assert s.rows("queue", "release", "--customer", str(customer)) == [
        {"messages": many, "recipients": many}]
    assert s.rows("queue", "retry", "--all") == [whole]
    # What is just being tried is left out, and goes when that has ended.
    removed = 0

    def gone():
        nonlocal removed
        removed += s.rows("queue", "remove", "--all")[0]["messages"]
        return removed == many + 5
    shown = s.cli("queue", "remove", "--from", "bob@example.com").stdout
    assert re.search(r"MESSAGES|messages", shown), shown
    removed += 5 - len(s.rows("queue", "list", "--from", "bob@example.com"))
    s.wait_for(gone)
    assert s.rows("queue", "list") == []


def queue_acts_are_chosen(s):
    """Nobody acts on all by forgetting to say on what."""
    number = send(s, "chosen", "x@dead.test")
    for act in ("retry", "hold", "release", "remove"):
        p = s.cli("queue", act, check=False)
        assert p.returncode == USAGE and "--all" in p.stderr, p
        assert p.stdout == ""
    for args, words in ((("--from", "nobody at all"), "nobody at all"),
                        (("--customer", "0"), "customer"),
                        (("--destination", "x" * 400), "destination")):
        p = s.cli("queue", "remove", *args, check=False)
        assert p.returncode == USAGE and words in p.stderr, p
    assert [r["id"] for r in s.rows("queue", "list")] == [number]
    japanese = {"LC_ALL": "ja_JP.UTF-8"}
    for args, words in ((("show", "zz"), "メッセージ ID ではありません"),
                        (("show", "0" * 20), "キューに"),
                        (("remove", "--from", "x y"), "メールアドレス"),
                        (("list", "--limit", "0"), "1 から 100000"),
                        (("list", "--state", "odd"), "'odd'"),
                        (("hold",), "対象を指定")):
        p = s.cli("queue", *args, check=False, env=japanese)
        assert p.returncode != OK and words in p.stderr, p
    s.cli("queue", "remove", "--all")


def queue_survives(s):
    """Held stays held, waiting goes on, after relay was killed."""
    held, waiting = (send(s, f"survive{i}", "x@dead.test") for i in (1, 2))
    s.cli("queue", "hold", held)
    time.sleep(0.2)         # in an idle log a state waits 20 ms for company
    kill(s, "relay")
    s.wait_for(lambda: len(list_or_none(s) or ()) == 2)
    rows = {r["id"]: r["recipients"][0]["state"]
            for r in s.rows("queue", "list")}
    assert rows == {held: "held", waiting: "waiting"}, rows
    s.cli("queue", "remove", "--all")


def list_or_none(s):
    p = s.cli("queue", "list", "--json", check=False)
    return [json.loads(x) for x in p.stdout.splitlines()] \
        if p.returncode == OK else None


def signal_reload(s):
    before = s.metrics()["postrider_reloads_total"]
    s.process.send_signal(signal.SIGHUP)
    s.wait_for(lambda: s.metrics()["postrider_reloads_total"] > before)
    s.wait_ready()


def route_lost(s):
    """A message whose route is taken away: relay starts all the same, the
    message says so and waits; with the route it goes on."""
    good = s.routes
    s.routes += ('    - { domain: "lost.test", smart_host: '
                 f'"127.0.0.1:{free_port()}" }}\n')
    s.write_config()
    signal_reload(s)
    number = s.wait_for(lambda: sent(s, "lost", "x@lost.test", "y@dead.test"))
    s.routes = good
    s.write_config()
    signal_reload(s)
    kill(s, "relay")

    def reply():
        rows = {r["id"]: r for r in list_or_none(s) or ()}
        if number not in rows:
            return None
        found = {r["to"]: r for r in rows[number]["recipients"]}
        return "No route" in (found["x@lost.test"]["reply"] or "")
    s.wait_for(lambda: reply() is not None)
    s.cli("queue", "retry", number)
    s.wait_for(reply)
    with Sink() as sink:
        s.routes += ('    - { domain: "lost.test", smart_host: '
                     f'"127.0.0.1:{sink.port}" }}\n')
        s.write_config()
        signal_reload(s)
        s.cli("queue", "retry", number)
        assert b"Subject: lost" in sink.wait(1)[0]["body"]
    s.routes = good
    s.write_config()
    signal_reload(s)
    s.cli("queue", "remove", "--all")


def trace(s):
    number = send(s, "trace1", "t@local.test", "x@dead.test")
    with Client(s.port, source="127.0.0.5") as c:
        c.hello("stranger.test")
        code, text = c.cmd("MAIL FROM:<alice@example.com>")
        assert code == 550
        reference = text.rsplit("[", 1)[1].rstrip("]")
    s.wait_for(lambda: s.captured())

    def ended():
        row = s.rows("trace", number)[0]
        found = {r["to"]: r["state"] for r in row["recipients"]}
        return row if found["t@local.test"] == "delivered" and \
            found["x@dead.test"] in ("deferred", "waiting") else None
    row = s.wait_for(ended)
    assert [e["event"] for e in row["events"]][0] == "accepted"
    for args in (("--from", "alice@example.com"), ("--to", "t@local.test"),
                 ("--message-id", "<trace1@example.com>"),
                 ("--message-id", "trace1@example.com"),
                 ("--client-ip", "127.0.0.1")):
        assert number in [r["id"] for r in s.rows("trace", *args)], args
    row = s.rows("trace", reference)[0]
    assert row["id"] is None and row["reference"] == reference
    assert row["events"][0]["event"] == "refused"
    assert "550" in row["events"][0]["reply"]
    rows = s.rows("trace", "--client-ip", "127.0.0.5")
    assert any(r["reference"] == reference for r in rows), rows
    assert any(r["reference"] == reference for r in
               s.rows("trace", "--from", "alice@example.com"))
    p = s.cli("trace", "0" * 20, check=False)
    assert p.stdout == "", p
    assert "127.0.0.5" in s.cli("trace", reference).stdout
    s.cli("queue", "remove", "--all")


def spool(s):
    number = send(s, "spool1", "x@dead.test")
    big = "z" * 76 + "\r\n"
    with Client(s.port) as c:
        c.hello()
        reply = c.message("alice@example.com", ["x@dead.test"],
                          "Subject: big\r\n\r\n" + big * 30000)
        assert reply[0] == 250
    other = reply[1].split()[-1]
    rows = {r["id"]: r for r in s.rows("spool", "ls")}
    assert number in rows and other in rows
    text = subprocess.run(
        [s.bin, "spool", "cat", "--config", s.config, number],
        capture_output=True).stdout
    assert text.endswith(b"Subject: spool1\r\n\r\nspool1\r\n"), text
    text = subprocess.run(
        [s.bin, "spool", "cat", "--config", s.config, other],
        capture_output=True).stdout
    assert text.endswith(big.encode() * 30000)
    assert s.cli("spool", "cat", number).returncode == OK
    p = s.cli("spool", "cat", "0" * 20, check=False)
    assert p.returncode == NOINPUT and "no such message" in p.stderr
    assert s.cli("spool", "cat", "../x", check=False).returncode == USAGE
    row = s.rows("spool", "check")[0]
    assert row["damaged"] == 0 and row["messages"] >= 2, row
    shown = s.cli("spool", "check", env={"LC_ALL": "ja_JP.UTF-8"}).stdout
    assert "破損        0\n" in shown, shown
    assert "damaged      0\n" in s.cli("spool", "check").stdout
    out = os.path.join(s.dir, "out")
    s.cli("spool", "export", out)
    assert {f"{number}.eml", f"{other}.eml"} <= set(os.listdir(out))
    s.cli("queue", "remove", "--all")


# --- the service -------------------------------------------------------------------

def http(s, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{s.http}{path}",
                                    timeout=5) as r:
            return r.status, r.read().decode()
    except urllib.error.HTTPError as e:
        return e.code, e.read().decode()


def kill(s, role):
    pid = s.pid_of(role)
    os.kill(pid, signal.SIGKILL)
    s.wait_for(lambda: s.pid_of(role) not in (None, pid))
    return pid


def pages(s):
    assert http(s, "/healthz")[0] == 200
    assert http(s, "/readyz")[0] == 200
    status, text = http(s, "/metrics")
    assert status == 200 and "# TYPE postrider_messages_accepted_total" in \
        text
    assert http(s, "/nothing")[0] == 404
    kill(s, "admin")
    assert http(s, "/metrics")[0] == http(s, "/healthz")[0] == 200
    for role in ("console", "relay"):
        kill(s, role)
        s.wait_ready()
    send(s, "restarted", "r@local.test")
    assert s.metrics()["postrider_relay_starts_total"] >= 2
    # SIGKILL never counts as a crash of its own
    assert s.metrics()["postrider_relay_crashes_total"] == 0


def maps(s):
    """SQL, HTTP and their libraries are where they belong only."""
    never = {"relay": ("sqlite", "microhttpd", "curl"),
             "admin": ("microhttpd", "unbound"),
             "console": ("sqlite", "unbound")}
    for pid, role in s.children().items():
        text = open(f"/proc/{pid}/maps").read()
        for word in never[role]:
            assert f"lib{word}" not in text, (role, word)
    text = open(f"/proc/{s.process.pid}/maps").read()
    for word in ("sqlite", "microhttpd", "curl"):
        assert f"lib{word}" not in text, ("master", word)


def second_serve(s):
    p = subprocess.run([s.bin, "serve", "--config", s.config],
                       capture_output=True, text=True, timeout=40)
    assert p.returncode == TEMPFAIL, p
    assert f"process {s.process.pid}" in p.stderr, p.stderr
    assert http(s, "/readyz")[0] == 200


def events(s, name):
    found = []
    with open(s.log_path, errors="replace") as f:
        for line in f:
            if f'"event":"{name}' in line:
                found.append(json.loads(line))
    return found


def sent(s, *args):
    """The message's id; None while relay has not taken a new route yet (it
    may take a moment after the reload) or is just beginning."""
    try:
        return send(s, *args)
    except (AssertionError, OSError, EOFError):
        return None


def reload(s):
    """A good file changes routes; a bad one leaves all as it was. A session
    that is open goes on, with the old routes if relay itself is new."""
    with Client(s.port) as c:
        c.hello()
        assert c.code("MAIL FROM:<alice@example.com>") == 250
        assert c.code("RCPT TO:<x@new.test>") == 550
        good = s.routes
        s.routes += '    - { domain: "new.test", maildir: "new/" }\n'
        s.write_config()
        before = s.metrics()["postrider_reloads_total"]
        s.process.send_signal(signal.SIGHUP)
        s.wait_for(lambda: s.metrics()["postrider_reloads_total"] > before)
        s.wait_ready()
        assert c.code("RCPT TO:<y@local.test>") == 250
        assert c.code("DATA") == 354
        c.send("Subject: held over\r\n\r\n.\r\n")
        c.expect(250)

    s.wait_for(lambda: sent(s, "newroute", "x@new.test"))
    s.wait_for(lambda: s.captured("new"))
    failed = s.metrics()["postrider_reloads_failed_total"]
    text = open(s.config).read()
    with open(s.config, "w") as f:
        f.write(text.replace("hostname:", "hostnam:"))
    s.process.send_signal(signal.SIGHUP)
    s.wait_for(lambda: s.metrics()["postrider_reloads_failed_total"] >
               failed)
    assert "did you mean 'hostname'" in open(s.log_path).read()
    send(s, "afterbad", "r@new.test")
    s.routes = good
    s.write_config()
    s.process.send_signal(signal.SIGHUP)


def wrong_user(s):
    """ctl.sock judges by peer uid."""
    p = subprocess.run(
        [s.bin, "queue", "list", "--config", s.config], capture_output=True,
        text=True, user=65534, group=65534, extra_groups=[])
    assert p.returncode != OK and p.stdout == "", p


def drain(s):
    """SIGTERM: idle sessions get 421, a transaction under way ends, 0."""
    idle, busy, new = (Client(s.port) for _ in range(3))
    idle.hello()
    new.reply()
    busy.hello()
    busy.send("MAIL FROM:<alice@example.com>\r\nRCPT TO:<d@local.test>\r\n"
              "DATA\r\n")
    busy.expect(250, 250, 354)
    code = []
    stopper = threading.Thread(target=lambda: code.append(s.stop()))
    stopper.start()
    rest = idle.rest()
    assert rest.startswith(b"421 4.3.2 "), rest
    assert new.rest().startswith(b"421 4.3.2 ")
    busy.send("Subject: drained\r\n\r\n.\r\n")
    busy.expect(250)
    assert busy.rest().startswith(b"421 4.3.2 ")
    stopper.join(40)
    assert code == [0], code
    assert s.process.returncode == 0
    s.start(apply=False)
    s.wait_for(lambda: [m for m in s.captured() if b"drained" in m])


def stop_twice(s):
    """SIGTERM and SIGINT in a row are one stop."""
    s.process.send_signal(signal.SIGTERM)
    s.process.send_signal(signal.SIGINT)
    assert s.process.wait(40) == 0


def master_killed(s):
    """Its children end at once; a new serve takes over."""
    s.start(apply=False)
    children = list(s.children())
    number = send(s, "orphan", "x@dead.test")
    os.kill(s.process.pid, signal.SIGKILL)
    s.process.wait()
    end = time.monotonic() + 5
    while any(os.path.exists(f"/proc/{p}") for p in children):
        assert time.monotonic() < end, "children outlive master"
        time.sleep(0.02)
    s.start(apply=False)
    s.wait_for(lambda: number in [r["id"] for r in list_or_none(s) or ()])
    assert s.stop() == 0


def killed_behind_the_answer(s):
    """What hold, release, retry and remove have answered outlives the
    process: relay is killed at the first byte of the answer."""
    s.start(apply=False)
    number = send(s, "lasting", "x@dead.test")

    def states():
        rows = list_or_none(s)
        return None if rows is None else {
            r["state"] for x in rows if x["id"] == number
            for r in x["recipients"]}
    s.wait_for(lambda: s.rows("queue", "show", number)[0]["recipients"][0]
               ["tries"] == 1)
    for act, state in (("hold", {"held"}), ("release", {"waiting"}),
                       ("retry", {"waiting"}), ("hold", {"held"}),
                       ("remove", set())):
        relay = s.pid_of("relay")
        p = subprocess.Popen(
            [s.bin, "queue", act, number, "--config", s.config, "--json"],
            stdout=subprocess.PIPE)
        assert p.stdout.read(1) == b"{", act
        os.kill(relay, signal.SIGKILL)
        p.stdout.read()
        p.wait()
        p.stdout.close()
        s.wait_for(lambda: s.pid_of("relay") not in (None, relay))
        s.wait_ready()
        found = s.wait_for(lambda: [x] if (x := states()) is not None
                           else None)[0]
        assert found == state, (act, found)
    assert s.stop() == 0


def bounded(function, service):
    begun = time.monotonic()
    function(service)
    took = time.monotonic() - begun
    assert took < 30, f"took {took:.1f} s"


def main():
    results = Results()
    if not os.path.exists(os.path.join(BIN, "postrider-admin")):
        sys.exit(f"no programs in {BIN}: make FLAVOUR=asan")
    routes = ('    - { domain: "dead.test", smart_host: "127.0.0.1:%d" }\n'
              '    - { domain: "dead2.test", smart_host: "127.0.0.1:%d" }\n'
              '    - { domain: "local.test", maildir: "capture/" }\n'
              % (free_port(), free_port()))
    with Service(routes=routes, delivery="  retry: [1m]\n") as s:
        for f in (without_service, usage, broken_config, errors_in_japanese,
                  check_looks_at_data, check_tells_of_keys_without_effect,
                  everything_in_japanese):
            with results.test(f.__name__):
                bounded(f, s)
        s.start(apply=False)
        second = threading.Thread(target=in_background,
                                  args=(results, second_serve, s))
        second.start()
        for f in (round_trip, dry_run, prune, wrong_directory, explain,
                  password, passwords_listed_and_removed, *roles.STEPS,
                  *drafts.STEPS, *verbs.STEPS,
                  *probe.STEPS, *held.STEPS, queue,
                  queue_acts_are_chosen, trace, spool,
                  check_looks_at_the_spool, maps, wrong_user):
            with results.test(f.__name__):
                bounded(f, s)
        second.join()
        for f in (*people.STEPS, reload, queue_survives, queue_acts_on_all, route_lost, pages, drain, stop_twice,
                  master_killed, killed_behind_the_answer, *clock.STEPS):
            with results.test(f.__name__):
                bounded(f, s)
        check_memory_reports(s, results)
    results.finish()


def in_background(results, function, service):
    with results.test(function.__name__):
        function(service)


main()
