"""What SIGHUP changes under open sessions: limits, listeners, the
certificate; and old TLS clients (SPEC 1.9), which are a matter of listeners.
A service of its own."""
import datetime
import os
import signal
import socket
import ssl
import subprocess
import time

from postrider import Client, Service, check_memory_reports, free_port
from world import World, customer

LISTED = "127.0.0.1"
MARKED = "127.0.0.61"       # its entry gets a day for old TLS


def certificate(way, name, days=90, key_type="ec"):
    """A certificate and its key in the service's folder: their paths."""
    crt, key = (os.path.join(way.service.dir, f"{name}.{x}")
                for x in ("crt", "key"))
    kind = ["rsa:2048"] if key_type == "rsa" else \
        ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", *kind, "-nodes", "-days",
         str(days), "-subj", f"/CN={name}.test", "-keyout", key, "-out", crt],
        check=True, capture_output=True)
    os.chmod(key, 0o600)
    return crt, key


def expired(way, name):
    """One that ended ten days ago (openssl req has no past end)."""
    crt, key = certificate(way, name)
    where = way.service.dir
    with open(os.path.join(where, "ca.cnf"), "w") as f:
        f.write("[ca]\ndefault_ca=d\n[d]\ndatabase=%s/index.txt\n"
                "serial=%s/serial\nnew_certs_dir=%s\ndefault_md=sha256\n"
                "policy=p\n[p]\ncommonName=supplied\n" % ((where,) * 3))
    open(os.path.join(where, "index.txt"), "w").close()
    with open(os.path.join(where, "serial"), "w") as f:
        f.write("01\n")
    csr = os.path.join(where, "x.csr")
    subprocess.run(["openssl", "req", "-new", "-key", key, "-subj",
                    f"/CN={name}.test", "-out", csr], check=True,
                   capture_output=True)
    end = datetime.datetime.utcnow() - datetime.timedelta(days=10, minutes=1)
    begin = end - datetime.timedelta(days=100)
    subprocess.run(["openssl", "ca", "-batch", "-selfsign", "-config",
                    os.path.join(where, "ca.cnf"), "-keyfile", key, "-in",
                    csr, "-out", crt, "-startdate",
                    begin.strftime("%Y%m%d%H%M%SZ"), "-enddate",
                    end.strftime("%Y%m%d%H%M%SZ"), "-notext"], check=True,
                   capture_output=True)
    return crt, key


def old_context(version, ciphers="ALL:@SECLEVEL=0"):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers(ciphers)
    context.minimum_version = context.maximum_version = version
    return context


def old_client(port, context, tls=False, source=None):
    """A session over what the context has, after EHLO; or None."""
    return old_handshake(Client(port, source=source), context, tls)


def old_handshake(c, context, tls=False):
    try:
        if not tls:
            c.hello("old.test")
            assert c.code("STARTTLS") == 220
        c.sock = context.wrap_socket(c.sock)
        if tls:
            assert c.reply()[0] == 220
        c.said = c.cmd("EHLO old.test")[1]
        return c
    except (ssl.SSLError, ConnectionError):
        c.close()
        return None


def common_name(port, tls=False):
    """Of the certificate that a new handshake is given."""
    with Client(port) as c:
        if not tls:
            c.hello()
            assert c.code("STARTTLS") == 220
        c.start_tls_now()
        pem = ssl.DER_cert_to_PEM_cert(c.sock.getpeercert(True))
        return subprocess.run(["openssl", "x509", "-noout", "-subject"],
                              input=pem, text=True, check=True,
                              capture_output=True).stdout.strip()


