"""Whether a refused login tells if an account exists (RELIABILITY A6): by
the reply's bytes, and (nightly) by the time that it takes."""
import base64
import random
import re
import statistics
import time

from postrider import Client, Service

ADDRESS = "127.7.0.1"
DIRECTORY = """\
customers:
  - name: auth
    licences: 100
    billing: paid
    allow_private_addresses: true
    domains:
      - { name: auth.example, kind: primary, verified: operator }
    users:
      - { address: u@auth.example }
      - { address: other@auth.example }
      - { address: nopassword@auth.example }
      - { address: suspended@auth.example, suspended: %s }
    relay_settings:
      - description: auth
        allowed_senders: own-domains
        authentication: { ip_only: false, require_auth: true }
        enabled: true
"""
LIMITS = "limits: { auth_failures: 100, auth_delay_ms: 0, " \
    "errors_stranger: 1000, junk_stranger: 10000 }\n"


def b64(text):
    return base64.b64encode(text.encode()).decode()


def make_cases(service):
    """What is tried: name → (user name, password), in groups of which all
    must look the same."""
    right = service.app_password("u@auth.example")
    gone = service.app_password("u@auth.example")
    suspended = service.app_password("suspended@auth.example")
    service.cli("app-password", "remove", gone[3:13])
    with open(service.directory, "w") as f:
        f.write(DIRECTORY % "true")
    service.apply()
    return [{
        "password of another": ("other@auth.example", right),
        "account without a password": ("nopassword@auth.example", right),
        "no such account": ("nobody@auth.example", right),
        "no such domain": ("u@unknown.example", right),
        "removed password": ("u@auth.example", gone),
        "removed password, no such account": ("nobody@auth.example", gone),
        "suspended": ("suspended@auth.example", suspended),
    }, {
        "wrong secret": ("u@auth.example", right[:13] + "a" * 30),
        "wrong id": ("u@auth.example", "pr_" + "a" * 40),
        "wrong id, no such account": ("nobody@auth.example",
                                      "pr_" + "a" * 40),
    }, {                        # what has not the form of one is seen at once
        "words": ("u@auth.example", "correct horse battery staple"),
        "words, no such account": ("nobody@auth.example",
                                   "correct horse battery staple"),
    }]


def session(service):
    c = Client(service.port, source=ADDRESS)
    c.hello("auth.example")
    c.starttls("auth.example")
    return c


def without_reference(reply):
    """Each refusal has one of its own, drawn by chance (SPEC 4.3)."""
    code, text = reply
    return code, re.sub(r"\bref [0-9a-z]{25}$", "ref R", text)


def login(c, user, password):
    return without_reference(
        c.cmd("AUTH PLAIN " + b64(f"\0{user}\0{password}")))


def a6_same_bytes(service, groups):
    for group in groups:
        replies = set()
        for user, password in group.values():
            with session(service) as c:
                replies.add(login(c, user, password))
                assert c.code("AUTH LOGIN") == 334
                code = c.code(b64(user))
                replies.add(without_reference(c.cmd(b64(password)))
                            if code == 334 else code)
        assert replies == {(535, "535-5.7.8 Authentication credentials "
                                 "invalid\n535 5.7.8 ref R")}, replies
    with session(service) as c:
        said = {c.cmd(f"VRFY {u}@auth.example") for u in ("u", "nobody")}
        assert len(said) == 1 and said.pop()[0] == 252
        assert c.code("EXPN u@auth.example") == 502


def times_us(service, group, samples):
    """Round about, so that what the machine does meanwhile hits all alike."""
    out = {name: [] for name in group}
    names = list(group) * samples
    random.Random(6).shuffle(names)
    c, said = session(service), 0
    for name in names:
        if said == 90:
            c.close()
            c, said = session(service), 0
        said += 1
        begun = time.perf_counter()
        login(c, *group[name])
        out[name].append((time.perf_counter() - begun) * 1e6)
    c.close()
    return out


def distance(a, b):
    """Kolmogorov and Smirnov's: how far two distributions lie apart."""
    a, b, i, j, most = sorted(a), sorted(b), 0, 0, 0.0
    while i < len(a) and j < len(b):
        if a[i] <= b[j]:
            i += 1
        else:
            j += 1
        most = max(most, abs(i / len(a) - j / len(b)))
    return most


def a6_same_time(service, groups, samples):
    """|difference of medians| < 1 ms; p > 0.01 by Kolmogorov-Smirnov."""
    for group in groups:
        times = times_us(service, group, samples)
        names = list(times)
        for name in names[1:]:
            apart = statistics.median(times[name]) - \
                statistics.median(times[names[0]])
            far = distance(times[name], times[names[0]])
            print(f"A6: {name}: {apart:+.1f} us from {names[0]}, "
                  f"K-S {far:.3f} (bound {1.63 * (2 / samples) ** 0.5:.3f})")
            assert abs(apart) < 1000, name
            assert far < 1.63 * (2 / samples) ** 0.5, name


def tests(results, flavour_bin, nightly):
    with Service(directory=DIRECTORY % "false", limits=LIMITS,
                 flavour_bin=flavour_bin) as service:
        service.start()
        groups = make_cases(service)
        with results.test("a6_same_bytes"):
            a6_same_bytes(service, groups)
        if nightly:
            with results.test("a6_same_time"):
                a6_same_time(service, groups, 1000)
        assert service.stop() == 0
