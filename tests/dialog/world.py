"""The one service that the dialog tests talk to: customers of every kind,
each known by a loopback address of its own, and next hops of every kind."""
import json
import os
import ssl
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "lib"))
from postrider import Client, Service, Sink  # noqa: E402

# client address of each customer; 127.0.0.2 belongs to nobody
STRANGER = "127.0.0.2"
EXAMPLE = "127.0.0.1"       # own-domains, strict line ends
REGISTERED = "127.0.0.3"    # registered-users
NEEDS_TLS = "127.0.0.4"     # require_tls
ANY = "127.0.0.5"           # any sender
MANY = "127.0.0.6"          # null_sender_recipients: many
NORMALISE = "127.0.0.7"     # line_ends: normalise
BOTH = "127.0.0.8"          # ip_only and require_auth
SENDER = "127.0.0.9"        # own-domains; delivery and reports use it
OTHER = "127.0.0.10"        # any sender; settings change it

CUSTOMER = """\
  - name: {name}
    licences: 100000
    billing: paid
    allow_private_addresses: true
{more}    domains:
      - {{ name: {name}.example, kind: primary, verified: operator }}
    users:
      - {{ address: u@{name}.example }}
    relay_settings:
      - description: {name}
        allowed_senders: {senders}
        authentication: {{ ip_only: {ip}, require_auth: {auth} }}
        require_tls: {tls}
        enabled: true
{setting}"""
ENTRIES = """\
        ip_entries:
          - {{ range: {address}/32, description: loopback, enabled: true }}
"""


def customer(name, address=None, senders="own-domains", auth=False, tls=False,
             more="", setting=""):
    text = CUSTOMER.format(
        name=name, senders=senders, ip=str(address is not None).lower(),
        auth=str(auth).lower(), tls=str(tls).lower(), more=more,
        setting=setting)
    return text + (ENTRIES.format(address=address) if address else "")


def directory(**changes):
    """The directory file; changes: name of a customer → its text."""
    parts = {
        "mainly": customer("mainly", EXAMPLE),
        "registered": customer("registered", REGISTERED,
                               "registered-users"),
        "needs-tls": customer("needs-tls", NEEDS_TLS, tls=True),
        "any": customer("any", ANY, "any"),
        "sender": customer("sender", SENDER),
        "other": customer("other", OTHER, "any"),
        "many": customer("many", MANY,
                         more="    null_sender_recipients: many\n"),
        "normalise": customer("normalise", NORMALISE,
                              setting="        line_ends: normalise\n"),
        "both": customer("both", BOTH, auth=True),
        "auth": customer("auth", auth=True),
        "anyauth": customer("anyauth", senders="any", auth=True),
    }
    parts.update(changes)
    return "customers:\n" + "".join(parts.values())


def certificate(where):
    """A self-signed certificate for sinks: an SSLContext."""
    key, crt = os.path.join(where, "sink.key"), os.path.join(where,
                                                             "sink.crt")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
         "/CN=sink.test", "-keyout", key, "-out", crt],
        check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(crt, key)
    return context


class Switch:
    """A sink's script that a test may set for as long as it needs it."""

    def __init__(self):
        self.script = None

    def __call__(self, *args):
        script = self.script
        return script(*args) if script else None


