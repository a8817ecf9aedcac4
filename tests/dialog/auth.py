"""A1–A4 of RELIABILITY 2.6, and app passwords that are made, bound, taken
away."""
import base64
import hashlib
import hmac
import os

from world import BOTH, EXAMPLE, STRANGER, customer, directory


def b64(text):
    return base64.b64encode(text if isinstance(text, bytes)
                            else text.encode()).decode()


def a1_before_tls(world):
    word = b64("\0u@auth.example\0secret")
    with world.client(STRANGER) as c:
        assert "AUTH" not in c.cmd("EHLO x")[1]
        for line in ("AUTH PLAIN", f"AUTH PLAIN {word}", "AUTH LOGIN",
                     f"AUTH LOGIN {b64('u@auth.example')}"):
            code, text = c.cmd(line)
            assert code == 538 and "5.7.11" in text, (line, text)
        c.starttls()
        assert "250-AUTH PLAIN LOGIN SCRAM-SHA-256" in c.cmd("EHLO x")[1]
    assert b"secret" not in open(world.service.log_path, "rb").read()


def a1_seen_in_clear(world):
    """The user's administrator must learn that the password was on the wire."""
    for helo, line in (("clear.test", "AUTH PLAIN " + b64(b"\0u\0p")),
                       ("bare.test", "AUTH LOGIN")):
        with world.client(STRANGER, hello=helo) as c:
            assert c.code(line) == 538
            assert c.code("QUIT") == 221
    sessions = world.journal("session", "helo", ("clear.test", "bare.test"))
    assert sessions["clear.test"].get("secret_in_clear") is True
    assert "secret_in_clear" not in sessions["bare.test"]


def a2_bad_words(world):
    words = ["!", "=", "====", "AAA", "A A A A", "AHU=AHA=", "\xe4",
             b64("no nul at all"), b64("\0one"), b64("\0\0\0\0"),
             b64("\0" + "u" * 300 + "\0p"), b64("\0u\r\nx@y\0p"),
             b64("\0u@auth.example\0p\r\nq"), b64("\0u\0p\0q"), "="]
    for word in words:
        with world.client(STRANGER, starttls=True) as c:
            assert c.code("AUTH PLAIN") == 334
            c.send(word.encode("latin-1") + b"\r\n")
            code, text = c.reply()
            assert code in (501, 535), (word, text)
            assert c.code("NOOP") == 250
    with world.client(STRANGER, starttls=True) as c:
        assert c.code("AUTH PLAIN") == 334
        assert c.cmd("*")[1].startswith("501")
        assert c.code("AUTH PLAIN =") in (501, 535)
    with world.client(STRANGER, starttls=True) as c:
        assert c.code("AUTH LOGIN") == 334
        assert c.code("*") == 501
        assert c.code("AUTH LOGIN") == 334
        assert c.code(b64("u@auth.example")) == 334
        assert c.code("*") == 501


def a2_long_words(world):
    with world.client(STRANGER, starttls=True) as c:
        assert c.code("AUTH PLAIN") == 334
        assert c.code("A" * 12288) in (501, 535)
        assert c.code("AUTH PLAIN") == 334
        code, text = c.cmd("A" * 12292)
        assert code == 500 and "5.5.6" in text, text
    with world.client(STRANGER, starttls=True) as c:
        assert c.code("AUTH PLAIN") == 334
        assert c.code("A" * 1048576) == 500
        assert c.code("NOOP") == 250


def a3_authorisation_identity(world):
    password = world.service.app_password("u@auth.example")
    for identity, code in (("u@auth.example", 235), ("", 235),
                           ("u@both.example", 535),
                           ("nobody@auth.example", 535)):
        with world.client(STRANGER, starttls=True) as c:
            word = b64(f"{identity}\0u@auth.example\0{password}")
            got, text = c.cmd(f"AUTH PLAIN {word}")
            assert got == code, (identity, text)


def a4_order(world):
    password = world.service.app_password("u@auth.example")
    with world.client(STRANGER, starttls=True) as c:
        assert c.code("AUTH CRAM-MD5") == 504
        assert c.code("AUTH NTLM TlRMTVNTUAAB") == 504
        assert c.code("AUTH") == 501
        assert c.auth_plain("u@auth.example", password)[0] == 235
        assert c.auth_plain("u@auth.example", password)[0] == 503
        assert c.code("RSET") == 250
        assert c.auth_plain("u@auth.example", password)[0] == 503
        assert c.code("MAIL FROM:<u@auth.example>") == 250
        assert c.code("AUTH PLAIN") == 503


def a5_three_failures(world):
    with world.client(STRANGER, starttls=True) as c:
        codes = [c.auth_plain("u@auth.example", f"pr_wrong{i}")[0]
                 for i in range(4)]
        assert codes == [535, 535, 535, 421], codes
        assert c.at_end()