class Way:
    def __init__(self):
        self.legacy, self.legacy465 = free_port(), free_port()
        self.legacy_auth, self.over = free_port(), free_port()
        self.more = {}
        self.service = Service(
            directory="customers:\n" + customer("way", LISTED))
        self.tls = ""
        self.limits = ""
        self.write()

    def rows(self):
        day = (datetime.date.today() +
               datetime.timedelta(days=400)).isoformat()
        rows = {
            "old": f'"127.0.0.1:{self.legacy}", '
                   f'legacy_tls: {{ until: {day} }}',
            "old465": f'"127.0.0.1:{self.legacy465}", tls: implicit, '
                      f'legacy_tls: {{ until: "{day}" }}',
            "oldauth": f'"127.0.0.1:{self.legacy_auth}", '
                       f'legacy_tls: {{ until: {day}, auth: true }}',
            "over": f'"127.0.0.1:{self.over}", '
                    'legacy_tls: { until: 2021-12-31 }',
        }
        rows.update(self.more)
        return "".join(f"  - {{ name: {k}, address: {v} }}\n"
                       for k, v in rows.items())

    def write(self):
        s = self.service
        s.listeners, s.limits, s.extra = self.rows(), self.limits, self.tls
        s.write_config()

    def log(self):
        with open(self.service.log_path, errors="replace") as f:
            return f.read()

    def reload(self, good=True):
        """SIGHUP, and the log lines since."""
        s = self.service
        name = "postrider_reloads_%stotal" % ("" if good else "failed_")
        before, at = s.metrics()[name], len(self.log())
        relay = s.pid_of("relay")
        s.process.send_signal(signal.SIGHUP)
        s.wait_for(lambda: s.metrics()[name] > before)
        assert s.pid_of("relay") == relay, "another relay"
        return self.log()[at:]

    def set(self, good=True, **what):
        for k, v in what.items():
            setattr(self, k, v)
        self.write()
        return self.reload(good)

    def settles(self, what, seconds=1.0):
        """True within a second: the time that a change may take."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if what():
                return True
            time.sleep(0.02)
        return what()


# --- 1.9 ----------------------------------------------------------------------

def s1_9_old_tls_on_its_listeners_only(way):
    s = way.service
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        context = old_context(version)
        for port, tls in ((way.legacy, False), (way.legacy465, True)):
            with old_client(port, context, tls) as c:
                assert c.sock.version() in ("TLSv1", "TLSv1.1")
                assert "AUTH" not in c.said, c.said
                assert c.code("AUTH PLAIN AGEAYg==") == 502
                assert c.message("u@way.example", ["x@way.test"],
                                 "Subject: old\r\n\r\nold\r\n")[0] == 250
        for port, tls in ((s.port, False), (s.port587, False),
                          (s.port465, True), (way.over, False)):
            assert old_client(port, context, tls) is None, (version, port)
        with old_client(way.legacy_auth, context) as c:
            assert "AUTH PLAIN" in c.said, c.said
    assert s.metrics()["postrider_tls_legacy_sessions_total"] == 6


def s1_9_old_ciphers_of_tls_1_2(way):
    """CBC and RSA key exchange, as Exchange 2007 and Domino have them."""
    s = way.service
    way.set(tls="tls: { certificate: %s, key: %s }\n"
            % certificate(way, "rsa", key_type="rsa"))
    assert way.settles(lambda: "rsa" in common_name(s.port))
    for ciphers in ("AES128-SHA", "AES256-SHA", "ECDHE-RSA-AES128-SHA"):
        context = old_context(ssl.TLSVersion.TLSv1_2,
                              ciphers + ":@SECLEVEL=0")
        with old_client(way.legacy, context) as c:
            assert c.sock.cipher()[0] == ciphers
            assert "AUTH" not in c.said
        assert old_client(s.port, context) is None
    # a client that can do better does, and is nobody's worry
    before = s.metrics()["postrider_tls_legacy_sessions_total"]
    with Client(way.legacy) as c:
        c.hello()
        assert "AUTH PLAIN" in c.starttls()[1]
        assert c.sock.version() == "TLSv1.3"
    assert s.metrics()["postrider_tls_legacy_sessions_total"] == before
    way.set(tls="")


def s1_9_never_worse_than_that(way):
    for ciphers in ("aNULL:@SECLEVEL=0", "eNULL:@SECLEVEL=0",
                    "DHE-RSA-AES128-SHA:@SECLEVEL=0", "PSK:@SECLEVEL=0"):
        try:
            context = old_context(ssl.TLSVersion.TLSv1_2, ciphers)
        except ssl.SSLError:
            continue            # not even the client has them
        assert old_client(way.legacy, context) is None, ciphers


def s1_9_old_tls_of_an_entry(way):
    """From an address whose entry has a day, to the end of that day, on
    listeners that are strict with everybody else."""
    s = way.service
    today = datetime.datetime.utcnow().date()
    versions = [old_context(v) for v in (ssl.TLSVersion.TLSv1,
                                         ssl.TLSVersion.TLSv1_1)]
    ports = ((s.port, False), (s.port587, False), (s.port465, True))

    def take(context, source=MARKED):
        """By port: what a client there gets."""
        out = []
        for port, tls in ports:
            c = old_client(port, context, tls, source)
            out.append(c and c.sock.version())
            if c is not None:
                assert "AUTH" not in c.said, c.said
                assert c.message("u@way.example", ["x@way.test"],
                                 "Subject: old\r\n\r\nold\r\n")[0] == 250
                c.close()
        return out

    def mark(day, *more):
        s.cli("ip", "change", MARKED, "--customer", "way",
              "--legacy-tls-until", str(day), *more)

    none = [None] * len(ports)
    s.cli("ip", "add", MARKED, "--customer", "way", "--description", "old")
    assert [take(v) for v in versions] == [none, none]
    before = Client(s.port, source=MARKED)      # it says STARTTLS later
    mark(today)
    with old_handshake(before, versions[0]) as c:
        assert c.sock.version() == "TLSv1"
    assert [take(v) for v in versions] == [["TLSv1"] * 3, ["TLSv1.1"] * 3]
    for source in (LISTED, "127.0.0.62"):
        assert take(versions[0], source) == none, source
    e = World.journal(way, "legacy_tls", "client", (MARKED,))[MARKED]
    assert e["customer"] == 1 and e["tls"] == "TLSv1", e
    # the rest is as good as ever
    with Client(s.port, source=MARKED) as c:
        c.hello()
        assert "AUTH PLAIN" in c.starttls()[1]
        assert c.sock.version() == "TLSv1.3"
    after = Client(s.port, source=MARKED)
    mark(today - datetime.timedelta(days=1))
    assert old_handshake(after, versions[0]) is None
    assert take(versions[0]) == none
    mark(today + datetime.timedelta(days=400), "--enabled", "no")
    assert take(versions[0]) == none
    mark(today + datetime.timedelta(days=400), "--enabled", "yes")
    assert take(versions[0]) == ["TLSv1"] * 3
    assert "legacy_tls_until: " in s.cli("export").stdout
    mark("")
    assert take(versions[0]) == none
    s.cli("ip", "remove", MARKED, "--customer", "way")


def s1_9_who_still_needs_it(way):
    """Once a day of each address, and how it could be mended."""
    e = World.journal(way, "legacy_tls", "listener", ("old",))["old"]
    assert e["client"] == LISTED and e["tls"] == "TLSv1", e
    assert e["customer"] == 1 and e["handshakes"] == 1 and e["cipher"], e
    assert "a listener with legacy_tls, or an IP entry with " \
        "legacy_tls_until, would take it" in way.log()


def s1_9_a_date_of_the_past_is_warned_of(way):
    p = way.service.cli("check", check=False)
    assert "listener over: legacy_tls ended on 2021-12-31" in p.stdout, p
    assert "listener old:" not in p.stdout
    p = way.service.cli("check", check=False, env={"LANG": "ja_JP.UTF-8"})
    assert "legacy_tls は 2021-12-31 に終了しました" in p.stdout, p.stdout


# --- the certificate -------------------------------------------------------------

def certificate_changes_under_sessions(way):
    s = way.service
    first, second = certificate(way, "first"), certificate(way, "second")
    with Client(s.port) as c:
        c.hello()
        c.starttls()
        assert c.code("MAIL FROM:<u@way.example>") == 250
        way.set(tls="tls: { certificate: %s, key: %s }\n" % first)
        assert way.settles(lambda: "first" in common_name(s.port))
        assert "first" in common_name(s.port465, True)
        # the same paths, another content
        for a, b in zip(second, first):
            os.replace(a, b)
        way.reload()
        assert way.settles(lambda: "second" in common_name(s.port))
        assert c.code("RCPT TO:<x@way.test>") == 250
        assert c.code("DATA") == 354
        c.send("Subject: x\r\n\r\nunder another certificate\r\n.\r\n")
        assert c.reply()[0] == 250


def broken_pairs_change_nothing(way):
    s = way.service
    good, other = certificate(way, "good"), certificate(way, "other")
    way.set(tls="tls: { certificate: %s, key: %s }\n" % good)
    assert way.settles(lambda: "good" in common_name(s.port))
    junk = os.path.join(s.dir, "junk.pem")
    with open(junk, "w") as f:
        f.write("no certificate\n")
    line = open(s.config).read().count("\n")
    old = expired(way, "expired")
    for crt, key, column, words in (
            (good[0], other[1], "key", "does not belong to the certificate"),
            (junk, good[1], "certificate", "can't be read"),
            (good[0], junk, "key", "private key can't be read"),
            (good[0] + ".gone", good[1], "certificate", "No such file"),
            (*old, "certificate", "ended 10 days ago")):
        if key == junk:
            os.chmod(junk, 0o600)
        text = "tls: { certificate: %s, key: %s }\n" % (crt, key)
        log = way.set(good=False, tls=text,
                      limits="limits: { message_size: 70000 }\n")
        at = "%s:%d:%d: error: " % (
            s.config, line, 1 + text.index({"key": key,
                                            "certificate": crt}[column]))
        assert at in log and words in log, log
        assert "good" in common_name(s.port)
        with Client(s.port) as c:       # all of it or nothing
            assert "SIZE 70000" not in c.hello()[1]
    way.set(tls="tls: { certificate: %s, key: %s }\n" % good, limits="")


def the_end_of_a_certificate_is_told(way):
    s = way.service
    crt, key = certificate(way, "short", days=20)
    log = way.set(tls="tls: { certificate: %s, key: %s }\n" % (crt, key))
    s.wait_for(lambda: "tls.certificate_ends" in way.log())
    assert way.log().count('"tls.certificate_ends"') == 1
    e = World.journal(way, "certificate", "days_left", (19,))[19]
    assert e["ends"], e
    left = s.metrics()["postrider_tls_certificate_expiry_seconds"] - \
        time.time()
    assert 19 * 86400 < left <= 20 * 86400, left
    # once a day, however often the configuration is read
    way.reload()
    time.sleep(1.5)
    assert way.log().count('"tls.certificate_ends"') == 1
    p = s.cli("check", check=False)
    assert "ends in 19 days" in p.stdout, p.stdout
    way.set(tls="")


# --- limits -----------------------------------------------------------------------

def limits_change_under_sessions(way):
    s = way.service
    with Client(s.port) as c, Client(s.port) as idle:
        c.hello()
        idle.hello()
        assert c.code("MAIL FROM:<u@way.example> SIZE=60000") == 250
        way.set(limits="limits: { message_size: 65536, recipients: 100 }\n")

        def new_size():
            with Client(s.port) as n:
                return "SIZE 65536" in n.hello()[1]
        assert way.settles(new_size)
        # a transaction keeps what it began with
        for i in range(101):
            assert c.code(f"RCPT TO:<x{i}@way.test>") == 250, i
        assert c.code("DATA") == 354
        c.send("Subject: big\r\n\r\n" + "x" * 70 + "\r\n" +
               ("y" * 998 + "\r\n") * 80 + ".\r\n")
        got = c.reply()
        assert got[0] == 250, got
        # the next one of the same session has the new ones
        assert c.code("MAIL FROM:<u@way.example> SIZE=65537") == 552
        assert idle.code("MAIL FROM:<u@way.example> SIZE=65537") == 552
        assert idle.code("MAIL FROM:<u@way.example>") == 250
        for i in range(100):
            assert idle.code(f"RCPT TO:<x{i}@way.test>") == 250
        assert idle.code("RCPT TO:<one-more@way.test>") == 452
        # and back, wider than the session began with
        with Client(s.port) as narrow:
            assert "RCPTMAX=100" in narrow.hello()[1]
            way.set(limits="limits: { recipients: 5000 }\n")
            assert way.settles(lambda: narrow.code(
                "MAIL FROM:<u@way.example> SIZE=65537") == 250)
            narrow.send("".join(f"RCPT TO:<{'r' * 50}{i}@way.test>\r\n"
                                for i in range(900)))
            assert set(narrow.codes(900)) == {250}
    way.set(limits="")


def what_waits_for_a_start_is_named(way):
    s = way.service
    log = way.set(limits="limits: { ledger_memory: 33554432 }\n")
    assert '"key":"limits.ledger_memory"' in log, log
    log = way.set(limits="", tls="journal: { keep: 9d }\n")
    assert '"key":"journal.keep"' in log, log
    log = way.set(good=False, tls="shards: 3\n")
    assert "shards can't change while serving" in log, log
    way.set(tls="")
    assert "reload.waits" not in way.reload()


# --- listeners ----------------------------------------------------------------------

def refuses(port, host="127.0.0.1"):
    try:
        with socket.create_connection((host, port), 2):
            return False
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:        # it was just going
        return False


def listeners_come_and_go(way):
    s = way.service
    new = free_port()
    assert refuses(new)
    way.set(more={"new": f'"127.0.0.1:{new}"'})
    with Client(new) as c:          # bound when the reload is done
        c.hello("came.test")
        assert c.code("MAIL FROM:<u@way.example>") == 250
        # another form on the same socket: no connection is lost
        way.set(more={"renamed": f'"127.0.0.1:{new}", tls: implicit'})

        def tls_first():
            try:
                with Client(new, tls=True, timeout=3) as n:
                    return n.hello()[0] == 250
            except (OSError, EOFError):
                return False
        assert way.settles(tls_first, 5)
        way.set(more={})
        assert way.settles(lambda: refuses(new))
        assert c.code("RCPT TO:<x@way.test>") == 250
        assert c.code("DATA") == 354
        c.send("Subject: x\r\n\r\nits listener is gone\r\n.\r\n")
        assert c.reply()[0] == 250
        assert c.code("QUIT") == 221
    e = World.journal(way, "session", "helo", ("came.test",))["came.test"]
    assert e["listener"] == "new" and e["accepted"] == 1, e
    # from one address to all and back
    for address, other in ((f'"*:{new}"', False), (f'"127.0.0.1:{new}"', True),
                           (f'"127.0.0.9:{new}"', True)):
        way.set(more={"moving": address})
        host = "127.0.0.9" if "127.0.0.9" in address else "127.0.0.1"
        assert not refuses(new, host), address
        assert way.settles(lambda: refuses(new, "127.0.0.8") == other), \
            address
    # a relay that starts again has today's listeners
    relay = s.pid_of("relay")
    os.kill(relay, signal.SIGKILL)
    s.wait_for(lambda: s.pid_of("relay") not in (None, relay))
    s.wait_ready()
    with Client(new, host="127.0.0.9") as c:
        c.hello()
    way.set(more={})
    assert way.settles(lambda: refuses(new, "127.0.0.9"))


def a_port_of_others_changes_nothing(way):
    new = free_port()
    with socket.create_server(("127.0.0.1", free_port())) as taken:
        port = taken.getsockname()[1]
        log = way.set(good=False, more={
            "fine": f'"127.0.0.1:{new}"',
            "taken": f'"127.0.0.1:{port}"'},
            limits="limits: { message_size: 70000 }\n")
        assert "another program has this port" in log and str(port) in log
    assert refuses(new)
    with Client(way.service.port) as c:
        assert "SIZE 70000" not in c.hello()[1]
    way.set(more={}, limits="")


def has_route(s):
    with Client(s.port) as c:
        c.hello()
        assert c.code("MAIL FROM:<u@way.example>") == 250
        return c.code("RCPT TO:<x@way.test>") == 250


def a_reload_behind_another_counts(way):
    """Both reach relay before its shards have taken the first one."""
    s = way.service
    relay, routes = s.pid_of("relay"), s.routes
    # The folder stays known: a new one would need a new relay.
    other = '    - { domain: "%s", smart_host: "127.0.0.1:1", tls: never }\n' \
        '    - { domain: "kept.test", maildir: "capture/" }\n'
    os.kill(relay, signal.SIGSTOP)
    try:
        for domain in ("*", "elsewhere.test"):
            s.routes = other % domain
            way.set()
    finally:
        os.kill(relay, signal.SIGCONT)

    try:
        assert way.settles(lambda: not has_route(s), 3)
    finally:
        s.routes = routes
        way.set()
    assert way.settles(lambda: has_route(s))


def a_socket_comes_while_a_reload_is_taken(way):
    """Reloads so close that relay gets a new socket while its shards still
    take what was before: it stays, and the port answers."""
    s = way.service
    ports = [free_port() for _ in range(40)]
    count = s.metrics()["postrider_reloads_total"]
    at = len(way.log())
    for port in ports:
        way.more = {"x": f'"127.0.0.1:{port}"'}
        way.write()
        count += 1
        s.process.send_signal(signal.SIGHUP)
        s.wait_for(lambda: s.metrics()["postrider_reloads_total"] == count)
    with Client(ports[-1], timeout=5) as c:
        c.hello()
    assert "relay.reload" not in way.log()[at:], way.log()[at:]
    way.set(more={})


def a_hundred_reloads_under_load(way):
    """No connection is refused or cut, whatever changes how often."""
    s = way.service
    ports = [free_port() for _ in range(2)]
    fds = len(os.listdir(f"/proc/{s.pid_of('relay')}/fd"))
    sent = 0
    with Client(s.port) as c:
        c.hello()
        for i in range(40):
            way.more = {"x": f'"127.0.0.1:{ports[i % 2]}"'} if i % 3 else {}
            way.limits = "limits: { recipients: %d }\n" % (100 + i % 5)
            way.write()
            s.process.send_signal(signal.SIGHUP)
            for _ in range(3):
                with Client(s.port) as n:
                    n.hello()
                    assert n.message("u@way.example", ["x@way.test"],
                                     "Subject: x\r\n\r\nx\r\n")[0] == 250
                    sent += 1
            assert c.message("u@way.example", ["x@way.test"],
                             "Subject: x\r\n\r\nx\r\n")[0] == 250
    way.set(more={}, limits="")
    assert way.settles(lambda: len(os.listdir(
        f"/proc/{s.pid_of('relay')}/fd")) <= fds + 4, 5)


TESTS = (s1_9_old_tls_on_its_listeners_only, s1_9_old_ciphers_of_tls_1_2,
         s1_9_never_worse_than_that, s1_9_old_tls_of_an_entry, s1_9_who_still_needs_it,
         s1_9_a_date_of_the_past_is_warned_of,
         certificate_changes_under_sessions, broken_pairs_change_nothing,
         the_end_of_a_certificate_is_told, limits_change_under_sessions,
         what_waits_for_a_start_is_named, listeners_come_and_go,
         a_port_of_others_changes_nothing, a_reload_behind_another_counts,
         a_socket_comes_while_a_reload_is_taken, a_hundred_reloads_under_load)


def tests(world, results):
    way = Way()
    with way.service:
        way.service.start()
        way.write()
        for f in TESTS:
            with results.test(f.__name__):
                f(way)
        with results.test("reload: stops in order"):
            assert way.service.stop() == 0
        check_memory_reports(way.service, results)
