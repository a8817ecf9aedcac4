#!/usr/bin/env python3
"""The HTTP API of a running service: what each kind of answer looks like, who
may ask (RELIABILITY L3, L4), hostile HTTP (L5), admin dead. Every answer is
held to the OpenAPI document (client.py)."""
import http.client
import json
import os
import re
import signal
import socket
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), "lib"), HERE]
from postrider import (Client, Results, Service,  # noqa: E402
                       check_memory_reports)
from client import Api, load_document, one_time_code  # noqa: E402
import matrix  # noqa: E402

results = Results()
test = results.test

DIRECTORY = """\
plans: [ { name: tiny, user_messages: { most: 1 } } ]
customers:
  - name: alpha
    allow_private_addresses: true
    org_units: [ sales ]
    domains: [ { name: alpha.example, verified: operator } ]
    users:
      - { address: super@alpha.example, role: super-admin }
      - { address: unit@alpha.example, role: unit-admin, org_unit: sales }
      - { address: audit@alpha.example, role: auditor }
      - { address: user@alpha.example, org_unit: sales }
      - { address: gone@alpha.example, org_unit: sales }
    relay_settings:
      - description: Head office
        allowed_senders: own-domains
        authentication: { ip_only: true, require_auth: false }
        ip_entries:
          - { range: 127.0.0.1/32, description: loopback }
  - name: beta
    domains: [ { name: beta.example, verified: operator } ]
    users:
      - { address: super@beta.example, role: super-admin }
      - { address: user@beta.example }
    relay_settings:
      - description: Head office
        allowed_senders: own-domains
        authentication: { ip_only: true, require_auth: false }
        ip_entries:
          - { range: 11.0.0.2/32, description: other }
  - name: held
    plan: tiny
    allow_private_addresses: true
    over_limit: { user: hold }
    domains: [ { name: held.example, verified: operator } ]
    users:
      - { address: user@held.example }
    relay_settings:
      - description: Head office
        allowed_senders: own-domains
        authentication: { ip_only: true, require_auth: false }
        ip_entries:
          - { range: 127.0.0.3/32, description: loopback }
"""


def invited(service, address):
    return service.cli("invite", address).stdout.strip()


# --- the document ---------------------------------------------------------------


def refs(node):
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for value in node.values():
            yield from refs(value)
    elif isinstance(node, list):
        for value in node:
            yield from refs(value)


def document(document):
    """What a linter looks at."""
    with test("openapi: each operation is whole"):
        ids = []
        for path, methods in document["paths"].items():
            for method, o in methods.items():
                where = f"{method} {path}"
                ids.append(o["operationId"])
                assert o["summary"] and o["tags"], where
                said = [p["name"] for p in o["parameters"]
                        if p["in"] == "path"]
                assert said == re.findall(r"\{(\w+)\}", path), where
                names = [(p["in"], p["name"]) for p in o["parameters"]]
                assert len(names) == len(set(names)), where
                assert "4XX" in o["responses"], where
                assert ("requestBody" in o) == \
                    (method in ("post", "put", "patch")), where
        assert len(ids) == len(set(ids))
    with test("openapi: each reference leads somewhere"):
        for ref in set(refs(document)):
            kind, name = ref.removeprefix("#/components/").split("/")
            assert name in document["components"][kind], ref
    with test("openapi: no two paths are the same but for names"):
        shapes = [re.sub(r"\{\w+\}", "{}", p) for p in document["paths"]]
        assert len(shapes) == len(set(shapes))
    with test("each route's call is one of admin's"):
        top = os.path.dirname(os.path.dirname(HERE))
        calls = set(re.findall(r'^CALL(?:_AS)?\((?:\w+, )?"([\w.]+)"', open(
            os.path.join(top, "src/admin/calls.def")).read(), re.M))
        used = {o["x-call"].split("?")[0]
                for m in document["paths"].values() for o in m.values()
                if "x-call" in o}
        assert used <= calls, sorted(used - calls)


# --- the contract ----------------------------------------------------------------


def problem(answer, status):
    assert answer.status == status, answer
    assert answer.headers["Content-Type"] == "application/problem+json"
    body = answer.json
    assert body["type"] == "about:blank" and body["status"] == status, body
    assert body["title"] and body["detail"], body
    return body