def a6_one_text_for_all(world):
    """Unknown, without password, wrong: the same reply."""
    texts = set()
    right = world.service.app_password("u@auth.example")
    for user, password in (("nobody@auth.example", "x"),
                           ("u@auth.example", "x"),
                           ("u@auth.example", right[:-1]),
                           ("u@auth.example", right + "a"),
                           ("u@auth.example", right.replace(right[5], "a")),
                           ("u@both.example", "pr_" + "a" * 40), ("", "")):
        with world.client(STRANGER, starttls=True) as c:
            code, text = c.auth_plain(user, password)
            assert code in (535, 501), text
            texts.add(text.split("[")[0].split("ref")[0]
                      if code == 535 else "535 ")
    assert len({t.split("\n")[0] for t in texts if t != "535 "}) == 1, texts


def s1_3_user_names(world):
    """The id in the password selects the record: address, id or empty."""
    password = world.service.app_password("u@auth.example")
    for user, code in (("u@auth.example", 235), (password[3:13], 235),
                       ("", 235), ("u@both.example", 535)):
        with world.client(STRANGER, starttls=True) as c:
            got, text = c.auth_plain(user, password)
            assert got == code, (user, text)


def scram_first(c, user, header="n,,", nonce=None):
    """Client-first: (reply code, nonce of both, salt, AuthMessage so far)."""
    nonce = nonce or base64.b64encode(os.urandom(12)).decode()
    bare = f"n={user.replace('=', '=3D').replace(',', '=2C')},r={nonce}"
    code, text = c.cmd("AUTH SCRAM-SHA-256 " + b64(header + bare))
    if code != 334:
        return code, None, None, text
    first = base64.b64decode(text[4:]).decode()
    parts = dict(p.split("=", 1) for p in first.split(","))
    assert parts["r"].startswith(nonce) and len(parts["r"]) == \
        len(nonce) + 24 and parts["i"] == "4096", first
    salt = base64.b64decode(parts["s"])
    assert len(salt) == 16
    return code, parts["r"], salt, f"{bare},{first}"


def scram(c, user, password, header="n,,", change=lambda x: x):
    """One login: the last reply."""
    code, nonce, salt, message = scram_first(c, user, header)
    if code != 334:
        return code, message
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 4096)
    def mac(key, text):
        return hmac.new(key, text, "sha256").digest()
    client_key = mac(salted, b"Client Key")
    final = f"c={b64(header)},r={nonce}"
    message = f"{message},{final}".encode()
    signature = mac(hashlib.sha256(client_key).digest(), message)
    proof = bytes(a ^ b for a, b in zip(client_key, signature))
    code, text = c.cmd(b64(change(f"{final},p={b64(proof)}")))
    if code != 334:
        return code, text
    wanted = mac(mac(salted, b"Server Key"), message)
    assert base64.b64decode(text[4:]).decode() == f"v={b64(wanted)}"
    return c.cmd("")


def s1_3_scram(world):
    """Proved by the id or the user's address, each of several passwords; it
    is a login like any other."""
    service = world.service
    first = service.app_password("u@auth.example")
    second = service.app_password("u@auth.example")
    for user, password, header in (
            (first[3:13], first, "n,,"), ("u@auth.example", first, "n,,"),
            ("u@auth.example", second, "y,,"),
            ("U@AUTH.EXAMPLE", second, "n,a=u@auth.example,")):
        with world.client(STRANGER, starttls=True) as c:
            code, text = scram(c, user, password, header)
            assert code == 235, (user, text)
            assert c.code("MAIL FROM:<u@auth.example>") == 250
            assert c.auth_plain("", first)[0] == 503
    for user, password, header in (
            (first[3:13], second, "n,,"), ("u@both.example", first, "n,,"),
            ("u@auth.example", first[:-1], "n,,"),
            ("u+x@auth.example", first, "n,,"),
            ("u@auth.example", first, "n,a=u@both.example,"),
            ("nobody@auth.example", first, "n,,"),
            ("aaaaaaaaaa", first, "n,,")):
        with world.client(STRANGER, starttls=True) as c:
            code, text = scram(c, user, password, header)
            assert code == 535 and "5.7.8" in text, (user, code, text)
            assert c.code("MAIL FROM:<u@auth.example>") == 530
    rows, code = service.call("app_password.remove", id=second[3:13])
    assert code == 0, rows
    with world.client(STRANGER, starttls=True) as c:
        assert scram(c, "u@auth.example", second)[0] == 535
        assert scram(c, "u@auth.example", first)[0] == 235


