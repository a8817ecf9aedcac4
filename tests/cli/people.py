"""People who sign in: operators and administrators are let in from the shell,
enrol over HTTP, and what they hold ends when it should. Steps of run.py, on a
running service."""
import base64
import hashlib
import hmac
import json
import os
import re
import struct
import time
import urllib.error
import urllib.request

USAGE, DATAERR, REFUSED = 64, 65, 66
LINK = re.compile(r"http://127\.0\.0\.1:\d+/login#invite=(pr_inv_[a-z2-7]{52})")
PASSWORD = "correct horse battery"


class Browser:
    def __init__(self, s):
        self.base = f"http://127.0.0.1:{s.http}/api/v1"
        self.cookie = self.csrf = self.bearer = None
        self.used = 0

    def call(self, method, path, body=None):
        """Status and answer."""
        r = urllib.request.Request(
            self.base + path, method=method,
            data=None if body is None else json.dumps(body).encode())
        if method != "GET":
            r.add_header("Content-Type", "application/json")
        if self.cookie:
            r.add_header("Cookie", "__Host-postrider=" + self.cookie)
        if self.csrf:
            r.add_header("X-CSRF-Token", self.csrf)
        if self.bearer:
            r.add_header("Authorization", "Bearer " + self.bearer)
        try:
            answer = urllib.request.urlopen(r, timeout=20)
        except urllib.error.HTTPError as e:
            answer = e
        with answer:
            text = answer.read()
            cookie = answer.headers.get("Set-Cookie")
        if cookie:
            for flag in ("Path=/", "Secure", "HttpOnly", "SameSite=Lax"):
                assert flag in cookie, cookie
            self.cookie = cookie.split(";")[0].split("=", 1)[1]
            self.csrf = None
            if self.cookie:
                self.csrf = self.call("GET", "/session")[1]["csrf"]
        return answer.status, json.loads(text) if text else None

    def good(self, method, path, body=None):
        status, answer = self.call(method, path, body)
        assert status in (200, 201, 204), (method, path, status, answer)
        return answer

    def code(self):
        """Of the app, a step that was not used yet."""
        step = int(time.time()) // 30
        self.used = step = max(step, self.used + 1)
        mac = hmac.new(base64.b32decode(self.secret), struct.pack(">Q", step),
                       hashlib.sha1).digest()
        at = mac[-1] & 15
        number = struct.unpack(">I", mac[at:at + 4])[0] & 0x7fffffff
        return f"{number % 1000000:06d}"

    def enrol(self, link):
        assert self.good("POST", "/session", {"invite": link})["state"] == \
            "enrol"
        self.good("POST", "/session/password", {"password": PASSWORD})
        self.secret = self.good("POST", "/account/factor", {})["secret"]
        answer = self.good("PUT", "/account/factor", {"code": self.code()})
        assert answer["state"] == "in" and len(answer["recovery"]) == 10
        return answer["recovery"]


def link_of(p):
    found = LINK.fullmatch(p.stdout.strip())
    assert found, p
    return found.group(1)


def the_first_start_prints_a_link(s):
    with open(s.log_path) as f:
        links = LINK.findall(f.read())
    assert links, "no link"
    s.operator = Browser(s)
    s.operator.enrol(links[-1])
    me = s.operator.good("GET", "/session")
    assert me["person"]["role"] == "operator" and me["state"] == "in", me
    assert me["person"]["address"] == "operator@relay.test", me
    # Once.
    assert Browser(s).call("POST", "/session", {"invite": links[-1]})[0] == 422
    assert s.operator.call("GET", "/operator/status")[0] == 200


def an_administrator_is_invited(s):
    s.cli("user", "add", "boss@example.com", "--role", "super-admin")
    s.cli("user", "add", "plain@example.com")
    p = s.cli("invite", "boss@example.com")
    b = Browser(s)
    s.recovery = b.enrol(link_of(p))
    person = b.good("GET", "/session")["person"]
    assert (person["role"], person["customer"]) == ("super-admin", "example")
    assert b.good("GET", "/customers/example/users")["items"]
    assert b.call("GET", "/customers/guessed/users")[0] == 404
    assert b.call("GET", "/operator/status")[0] == 403
    s.boss = b
    for args, code, words in (
            (("invite", "boss@example.com"), REFUSED, "signs in already"),
            (("invite", "plain@example.com"), REFUSED, "--role"),
            (("invite", "nobody@example.com"), DATAERR, "nobody@example.com"),
            (("invite", "no address"), USAGE, ""),
            (("operator", "add", "alice@example.com"), REFUSED, "user of a"),
            (("operator", "remove", "no@example.net"), DATAERR, "no@example"),
            (("sign-in", "reset", "nobody@example.com"), DATAERR, "nobody@")):
        p = s.cli(*args, check=False)
        assert p.returncode == code and words in p.stderr and \
            p.stdout == "", (args, p)
    p = s.cli("invite", "plain@example.com", check=False,
              env={"LANG": "ja_JP.UTF-8"})
    assert "役割" in p.stderr, p


