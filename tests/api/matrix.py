"""RELIABILITY L4: each route of the OpenAPI document, asked by nobody, a user
without a role, the operator, the super admin, unit admin and auditor of A, and
the super admin of B; about what is A's, B's, deleted, and guessed. A route
without a row fails.

A row: who may (O operator, S super admin, U unit admin, A auditor), a body, and
whether it destroys: then it isn't done to what is one's own. Who may gets
neither 401, 403 nor 404 of his own, and 404 of all else; who may not gets 403
of his own, and of all else 403 or 404, the same for what there is and what there
isn't; without a session all is 401.
"""
import http.client
import json
import re

PEOPLE = {"operator": "op@service.example", "super A": "super@alpha.example",
          "unit A": "unit@alpha.example", "auditor A": "audit@alpha.example",
          "super B": "super@beta.example"}
LETTERS = {"operator": "O", "super A": "S", "unit A": "U", "auditor A": "A",
           "super B": "S"}

SETTING = {"setting": {"description": "Head office",
                       "allowed_senders": "own-domains", "ip_only": True,
                       "ip_entries": []}, "dry_run": True}
NEW_SETTING = {"setting": {**SETTING["setting"], "description": "new"},
               "dry_run": True}
DRAFT = {"setting": {"description": "draft"}}
ENTRY = {"range": "11.0.0.9", "description": "d"}
SELECTION = {"act": "retry", "selection": {"ids": ["00000000000000000000"]}}
DESTROYS = True

# What has no customer in its address: by role alone.
ROWS = {
    "GET /session": ("OSUA",),
    "POST /session": ("public", {"address": "x@y.example", "password": "x"},
                      DESTROYS),
    "POST /session/code": ("OSUA", {"code": "000000"}, DESTROYS),
    "POST /session/password": ("OSUA", {"password": "x"}, DESTROYS),
    "DELETE /session": ("OSUA", None, DESTROYS),
    "GET /account/sessions": ("OSUA",),
    "DELETE /account/sessions": ("OSUA", None),
    "PATCH /account": ("OSUA", {"shortcuts": True}),
    "POST /account/factor": ("OSUA", {"password": "wrong"}, DESTROYS),
    "PUT /account/factor": ("OSUA", {"code": "000000"}, DESTROYS),
    "GET /account/tokens": ("OSUA",),
    "POST /account/tokens": ("OSUA", {"name": "m", "scopes": ["look"]}),
    "DELETE /account/tokens/{id}": ("OSUA", None, DESTROYS),
    "GET /customers": ("OSUA",),
    "POST /customers": ("O", {"name": "new", "dry_run": True}),
    "GET /version": ("OSUA",),
    "GET /events": ("OSUA", None, DESTROYS),
    "GET /openapi.json": ("public",),
    "GET /references/{reference}": ("public",),
    "GET /operator/overview": ("OSA",),
    "GET /operator/needs": ("OSUA",),
    "GET /operator/find": ("OSUA",),
    "GET /operator/alerts": ("OSA",),
    "GET /operator/audit": ("OSUA",),
    "GET /operator/explain": ("OSUA",),
    "GET /operator/queue": ("OSA",),
    "GET /operator/sharing-requests": ("OSUA",),
    "GET /operator/destinations": ("O",),
    "GET /operator/status": ("O",),
    "GET /operator/operators": ("O",),
    "POST /operator/operators": ("O", {"address": "more@service.example"},
                                 DESTROYS),
    "DELETE /operator/operators/{address}": ("O", None, DESTROYS),
    "POST /operator/sign-in-reset": ("OS", {"address": "no@alpha.example"},
                                     DESTROYS),
    # --- of a customer ---------------------------------------------------------
    "GET /customers/{name}": ("OSUA",),
    "PATCH /customers/{name}": ("OS", {"over_user": "refuse"}),
    "DELETE /customers/{name}": ("O", None, DESTROYS),
    "GET /customers/{customer}/overview": ("OSA",),
    "GET /customers/{customer}/needs": ("OSUA",),
    "GET /customers/{customer}/messages": ("OSUA",),
    "GET /customers/{customer}/messages/{id}": ("OSUA",),
    "GET /customers/{customer}/refusals": ("OSUA",),
    "GET /customers/{customer}/refusals/{reference}": ("OSUA",),
    "GET /customers/{customer}/find": ("OSUA",),
    "GET /customers/{customer}/watch": ("OSUA",),
    "GET /customers/{customer}/alerts": ("OSA",),
    "GET /customers/{customer}/audit": ("OSUA",),
    "GET /customers/{customer}/settings": ("OSUA",),
    "POST /customers/{customer}/settings": ("OS", NEW_SETTING),
    "PUT /customers/{customer}/settings/order": ("OS",
                                                 {"ids": ["head-office"]}),
    "POST /customers/{customer}/settings/check": (
        "OS", {"setting": NEW_SETTING["setting"]}),
    "GET /customers/{customer}/settings/{id}": ("OSUA",),
    "PUT /customers/{customer}/settings/{id}": ("OS", SETTING),
    "PATCH /customers/{customer}/settings/{id}": ("OS", {"enabled": True}),
    "DELETE /customers/{customer}/settings/{id}": ("OS", None, DESTROYS),
    "GET /customers/{customer}/settings/{setting}/history": ("OSUA",),
    "GET /customers/{customer}/settings/{setting}/ip": ("OSUA",),
    "POST /customers/{customer}/settings/{setting}/ip": ("OS", ENTRY,
                                                         DESTROYS),
    "PATCH /customers/{customer}/settings/{setting}/ip/{range}": (
        "OS", {"enabled": True}),
    "DELETE /customers/{customer}/settings/{setting}/ip/{range}": (
        "OS", None, DESTROYS),
    "POST /customers/{customer}/settings/{setting}/ip/{range}/request-sharing":
        ("OS", {}, DESTROYS),
    "POST /customers/{customer}/settings/{setting}/ip/{range}/share":
        ("O", {}),
    "GET /customers/{customer}/drafts": ("OSUA",),
    "GET /customers/{customer}/drafts/{id}": ("OSUA",),
    "PUT /customers/{customer}/drafts/{id}": ("OS", DRAFT),
    "DELETE /customers/{customer}/drafts/{id}": ("OS", None, DESTROYS),
    "GET /customers/{customer}/explain": ("OSUA",),
    "POST /customers/{customer}/replay": ("OS", {**DRAFT, "hours": 1}),
    "POST /customers/{customer}/explain": (
        "OSUA", {"client_ip": "127.0.0.1", "from": "user@alpha.example"}),
    "GET /customers/{customer}/users": ("OSUA",),
    "POST /customers/{customer}/users": ("OSU", {
        "address": "user@alpha.example", "org_unit": "sales"}, DESTROYS),
    "GET /customers/{customer}/users/{address}": ("OSUA",),
    "PATCH /customers/{customer}/users/{address}": ("OSU",
                                                    {"suspended": False}),
    "DELETE /customers/{customer}/users/{address}": ("OSU", None, DESTROYS),
    "GET /customers/{customer}/users/{address}/app-passwords": ("OSUA",),
    "POST /customers/{customer}/users/{address}/app-passwords": ("OSU", {}),
    "DELETE /customers/{customer}/app-passwords/{id}": ("OSU", None,
                                                        DESTROYS),
    "POST /customers/{customer}/users/{address}/invite": ("OS", {}, DESTROYS),
    "GET /customers/{customer}/domains": ("OSUA",),
    "POST /customers/{customer}/domains": (
        "OS", {"name": "more.example"}, DESTROYS),
    "PATCH /customers/{customer}/domains/{name}": ("OS",
                                                   {"kind": "primary"}),
    "DELETE /customers/{customer}/domains/{name}": ("OS", None, DESTROYS),
    "GET /customers/{customer}/limits": ("OSUA",),
    "GET /customers/{customer}/limits/users": ("OSUA",),
    "GET /customers/{customer}/queue": ("OSA",),
    "GET /customers/{customer}/queue/messages": ("OSUA",),
    "POST /customers/{customer}/queue/preview": ("OSUA", SELECTION),
    "POST /customers/{customer}/queue/acts": ("OS", SELECTION),
}