def contract(s, someone):
    nobody = Api(s)
    with test("codes: 401, 404, 405 with Allow, 400"):
        problem(nobody.get("/session"), 401)
        problem(nobody.get("/nothing"), 404)
        a = nobody.ask("PATCH", "/session", {})
        problem(a, 405)
        assert a.headers["Allow"] == "GET, POST, DELETE", a.headers["Allow"]
        problem(nobody.raw("OPTIONS", "/api/v1/session"), 405)
        problem(nobody.raw("TRACE", "/api/v1/session"), 405)
        problem(someone.get("/customers?limit=-1"), 400)
        problem(someone.get("/customers?nothing=1"), 400)
        problem(someone.get("/customers/%zz"), 400)
    with test("problems speak the reader's language"):
        for field, query, title in (("ja", "", "ログインが必要です"),
                                    ("en", "?lang=ja", "ログインが必要です"),
                                    ("ja", "?lang=en", "Sign in"),
                                    ("fr", "", "Sign in")):
            a = nobody.get("/session" + query, {"Accept-Language": field})
            assert a.json["title"] == title, (field, query, a)
    with test("values that can't be: 422, each error with its field"):
        a = someone.post("/customers/alpha/settings", {"setting": {
            "description": "x", "allowed_senders": "own-domains",
            "ip_only": True, "ip_entries": [
                {"range": "10.0.0.1/40", "description": "d"}]}})
        errors = problem(a, 422)["errors"]
        assert errors[0]["field"] == "ip_entries.0.range", errors
    with test("what is there already can't be added: 422"):
        problem(someone.post("/customers/alpha/users", {
            "address": "user@alpha.example"}), 422)
    with test("ETag and If-None-Match of one object and of a list"):
        for path in ("/customers/alpha/settings/head-office",
                     "/customers/alpha/users"):
            a = someone.get(path)
            b = someone.get(path, {"If-None-Match": a.headers["ETag"]})
            assert (b.status, b.body) == (304, b""), b
            assert b.headers["ETag"] == a.headers["ETag"]
            assert someone.get(path, {"If-None-Match": '"x"'}).status == 200
    with test("If-Match: 412 when another was faster"):
        path = "/customers/alpha/settings/head-office"
        a = someone.get(path)
        setting = {k: a.json[k] for k in (
            "description", "allowed_senders", "ip_only", "require_auth",
            "require_tls", "enabled", "line_ends")}
        setting["ip_entries"] = [
            {"range": e["range"], "description": e["description"],
             "enabled": e["enabled"]} for e in a.json["ip_entries"]]
        tag = {"If-Match": a.headers["ETag"]}
        body = {"setting": {**setting, "description": "Head office 2"}}
        b = someone.ask("PUT", path, body, tag)
        assert b.status == 200 and b.json["items"], b
        problem(someone.ask("PUT", path, body, tag), 412)
        b = someone.ask("PUT", path, {"setting": setting},
                        {"If-Match": someone.get(path).headers["ETag"]})
        assert b.status == 200, b
    with test("a change of a customer leaves the language that isn't said"):
        before = s.call("directory.export", customer="alpha")
        a = someone.ask("PATCH", "/customers/alpha",
                        {"over_user": "hold"}, {"Accept-Language": "ja"})
        assert a.status == 200, a
        text = json.dumps(before[0]) + json.dumps(
            s.call("directory.export", customer="alpha")[0])
        assert "language: ja" not in text, text
        someone.ask("PATCH", "/customers/alpha", {"over_user": "refuse"})
    with test("HEAD is GET without the body"):
        a = someone.raw("HEAD", "/api/v1/session",
                        headers=someone.fields("GET", None))
        assert a.status == 200 and a.body == b"" and a.headers["ETag"]


def paging(s, someone):
    with test("lists come in pages, each item once"):
        for i in range(7):
            a = someone.post("/customers/alpha/users",
                             {"address": f"p{i}@alpha.example",
                              "org_unit": "sales"})
            assert a.status == 200, a
        seen, cursor = [], ""
        for _ in range(20):
            a = someone.get("/customers/alpha/users?prefix=p&limit=3"
                            + (f"&cursor={cursor}" if cursor else ""))
            assert a.status == 200, a
            seen += [x["address"] for x in a.json["items"]]
            cursor = a.json["next"]
            if cursor is None:
                break
        assert seen == [f"p{i}@alpha.example" for i in range(7)], seen


# --- sign-in and where a change comes from (L3) -------------------------------------