def signing_in_takes_password_and_code(s):
    b = Browser(s)
    b.secret, b.used = s.boss.secret, s.boss.used
    begin = {"address": "boss@example.com", "password": PASSWORD}
    wrong = b.call("POST", "/session", {**begin, "password": "x" * 20})
    nobody = b.call("POST", "/session", {**begin, "address": "x@example.com"})
    assert wrong == nobody and wrong[0] == 401, (wrong, nobody)
    assert wrong[1]["detail"] == "Address, password or code is wrong."
    assert b.good("POST", "/session", begin)["state"] == "code"
    assert b.call("GET", "/customers/example/users")[0] == 401
    before = b.cookie
    assert b.good("POST", "/session/code", {"code": b.code()})["state"] == "in"
    assert b.cookie != before
    s.boss.used = b.used
    # Changes need the page's token; looking doesn't.
    csrf, b.csrf = b.csrf, None
    assert b.call("PATCH", "/account", {"scheme": "dark"})[0] == 403
    b.csrf = csrf
    b.good("PATCH", "/account", {"scheme": "dark", "time_zone": "Asia/Tokyo"})
    assert b.good("GET", "/session")["scheme"] == "dark"
    b.good("DELETE", "/session")
    b.cookie = before
    assert b.call("GET", "/session")[0] == 401


def tokens_and_their_scopes(s):
    made = s.boss.good("POST", "/account/tokens",
                       {"name": "watch", "scopes": ["look"]})
    t = Browser(s)
    t.bearer = made["token"]
    assert t.good("GET", "/customers/example/users")["items"]
    assert t.call("PATCH", "/customers/example/users/plain@example.com",
                  {"suspended": True})[0] == 403
    s.boss.good("DELETE", "/account/tokens/" + made["id"])
    assert t.call("GET", "/customers/example/users")[0] == 401


def a_restart_keeps_sessions_and_a_reset_ends_them(s):
    with open(s.log_path) as f:
        links = len(LINK.findall(f.read()))
    s.stop()
    s.start(apply=False)
    assert s.boss.good("GET", "/session")["state"] == "in"
    with open(s.log_path) as f:
        assert len(LINK.findall(f.read())) == links, "another link"
    link = link_of(s.cli("sign-in", "reset", "boss@example.com", "--password"))
    assert s.boss.call("GET", "/session")[0] == 401
    b = Browser(s)
    assert b.good("POST", "/session", {"invite": link})["state"] == "code"
    assert b.good("POST", "/session/code",
                  {"recovery": s.recovery[3]})["state"] == "enrol"
    assert b.good("POST", "/session/password",
                  {"password": "another long password"})["state"] == "in"
    s.cli("user", "change", "boss@example.com", "--suspended")
    assert b.call("GET", "/session")[0] == 401


def the_audit_log_says_who_and_from_where(s):
    rows = s.rows("audit", "list", "--customer", "example", "--limit", "1000")
    acts = {r["call"]: r for r in rows}
    for act in ("session.in", "session.end", "session.failed", "invite.create",
                "session.recovery", "factor.change", "token.create", "token.remove",
                "sign_in.reset", "password.change"):
        assert act in acts, (act, sorted(acts))
    row = acts["session.in"]
    assert (row["who"], row["role"], row["revision"]) == \
        ("boss@example.com", "super-admin", None), row
    s.operator.good("GET", "/customers/example/users")
    row = s.rows("audit", "list", "--customer", "example", "--limit", "1")[0]
    assert (row["call"], row["role"]) == ("visit", "operator"), row
    for where, _, names in os.walk(s.data):
        for name in names:
            path = os.path.join(where, name)
            if not os.path.isfile(path):
                continue
            with open(path, "rb") as f:
                text = f.read()
            for secret in (PASSWORD, s.operator.cookie, s.operator.csrf):
                assert secret.encode() not in text, (name, secret)


def operators_come_and_go(s):
    link_of(s.cli("operator", "add", "second@relay.test"))
    rows = s.rows("operator", "list")
    assert [(r["address"], r["enrolled"]) for r in rows] == \
        [("operator@relay.test", True), ("second@relay.test", False)], rows
    s.cli("operator", "remove", "second@relay.test")
    assert len(s.rows("operator", "list")) == 1
    s.cli("user", "remove", "boss@example.com")
    s.cli("user", "remove", "plain@example.com")


STEPS = (the_first_start_prints_a_link, an_administrator_is_invited,
         signing_in_takes_password_and_code, tokens_and_their_scopes,
         a_restart_keeps_sessions_and_a_reset_ends_them,
         the_audit_log_says_who_and_from_where, operators_come_and_go)
