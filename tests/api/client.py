"""An HTTP client of the API for tests: one call a method, sign-in with all its
steps, and the OpenAPI document, to which each answer is held."""
import base64
import hashlib
import hmac
import http.client
import json
import re
import struct
import time


def one_time_code(secret, at=None):
    """RFC 6238, six digits."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    step = struct.pack(">Q", int(time.time() if at is None else at) // 30)
    mac = hmac.new(key, step, hashlib.sha1).digest()
    at = mac[-1] & 15
    return f"{(struct.unpack('>I', mac[at:at + 4])[0] & 0x7fffffff) % 10**6:06}"


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.body[:300]!r}"


class Api:
    """Somebody who asks: with a cookie, a token, or nothing."""

    document = None         # of OpenAPI, once it was fetched
    seen = set()            # (method, path of the document) answered well

    def __init__(self, service):
        self.service = service
        self.cookie = self.csrf = self.token = None

    def raw(self, method, path, body=None, headers=None):
        """No field is added but Host. headers: pairs or a dict."""
        c = http.client.HTTPConnection("127.0.0.1", self.service.http,
                                       timeout=30)
        try:
            c.putrequest(method, path, skip_accept_encoding=True)
            items = headers.items() if isinstance(headers, dict) \
                else headers or []
            for name, value in items:
                c.putheader(name, value)
            if body is not None:
                body = body.encode() if isinstance(body, str) else body
                c.putheader("Content-Length", str(len(body)))
            c.endheaders(body)
            r = c.getresponse()
            return Answer(r.status, r.headers, r.read())
        finally:
            c.close()

    def fields(self, method, body):
        out = {}
        if self.cookie:
            out["Cookie"] = "__Host-postrider=" + self.cookie
        if self.token:
            out["Authorization"] = "Bearer " + self.token
        if self.csrf and method != "GET":
            out["X-CSRF-Token"] = self.csrf
        if body is not None:
            out["Content-Type"] = "application/json"
        return out

    def ask(self, method, path, body=None, headers=None):
        text = None if body is None else json.dumps(body)
        a = self.raw(method, "/api/v1" + path, text,
                     {**self.fields(method, body), **(headers or {})})
        self.keep_cookie(a)
        if Api.document is not None:
            hold(method, path, a)
        return a

    def keep_cookie(self, answer):
        for field in answer.headers.get_all("Set-Cookie") or []:
            m = re.match(r"__Host-postrider=([^;]*)", field)
            if m:
                self.cookie = m[1] or None

    def get(self, path, headers=None):
        return self.ask("GET", path, None, headers)

    def post(self, path, body=None, headers=None):
        return self.ask("POST", path, {} if body is None else body, headers)

    # --- sign-in ----------------------------------------------------------

    def renew(self):
        a = self.get("/session")
        assert a.status == 200, a
        self.csrf = a.json["csrf"]
        return a.json

    def come_in(self, link, password="correct horse battery"):
        """From an invitation through both factors; keeps what it made."""
        a = self.post("/session", {"invite": link.split("#invite=")[1]})
        assert a.status == 200, a
        self.renew()
        self.password = password
        a = self.post("/session/password", {"password": password})
        assert a.status in (200, 204), a
        self.renew()
        a = self.post("/account/factor", {})
        assert a.status == 200, a
        self.secret = a.json["secret"]
        a = self.ask("PUT", "/account/factor",
                     {"code": one_time_code(self.secret)})
        assert a.status == 200 and len(a.json["recovery"]) == 10, a
        self.recovery = a.json["recovery"]
        session = self.renew()
        assert session["state"] == "in", session
        return self


# --- the document ---------------------------------------------------------------


def load_document(api):
    a = api.raw("GET", "/api/v1/openapi.json")
    assert a.status == 200, a
    Api.document = a.json
    return Api.document


def operation_of(method, path):
    """The operation that a path without query belongs to: what is said beats
    a value, as in the service."""
    path = path.split("?")[0]
    best = None
    for template, methods in Api.document["paths"].items():
        pattern = re.sub(r"\{\w+\}", "[^/]+", template)
        if method.lower() in methods and re.fullmatch(pattern, path):
            values = template.count("{")
            if best is None or values < best[0]:
                best = (values, template, methods[method.lower()])
    return best and best[1:]


TYPES = {"string": str, "boolean": bool, "object": dict, "array": list,
         "null": type(None), "number": (int, float)}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def check(value, schema, where):
    """JSON Schema as far as the document uses it; a member that a schema with
    properties doesn't name is an error."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/components/schemas/")
        return check(value, Api.document["components"]["schemas"][name],
                     f"{where}({name})")
    if "anyOf" in schema:
        if value is None:
            return
        return check(value, schema["anyOf"][0], where)
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    if types:
        fits = any(isinstance(value, TYPES[t]) for t in types) and \
            not (isinstance(value, bool) and "boolean" not in types)
        assert fits, f"{where}: {value!r} is no {types}"
    if schema.get("format") == "date-time" and isinstance(value, str):
        assert TIME.fullmatch(value), f"{where}: {value!r} is no time"
    if isinstance(value, list):
        for i, item in enumerate(value):
            check(item, schema.get("items", {}), f"{where}[{i}]")
    if isinstance(value, dict) and "properties" in schema:
        known = schema["properties"]
        missing = set(schema.get("required", [])) - set(value)
        assert not missing, f"{where}: lacks {sorted(missing)}"
        more = set(value) - set(known)
        assert not more, f"{where}: has {sorted(more)}, not in the document"
        for name, item in value.items():
            check(item, known[name], f"{where}.{name}")


def hold(method, path, answer):
    """Holds an answer to the document."""
    found = operation_of(method, path)
    if found is None or answer.status == 304:
        return
    template, operation = found
    responses = operation["responses"]
    where = f"{method} {template} {answer.status}"
    if answer.status >= 400:
        said = {"content": {"application/problem+json": {
            "schema": {"$ref": "#/components/schemas/problem"}}}}
    else:
        said = responses.get(str(answer.status))
        assert said is not None, f"{where}: not in the document"
        Api.seen.add((method, template))
    if "content" not in said:
        assert answer.body == b"", f"{where}: has a body"
        return
    (kind, content), = said["content"].items()
    assert answer.headers["Content-Type"] == kind, \
        f"{where}: {answer.headers['Content-Type']}"
    check(answer.json, content["schema"], where)