def a7_scram(world):
    """Tampered with, stripped, said again: refused."""
    right = world.service.app_password("u@auth.example")
    for change in (lambda x: x.replace(",r=", ",r=x"),
                   lambda x: x.replace("c=biws", "c=eSws"),
                   lambda x: x[:-8] + "AAAAAAA=",
                   lambda x: x.replace(",p=", ",x=1,p="),
                   lambda x: x.split(",p=")[0] + ",p="):
        with world.client(STRANGER, starttls=True) as c:
            code, text = scram(c, "u@auth.example", right, change=change)
            assert code == 535, text
    with world.client(STRANGER, starttls=True) as c:
        seen = []
        assert scram(c, "u@auth.example", right,
                     change=lambda x: seen.append(x) or x)[0] == 235
    with world.client(STRANGER, starttls=True) as c:
        code, nonce, _, _ = scram_first(c, "u@auth.example")
        assert code == 334 and nonce not in seen[0]
        assert c.code(b64(seen[0])) == 535
    with world.client(STRANGER, starttls=True) as c:
        for header in ("p=tls-unique,,", "", "n,", "z,,"):
            assert scram_first(c, "u@auth.example", header)[0] == 501
    with world.client(STRANGER) as c:
        assert c.code("AUTH SCRAM-SHA-256 " + b64("n,,n=u,r=x")) == 538


def a6_scram_tells_nothing(world):
    """Everybody has a salt, always the same one; who is one is told one."""
    def salt(user):
        with world.client(STRANGER, starttls=True) as c:
            code, _, salt, text = scram_first(c, user)
            assert code == 334, text
            return salt
    world.service.app_password("u@auth.example")
    for user in ("u@auth.example", "u@both.example", "nobody@auth.example",
                 "u@nowhere.test", "aaaaaaaaaa", "no address"):
        assert salt(user) == salt(user), user
    assert salt("u@auth.example") == salt("U@Auth.Example")
    assert salt("nobody@auth.example") == salt("NoBody@auth.EXAMPLE")
    # or one could see that two names are the same user's
    assert salt("u@auth.example") != salt("u+x@auth.example")
    assert salt("nobody@auth.example") != salt("nobody+x@auth.example")


def s1_3_bound(world):
    """An app password may be good for one sender, from one range."""
    sender = world.service.app_password("u@auth.example", "--sender",
                                        "scan@auth.example")
    ranged = world.service.app_password("u@auth.example", "--range",
                                        f"{EXAMPLE}/32")
    with world.client(STRANGER, starttls=True) as c:
        assert c.auth_plain("", sender)[0] == 235
        assert c.code("MAIL FROM:<u@auth.example>") == 550
        assert c.code("MAIL FROM:<scan@auth.example>") == 250
    for source, wanted in ((STRANGER, False), (EXAMPLE, True)):
        with world.client(source, starttls=True) as c:
            good = c.auth_plain("", ranged)[0] == 235 and \
                c.code("MAIL FROM:<u@auth.example>") == 250
            assert good == wanted, source


def s3_6_acts_at_once(world):
    """A removed password, a suspended user: at the next MAIL of a session
    that is open already."""
    service = world.service
    password = service.app_password("u@auth.example")
    other = service.app_password("u@auth.example")
    with world.client(STRANGER, starttls=True) as c, \
            world.client(STRANGER, starttls=True) as d:
        assert c.auth_plain("", password)[0] == 235
        assert d.auth_plain("", other)[0] == 235
        for x in (c, d):
            assert x.code("MAIL FROM:<u@auth.example>") == 250
            assert x.code("RSET") == 250
        rows, code = service.call("app_password.remove",
                                  id=password[3:13])
        assert code == 0, rows
        assert c.code("MAIL FROM:<u@auth.example>") in (530, 535, 550)
        assert d.code("MAIL FROM:<u@auth.example>") == 250
        assert d.code("RSET") == 250
        change = customer("auth", auth=True).replace(
            "address: u@auth.example", "address: u@auth.example, "
            "suspended: true")
        write(world, auth=change)
        assert d.code("MAIL FROM:<u@auth.example>") in (530, 535, 550)
        write(world)
        assert d.code("MAIL FROM:<u@auth.example>") == 250
    with world.client(STRANGER, starttls=True) as c:
        assert c.auth_plain("", password)[0] == 535


def write(world, **changes):
    with open(world.service.directory, "w") as f:
        f.write(directory(**changes))
    world.service.cli("apply", "--prune", world.service.directory)


def s3_3_both(world):
    """ip_only and require_auth: both must hold."""
    password = world.service.app_password("u@both.example")
    with world.client(BOTH) as c:
        assert c.code("MAIL FROM:<u@both.example>") == 530
        c.starttls()
        code, text = c.cmd("MAIL FROM:<u@both.example>")
        assert code == 530 and "Authentication required" in text, text
        assert c.auth_plain("", password)[0] == 235
        assert c.code("MAIL FROM:<u@both.example>") == 250
    with world.client(STRANGER, starttls=True) as c:
        assert c.auth_plain("", password)[0] == 235
        code, text = c.cmd("MAIL FROM:<u@both.example>")
        assert code == 550 and f"Mail relay denied [{STRANGER}]" in text


def tests(world, results):
    for f in (a1_before_tls, a1_seen_in_clear, a2_bad_words, a2_long_words,
              a3_authorisation_identity, a4_order, a5_three_failures,
              a6_one_text_for_all, s1_3_user_names, s1_3_scram, a7_scram,
              a6_scram_tells_nothing, s1_3_bound,
              s3_6_acts_at_once, s3_3_both):
        with results.test(f.__name__):
            f(world)