QUERIES = {"explain": "client_ip=127.0.0.1&from=user@alpha.example",
           "find": "q=user", "overview": "range=1h", "watch": "client=11.0.0.1"}

# Of what its key alone doesn't say that it isn't there: an empty list, a name
# that is free, a draft that begins.
FREE_KEYS = {
    "GET /customers/{customer}/settings/{setting}/history",
    "GET /customers/{customer}/settings/{setting}/ip",
    "PUT /customers/{customer}/drafts/{id}",
    "PUT /customers/{customer}/settings/{id}",
    "POST /customers/{customer}/settings/{setting}/ip",
    "DELETE /customers/{customer}/drafts/{id}",
}


def values(s, admin):
    """Name of a value of paths → own, B's, deleted, guessed."""
    from postrider import Client
    made = admin.post("/customers/alpha/users/user@alpha.example/"
                      "app-passwords", {}).json["id"]
    gone = admin.post("/customers/alpha/users/user@alpha.example/"
                      "app-passwords", {}).json["id"]
    admin.ask("DELETE", f"/customers/alpha/app-passwords/{gone}")
    other = s.rows("app-password", "create", "user@beta.example")[0]["id"]
    admin.ask("PUT", "/customers/alpha/drafts/new-1", DRAFT)
    for address in ("gone@alpha.example",):
        admin.ask("DELETE", f"/customers/alpha/users/{address}")
    s.cli("customer", "add", "gamma")
    s.cli("customer", "remove", "gamma")
    with Client(s.port) as c:
        c.hello()
        code, text = c.message("user@alpha.example", ["b@x.example"],
                               "Subject: t\r\n\r\nx\r\n")
        assert code == 250, text
    message = text.split()[3]
    s.wait_for(lambda: admin.get(f"/customers/alpha/messages/{message}")
               .status == 200)
    return {
        "customer": ("alpha", "beta", "gamma", "guess"),
        "address": ("user@alpha.example", "user@beta.example",
                    "gone@alpha.example", "guess@alpha.example"),
        "setting": ("head-office", "other", "gone", "guess"),
        "object": ("head-office", "other", "gone", "guess"),
        "range": ("127.0.0.1", "11.0.0.2", "11.0.0.3", "9.9.9.9"),
        "reference": (None, None, None, "a" * 26),
        "messages/id": (message, None, None, "0" * 20),
        "settings/id": ("head-office", None, None, "guess"),
        "drafts/id": ("new-1", None, None, "new-guess"),
        "app-passwords/id": (made, other, gone, "aaaaaaaaaa"),
        "tokens/id": (None, None, None, "999999"),
        "domains/name": ("alpha.example", "beta.example", None,
                         "guess.example"),
        "operators/address": (None, None, None, "guess@service.example"),
    }


