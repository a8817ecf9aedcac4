"""The relay that the guides point at: at an address of the loopback network of
its own, on ports 25, 587 and 465, under a name in DNS and with a certificate
of a CA that the private roots trust. Beside it a sink that takes any login."""
import os
import random
import re
import ssl
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
sys.path.insert(0, os.path.join(HERE, "..", "interop"))
from postrider import Service, Sink  # noqa: E402
import dns  # noqa: E402

HOST = "relay.example.net"
SINK = "sink.example.net"
USER = "alice@example.com"
DIRECTORY = """\
customers:
  - name: example
    licences: 1000
    billing: paid
    allow_private_addresses: true
    domains:
      - { name: example.com, kind: primary, verified: operator }
    users:
      - { address: alice@example.com }
    relay_settings:
      - description: people
        allowed_senders: own-domains
        authentication: { ip_only: false, require_auth: true }
        require_tls: true
        enabled: true
      - description: servers
        allowed_senders: own-domains
        authentication: { ip_only: true, require_auth: false }
        require_tls: false
        enabled: true
        ip_entries:
          - { range: 127.0.0.0/16, description: loopback, enabled: true }
"""


def openssl(*args):
    subprocess.run(["openssl", *args], check=True, capture_output=True,
                   timeout=60)


def certificates(where):
    """A CA, and a certificate for both names."""
    ca, ca_key = f"{where}/ca.pem", f"{where}/ca.key"
    key, csr, pem = (f"{where}/relay.{x}" for x in ("key", "csr", "pem"))
    ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *ec, "-keyout", ca_key, "-out", ca, "-days", "30",
            "-subj", "/CN=test authority")
    openssl("req", *ec, "-keyout", key, "-out", csr, "-subj", f"/CN={HOST}")
    with open(f"{where}/ext", "w") as f:
        f.write(f"subjectAltName=DNS:{HOST},DNS:{SINK}\n")
    openssl("x509", "-req", "-in", csr, "-CA", ca, "-CAkey", ca_key,
            "-out", pem, "-days", "30", "-extfile", f"{where}/ext")
    os.chmod(key, 0o600)
    return ca, pem, key


def no_tls(stage, text, session):
    return "502 5.5.1 not here" if stage == "STARTTLS" else None


class World:
    def __init__(self, where):
        self.ca, pem, key = certificates(where)
        net = f"127.{random.randrange(64, 250)}.{random.randrange(250)}"
        self.address, self.name_server = f"{net}.2", f"{net}.3"
        sink_address = f"{net}.4"
        self.names = dns.NameServer(self.name_server, {
            HOST: {dns.A: self.address}, SINK: {dns.A: sink_address}})
        self.service = Service(
            directory=DIRECTORY,
            extra=f"tls: {{ certificate: {pem}, key: {key} }}\n",
            listeners="".join(
                f'  - {{ name: guide{port}, address: "{self.address}:{port}",'
                f" tls: {tls} }}\n" for port, tls in
                ((25, "starttls"), (587, "starttls"), (465, "implicit"))))
        self.service.start()
        self.password = self.service.app_password(USER)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(pem, key)
        self.sink = Sink(extensions=("8BITMIME", "AUTH PLAIN LOGIN"),
                         tls_context=context, port=587, address=sink_address)
        self.plain_sink = Sink(no_tls, extensions=("8BITMIME",), port=25,
                               address=sink_address)

    def messages(self):
        return self.service.captured()

    def wait_messages(self, n, seconds=20):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = self.messages()
            if len(found) >= n:
                return found
            time.sleep(0.03)
        raise RuntimeError(f"{len(self.messages())} of {n} messages\n"
                           + self.service.tail())

    def session_of(self, message):
        """The connection that it came on."""
        number = re.search(r" id (\w+)", received(message))[1]
        return self.service.wait_for(lambda: next(
            (r["session"] for r in self.service.rows("trace", number,
                                                     check=False)), None))

    def close(self):
        self.service.close()
        self.names.close()
        self.sink.close()
        self.plain_sink.close()


def received(message):
    """The relay's own Received field, unfolded."""
    head = message.split(b"\r\n\r\n", 1)[0].decode("utf-8", "replace")
    head = re.sub(r"\r\n[ \t]+", " ", head)
    return next(x for x in head.split("\r\n")
                if x.startswith("Received:") and "by relay.test" in x)