def cookies(s, link):
    api = Api(s)
    with test("the cookie is __Host-, Secure, HttpOnly, SameSite=Lax"):
        a = api.post("/session", {"invite": link.split("#invite=")[1]})
        field = a.headers["Set-Cookie"]
        assert re.fullmatch(r"__Host-postrider=[\w-]+; Path=/; Secure; "
                            r"HttpOnly; SameSite=Lax", field), field
        assert "cookie" not in a.json, a
    with test("a link lets in once"):
        other = Api(s)
        a = other.post("/session", {"invite": link.split("#invite=")[1]})
        assert a.status in (401, 422), a
    return api


def origins(s, someone):
    body = json.dumps({"shortcuts": True})
    good = someone.fields("PATCH", {})
    port = s.http
    host = {"Host": "console.example"}

    def patch(fields):
        fields = {**good, **fields}
        fields = {k: v for k, v in fields.items() if v is not None}
        c = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        c.putrequest("PATCH", "/api/v1/account", skip_host="Host" in fields)
        for name, value in fields.items():
            c.putheader(name, value)
        c.putheader("Content-Length", str(len(body)))
        c.endheaders(body.encode())
        status = c.getresponse().status
        c.close()
        return status

    cases = [
        ("nothing else", {}, (200, 204)),
        ("own origin", {**host, "Origin": "https://console.example"},
         (200, 204)),
        ("own origin on loopback", {"Origin": f"http://127.0.0.1:{port}",
                                    "Sec-Fetch-Site": "same-origin"},
         (200, 204)),
        ("other origin", {"Origin": "https://evil.example"}, (403,)),
        ("http of the same host", {**host, "Origin":
                                   "http://console.example"}, (403,)),
        ("null origin", {"Origin": "null"}, (403,)),
        ("cross-site", {"Sec-Fetch-Site": "cross-site"}, (403,)),
        ("same-site", {"Sec-Fetch-Site": "same-site"}, (403,)),
        ("no CSRF token", {"X-CSRF-Token": None}, (403,)),
        ("empty CSRF token", {"X-CSRF-Token": ""}, (403,)),
        ("wrong CSRF token", {"X-CSRF-Token": "x" * 52}, (403,)),
        ("text/plain", {"Content-Type": "text/plain"}, (415,)),
        ("a form", {"Content-Type": "application/x-www-form-urlencoded"},
         (415,)),
        ("no type", {"Content-Type": None}, (415,)),
    ]
    for name, fields, statuses in cases:
        with test(f"L3: a change with {name}"):
            assert patch(fields) in statuses, patch(fields)
    with test("L3: sign-in from another site is refused (login CSRF)"):
        for fields in ({"Origin": "https://evil.example"},
                       {"Sec-Fetch-Site": "cross-site"}):
            a = Api(s).post("/session", {"address": "a@b.example",
                                         "password": "x"}, fields)
            assert a.status == 403, a


def sessions(s, someone):
    address, secret = "super@alpha.example", someone.secret
    with test("L3: the session's token is new at each step, none is taken"):
        api = Api(s)
        api.cookie = "fixed"
        a = api.post("/session", {"address": address,
                                  "password": someone.password})
        assert a.status == 200 and a.json["state"] == "code", a
        half = api.cookie
        assert half not in ("fixed", None)
        problem(api.get("/customers"), 401)
        api.renew()
        # A step is good once: take the one ahead of the clock's, then none.
        for ahead in (1, 2):
            code = one_time_code(secret, time.time() + 30 * (ahead - 1))
            a = api.post("/session/code", {"code": code})
            if a.status == 200:
                break
        if a.status != 200:
            a = api.post("/session/code", {"recovery": someone.recovery[0]})
        assert a.status == 200, a
        assert api.cookie != half
        old = Api(s)
        old.cookie = half
        problem(old.get("/session"), 401)
    with test("L3: signing out ends it in the service"):
        api.renew()
        kept = api.cookie
        a = api.ask("DELETE", "/session")
        assert a.status == 204 and "Max-Age=0" in a.headers["Set-Cookie"], a
        old = Api(s)
        old.cookie = kept
        problem(old.get("/session"), 401)
    with test("wrong address, wrong password, nobody: one answer"):
        answers = {Api(s).post("/session", b).body for b in (
            {"address": "audit@alpha.example", "password": "x" * 12},
            {"address": "nobody@alpha.example", "password": "x" * 12})}
        assert len(answers) == 1, answers