def key_of(template, name, given):
    """The row of `given` for a value of the path."""
    if template.startswith("/customers/{name}") and name == "name":
        return "customer"
    before = template.split("{" + name + "}")[0].rstrip("/").split("/")[-1]
    two = f"{before}/{name}"
    return two if two in given else name


def paths(method, template, given):
    """(about, path): each value in turn another's, deleted, guessed."""
    names = re.findall(r"\{(\w+)\}", template)
    rows = {n: given[key_of(template, n, given)] for n in names}
    own = {n: r[0] if r[0] is not None else r[3] for n, r in rows.items()}

    def fill(with_values):
        path = template
        for n, v in with_values.items():
            path = path.replace("{" + n + "}", v.replace("/", "%2F"))
        last = template.rstrip("/").split("/")[-1]
        return path + ("?" + QUERIES[last]
                       if method == "GET" and last in QUERIES else "")
    yield ("own" if all(r[0] is not None for r in rows.values())
           else "guessed", None, fill(own))
    for n, row in rows.items():
        for about, value in zip(("B's", "deleted", "guessed"), row[1:]):
            if value is not None and value != own[n]:
                yield about, n, fill({**own, n: value})


def wanted(row, who, about, name, method, template):
    """Statuses that are right; None: whatever but 401, 403, 404."""
    may = row[0]
    if may == "public":
        return None
    letter = LETTERS.get(who)
    if letter is None:
        return {401}
    if letter not in may:
        return {403} if about == "own" and who != "super B" else {403, 404}
    key = f"{method} {template}"
    about_customer = name in ("customer", "name") and \
        not template.startswith("/customers/{customer}/domains/{name}")
    has_customer = "{customer}" in template or "/customers/{name}" in template
    if name == "name" and "domains" in template:
        about_customer = False
    if who == "super B" and has_customer:
        # The other way round: what is "own" here is another's to him.
        return {404} if not (about_customer and about == "B's") else \
            {404, "more"}
    if about == "own":
        return None
    if who == "operator" and about == "B's" and about_customer:
        return {404, "more"}
    if not about_customer and key in FREE_KEYS:
        return {404, "more"}
    if who == "operator" and about == "B's":
        return {404, "more"}
    return {404}


def run(s, people, nobody, test):
    from client import Api
    document = Api.document
    routes = [(m.upper(), p) for p, ms in document["paths"].items()
              for m in ms]
    with test("L4: each route of the document has a row, and no other"):
        have, want = set(ROWS), {f"{m} {p}" for m, p in routes}
        assert have == want, f"no row: {sorted(want - have)}; " \
            f"no route: {sorted(have - want)}"
    given = values(s, people["super A"])
    user = Api(s)
    # Nobody lets a user in: what he has is made up.
    user.cookie, user.csrf = "pr_ses_" + "a" * 52, "a" * 52
    askers = {"none": nobody, "user": user, **people}
    for method, template in routes:
        row = ROWS.get(f"{method} {template}")
        if row is None:
            continue
        with test(f"L4: {method} {template}"):
            one_route(askers, given, method, template, row)
    with test("L4: the foreign and the guessed are answered alike"):
        for template in ("/customers/{}/users", "/customers/{}/settings",
                         "/customers/{}/overview", "/customers/{}/audit"):
            a, b = (people["super A"].get(template.format(c)).body.replace(
                c.encode(), b"*") for c in ("beta", "guess"))
            assert a == b, (template, a, b)


def one_route(askers, given, method, template, row):
    body = row[1] if len(row) > 1 else None
    destroys = len(row) > 2
    wrong = []
    for about, name, path in paths(method, template, given):
        for who, api in askers.items():
            want = wanted(row, who, about, name, method, template)
            mine = want is None or "more" in want
            # A sign-in takes the place of the session that was.
            if destroys and mine and who not in ("none", "user"):
                continue
            a = api.ask(method, path, body)
            good = a.status not in (401, 403, 404) or row[0] == "public" \
                if want is None else a.status in want or \
                ("more" in want and a.status not in (401, 403))
            if not good:
                wrong.append(f"{who} of {about} {name or ''} {path}: {a}")
    assert not wrong, "\n   ".join([f"{len(wrong)}", *wrong])