class World:
    def __init__(self):
        self.serial = 0
        self.lock = threading.Lock()
        self.switch = Switch()
        self.lmtp_switch = Switch()
        self.sinks = {
            # everything but CHUNKING; the second obeys a test's script
            "sink": Sink(),
            "hop": Sink(self.switch),
            "chunking": Sink(extensions=("PIPELINING", "8BITMIME", "SMTPUTF8",
                                         "DSN", "CHUNKING", "BINARYMIME")),
            "bare": Sink(extensions=()),
            "lmtp": Sink(self.lmtp_switch, lmtp=True),
        }
        # one for each stage at which a host may say 4yz
        self.stages = {x: Sink() for x in ("MAIL", "RCPT", "DATA", "dot",
                                           "connect", "EHLO")}
        self.service = None

    def routes(self, tls_sink, auth_sink, where):
        s = {k: v.port for k, v in self.sinks.items()}
        host = "smart_host: \"127.0.0.1:"
        rows = [
            'domain: "sink.test", %s%d", tls: never' % (host, s["sink"]),
            'domain: "hop.test", %s%d", tls: never' % (host, s["hop"]),
            'domain: "chunking.test", %s%d", tls: never'
            % (host, s["chunking"]),
            'domain: "bare.test", %s%d", tls: never' % (host, s["bare"]),
            'domain: "lmtp.test", lmtp: "127.0.0.1:%d"' % s["lmtp"],
            'domain: "tls.test", %s%d"' % (host, tls_sink.port),
            'domain: "auth.test", %s%d", tls: required, '
            'auth: { user: relay, password: "@file:%s/relay.pw" }'
            % (host, auth_sink.port, where),
            'domain: "needs-tls.test", %s%d", tls: required'
            % (host, s["sink"]),
            'domain: "foreign.test", maildir: "foreign/"',
            'domain: "relay.test", maildir: "foreign/"',
            'domain: "victim.test", maildir: "foreign/"',
            'domain: "reports.test", maildir: "reports/"',
            'domain: "example", maildir: "reports/"',
            'domain: "maildir.test", maildir: "capture/"',
        ]
        rows += ['domain: "%s.stage.test", %s%d", tls: never'
                 % (stage.lower(), host, sink.port)
                 for stage, sink in self.stages.items()]
        return "".join("    - { %s }\n" % r for r in rows)

    def start(self):
        service = Service(routes="", directory=directory(),
                          delivery="  retry: [1s, 1s, 2s]\n  expire: 5d\n",
                          limits="limits: { remote_idle_ms: 1000 }\n")
        self.service = service
        context = certificate(service.dir)
        self.sinks["tls"] = Sink(tls_context=context)
        self.sinks["auth"] = Sink(tls_context=context)
        self.sinks["auth"].extensions.append("AUTH PLAIN LOGIN")
        with open(os.path.join(service.dir, "relay.pw"), "w") as f:
            f.write("s3cret word\n")
        os.chmod(os.path.join(service.dir, "relay.pw"), 0o600)
        service.routes = self.routes(self.sinks["tls"], self.sinks["auth"],
                                     service.dir)
        service.write_config()
        service.start()
        return self

    def client(self, source=EXAMPLE, port=None, tls=False, hello=None,
               starttls=False):
        """A client that has said EHLO."""
        c = Client(port or self.service.port, tls=tls, source=source)
        name = hello or "client.test"
        c.hello(name)
        if starttls:
            c.starttls(name)
        return c

    def journal(self, event, key, values):
        """Value of key -> the journal's event with it; waits for them."""
        found = {}
        for _ in range(100):
            where = os.path.join(self.service.data, "journal")
            for name in os.listdir(where):
                if not name.endswith(".jsonl"):
                    continue
                with open(os.path.join(where, name)) as f:
                    for line in f:
                        if not line.endswith("\n") or '"' + event not in line:
                            continue
                        e = json.loads(line)
                        if e.get("event") == event and e.get(key) in values:
                            found[e[key]] = e
            if len(found) == len(values):
                break
            time.sleep(0.1)
        return found

    def unique(self, prefix="m"):
        with self.lock:
            self.serial += 1
            return f"{prefix}{self.serial}"

    def send(self, recipients, body, sender="a@sender.example",
             source=SENDER):
        """A message by DATA; the reply."""
        with self.client(source) as c:
            return c.message(sender, recipients, body)

    def reports(self):
        return self.service.captured("reports")

    def report_about(self, text, seconds=15):
        """The delivery report that holds this text."""
        def look():
            return next((r for r in self.reports()
                         if text.encode() in r), None)
        return self.service.wait_for(look, seconds)

    def close(self):
        if self.service:
            self.service.close()
        for s in (*self.sinks.values(), *self.stages.values()):
            s.close()