def tokens(s, someone):
    with test("a bearer token needs no CSRF token, and is bound by scopes"):
        a = someone.post("/account/tokens", {"name": "t", "scopes": ["look"]})
        assert a.status == 201, a
        api = Api(s)
        api.token = a.json["token"]
        assert api.get("/customers/alpha/users").status == 200
        problem(api.ask("PATCH", "/customers/alpha", {"over_user": "hold"}),
                403)
        b = someone.ask("DELETE", f"/account/tokens/{a.json['id']}")
        assert b.status in (200, 204), b
        problem(api.get("/customers/alpha/users"), 401)
    with test("a cookie's value is no bearer token"):
        api = Api(s)
        api.token = someone.cookie
        problem(api.get("/session"), 401)


# --- hostile HTTP (L5) ----------------------------------------------------------------


def raw(s, data, seconds=20):
    out = b""
    with socket.create_connection(("127.0.0.1", s.http), seconds) as c:
        try:
            c.sendall(data)
            while more := c.recv(65536):
                out += more
                if b"\r\n\r\n" in out and b"Connection: close" not in out:
                    break
        except (ConnectionResetError, BrokenPipeError):
            pass
    return out


def hostile(s, someone):
    head = b"POST /api/v1/session HTTP/1.1\r\nHost: a\r\n" \
        b"Content-Type: application/json\r\n"
    cases = [
        ("both lengths", head + b"Content-Length: 2\r\n"
         b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"400"),
        ("two lengths", head + b"Content-Length: 2\r\nContent-Length: 3"
         b"\r\n\r\n{}", b"400"),
        ("a signed length", head + b"Content-Length: +2\r\n\r\n{}", b"400"),
        ("a huge length", head + b"Content-Length: 999999999999999999999"
         b"\r\n\r\n{}", b"4"),
        ("an unknown coding", head + b"Transfer-Encoding: gzip\r\n\r\n{}",
         b"400"),
        ("folded lines", b"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n",
         b"400"),
        ("two hosts", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
         b"400"),
        ("no host", b"GET / HTTP/1.1\r\n\r\n", b"400"),
        ("a long field", b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 70000
         + b"\r\n\r\n", b"4"),
        ("10^5 fields", b"GET / HTTP/1.1\r\nHost: a\r\n" + b"x: y\r\n" * 10**5
         + b"\r\n", b"4"),
        ("a long address", b"GET /" + b"x" * 70000 + b" HTTP/1.1\r\n"
         b"Host: a\r\n\r\n", b"4"),
        ("a body of 64 MiB", head + b"Content-Length: 67108864\r\n\r\n",
         b"413"),
        ("%00", b"GET /api/v1/customers/%00 HTTP/1.1\r\nHost: a\r\n\r\n",
         b"400"),
        ("../", b"GET /api/v1/../../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n",
         b"404"),
        ("%2e%2e", b"GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: a"
         b"\r\n\r\n", b"404"),
    ]
    for name, data, status in cases:
        with test(f"L5, L6: {name}"):
            out = raw(s, data)
            # What is cut off without a word was refused as well.
            assert not out or out.split(b" ", 2)[1].startswith(status), \
                out[:200]
    with test("L5: a body over 1 MiB in chunks"):
        chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
        out = raw(s, head + b"Transfer-Encoding: chunked\r\n\r\n"
                  + chunk * 20 + b"0\r\n\r\n")
        assert out.split(b" ", 2)[1] == b"413", out[:100]
    with test("L5: a body that fits 1 MiB, but not with the rest: 413"):
        body = json.dumps({"address": "x" * (1048500 - 15)})
        a = someone.raw("POST", "/api/v1/customers/alpha/users", body,
                        someone.fields("POST", {}))
        detail = problem(a, 413)["detail"]
        assert "request is too large" in detail, detail
        assert someone.get("/session").status == 200
    bodies = ["[" * 10000, '{"a":' * 10000, '{"address":1e309}',
              '{"address":"a","address":"b"}', '{"a":"\\ud800"}', "{}{}",
              "[]", "null", "\x00", '{"password":01}', '"x"', "{'a':1}"]
    with test("L5: bodies that are no JSON object are 400"):
        for body in bodies:
            a = Api(s).raw("POST", "/api/v1/session", body,
                           {"Content-Type": "application/json"})
            assert a.status == 400, (body[:30], a)
    with test("L5: what isn't asked for can't be set"):
        path = "/customers/alpha/users/user@alpha.example"
        for body in ({"customer": "beta"}, {"customer_id": 2}, {"id": 7},
                     {"address": "x@alpha.example"}, {"as": "a@b"},
                     {"session": "x"}, {"reader": "ja"}, {"look": True}):
            problem(someone.ask("PATCH", path, body), 400)
    with test("L5: no field of an answer can be made by a value"):
        a = someone.get("/customers/x%0d%0aSet-Cookie:%20a=b")
        assert a.headers["Set-Cookie"] is None
        problem(a, 404)


def slow(s):
    with test("slow clients hold up nobody"):
        held = []
        for i in range(200):
            c = socket.create_connection(("127.0.0.1", s.http), 5)
            c.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nX-%d: " % i)
            held.append(c)
        begun = time.monotonic()
        assert Api(s).raw("GET", "/healthz").status == 200
        assert time.monotonic() - begun < 2
        for c in held:
            c.close()


# --- files and fields ---------------------------------------------------------------


def pages(s):
    api = Api(s)
    with test("pages are index.html, not kept; files are kept for ever"):
        index = api.raw("GET", "/")
        assert index.status == 200
        assert index.headers["Cache-Control"] == "no-cache"
        for path in ("/login", "/c/alpha/messages", "/r/x", "/account",
                     "/operator/customers", "/help/postfix"):
            assert api.raw("GET", path).body == index.body, path
        names = re.findall(r'(?:src|href)="(/assets/[^"]+)"',
                           index.body.decode())
        assert names
        for name in names:
            plain = api.raw("GET", name)
            assert plain.status == 200, name
            assert "immutable" in plain.headers["Cache-Control"]
            short = api.raw("GET", name,
                            headers={"Accept-Encoding": "gzip"})
            assert short.headers["Content-Encoding"] in ("gzip", None)
            again = api.raw("GET", name, headers={
                "If-None-Match": plain.headers["ETag"]})
            assert again.status == 304 and not again.body
    with test("what isn't there is 404, and no page takes a POST"):
        for path in ("/favicon.ico", "/assets/none.js", "/index.php", "//",
                     "/api", "/api/v2/session", "/assets/"):
            assert api.raw("GET", path).status == 404, path
        assert api.raw("POST", "/", "x").status == 405
    with test("each answer has the fields that make browsers careful"):
        for path in ("/", "/api/v1/session", "/metrics", "/none",
                     "/api/v1/openapi.json"):
            h = api.raw("GET", path).headers
            assert h["X-Content-Type-Options"] == "nosniff", path
            policy = h["Content-Security-Policy"]
            assert "default-src 'self'" in policy or \
                "default-src 'none'" in policy, path
            assert "frame-ancestors 'none'" in policy, path
            assert "unsafe" not in policy and "*" not in policy
            for name in ("Referrer-Policy", "Permissions-Policy",
                         "Cross-Origin-Opener-Policy", "Cache-Control"):
                assert h[name], (path, name)
            assert h["Access-Control-Allow-Origin"] is None
            assert h["Server"] is None


# --- held over a limit --------------------------------------------------------------


def held(s, operator):
    with Client(s.port, source="127.0.0.3") as c:
        c.hello()
        for i in range(3):
            c.message("user@held.example", ["b@x.example"],
                      "Subject: t\r\n\r\nx\r\n")
    with test("limits: held over a user's limit, no user asked for"):
        a = operator.get("/customers/held/limits")
        rows = {r["name"]: r for r in a.json["items"]}
        row = rows["user_messages"]
        assert row["held_messages"] == row["held_recipients"] == 2, row
        assert row["used"] is row["reserved"] is row["limit"] is None, row
        assert row["user"] is None and row["binds_first"] is False, row
        assert rows["customer_day"]["used"] is not None, rows
    with test("limits: the same of the user"):
        rows, _ = s.call("limits.show", customer="held",
                         user="user@held.example")
        row = [r for r in rows if r["name"] == "user_messages"][0]
        assert row["held_messages"] == 2 and row["limit"] == 1, row
    with test("ids: each once, whatever its order, no other"):
        rows, _ = s.call("queue.list", customer="held")
        ids = [r["id"] for r in rows
               if r["recipients"][0]["state"] == "held"]
        assert len(ids) == 2, ids
        rows, _ = s.call("queue.list", ids=[ids[1], ids[0], ids[1],
                                            "0" * 20])
        assert [r["id"] for r in rows] == sorted(ids), rows
        rows, _ = s.call("queue.hold", ids=[ids[1], ids[1]])
        assert rows == [{"messages": 1, "recipients": 1}], rows


# --- streams ------------------------------------------------------------------------


class Stream:
    def __init__(self, api):
        self.c = http.client.HTTPConnection("127.0.0.1", api.service.http,
                                            timeout=20)
        self.c.request("GET", "/api/v1/events",
                       headers=api.fields("GET", None))
        self.r = self.c.getresponse()

    def event(self):
        """The next event's data, None at the end."""
        while line := self.r.fp.readline():
            if line.startswith(b"data: "):
                return json.loads(line[6:])
        return None

    def close(self):
        self.c.close()


def streams(s, someone):
    with test("events: what changed is told, to all who listen"):
        problem(Api(s).get("/events"), 401)
        listeners = [Stream(someone) for _ in range(10)]
        first = [x.event() for x in listeners]
        assert all(x.r.status == 200 for x in listeners)
        assert listeners[0].r.headers["Content-Type"] == "text/event-stream"
        too_many = Stream(someone)
        assert too_many.r.status == 503, too_many.r.status
        too_many.close()
        with Client(s.port) as c:
            c.hello()
            c.message("user@alpha.example", ["b@x.example"],
                      "Subject: t\r\n\r\nx\r\n")
        for x, before in zip(listeners, first):
            after = x.event()
            while after and after == before:
                after = x.event()
            assert after and after["overview_at"] != before["overview_at"]
        for x in listeners:
            x.close()


# --- admin dead ------------------------------------------------------------------------


def admin_dies(s, someone):
    with test("admin stopped: metrics and pages answer, calls wait for it"):
        pid = s.pid_of("admin")
        os.kill(pid, signal.SIGSTOP)
        try:
            c = http.client.HTTPConnection("127.0.0.1", s.http, timeout=20)
            c.request("GET", "/api/v1/session",
                      headers=someone.fields("GET", None))
            for path in ("/metrics", "/healthz", "/readyz", "/", "/login"):
                assert Api(s).raw("GET", path).status == 200, path
        finally:
            os.kill(pid, signal.SIGCONT)
        assert c.getresponse().status == 200
        c.close()
    with test("admin killed: 503 in words, then all goes on"):
        os.kill(pid, signal.SIGKILL)
        seen = set()

        def back():
            a = someone.get("/session", {"Accept-Language": "ja"})
            seen.add(a.status)
            if a.status == 503:
                assert a.json["detail"] == \
                    "設定の変更と検索は現在できません。" \
                    "リレーは最後の設定で稼働しています。", a
            return a.status == 200
        s.wait_for(back)
        assert seen <= {200, 503}, seen
    with test("console killed: sessions go on"):
        pid = s.pid_of("console")
        os.kill(pid, signal.SIGKILL)
        s.wait_for(lambda: s.pid_of("console") not in (None, pid))
        s.wait_for(lambda: works(someone))


def works(someone):
    try:
        return someone.get("/session").status == 200
    except OSError:
        return False


def main():
    with Service(directory=DIRECTORY) as s:
        s.start()
        nobody = Api(s)
        load_document(nobody)
        document(Api.document)
        with test("sign-in with all its steps, for each role"):
            people = {}
            for name, address in matrix.PEOPLE.items():
                if name == "operator":
                    link = s.cli("operator", "add", address).stdout.strip()
                else:
                    link = invited(s, address)
                people[name] = Api(s).come_in(link)
        someone = people["super A"]
        s.cli("user", "add", "more@alpha.example", "--role", "auditor")
        cookies(s, invited(s, "more@alpha.example"))
        contract(s, someone)
        paging(s, someone)
        origins(s, someone)
        tokens(s, someone)
        hostile(s, someone)
        slow(s)
        pages(s)
        held(s, people["operator"])
        streams(s, someone)
        matrix.run(s, people, Api(s), test)
        admin_dies(s, someone)
        sessions(s, someone)
        with test("the service ends in order under open streams"):
            open_streams = [Stream(people["operator"]) for _ in range(3)]
            assert [x.event() for x in open_streams]
            assert s.stop() == 0
        check_memory_reports(s, results)


main()
results.finish()
