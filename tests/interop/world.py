"""The service that the programs send through, and its next hops."""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "lib"))
from postrider import Service, Sink  # noqa: E402

USER = "alice@example.com"
DIRECTORY = """\
customers:
  - name: example
    licences: 100000
    billing: paid
    allow_private_addresses: true
    domains:
      - { name: example.com, kind: primary, verified: operator }
    users:
      - { address: alice@example.com }
    relay_settings:
      - description: servers
        allowed_senders: own-domains
        authentication: { ip_only: true, require_auth: false }
        require_tls: false
        enabled: true
        ip_entries:
          - { range: 127.0.0.1/32, description: loopback, enabled: true }
      - description: any sender
        allowed_senders: any
        authentication: { ip_only: true, require_auth: false }
        require_tls: false
        enabled: true
        ip_entries:
          - { range: 127.0.0.5/32, description: loopback, enabled: true }
      - description: people
        allowed_senders: own-domains
        authentication: { ip_only: false, require_auth: true }
        require_tls: true
        enabled: true
"""
# Where the peers send by which port, told by the recipient's domain.
DOMAINS = ("p25.test", "p587.test", "p465.test", "pany.test", "mx.test",
           "nomx.test")


class World:
    def __init__(self):
        self.refusing = Sink(self.refuse)
        self.deferring = Sink(self.defer)
        self.deferred = {}
        self.heads = {}
        rows = [f'domain: "{d}", maildir: "capture/"' for d in DOMAINS]
        rows += [
            'domain: "example.com", maildir: "reports/"',
            'domain: "foreign.test", maildir: "bounces/"',
            f'domain: "refuses.test", smart_host: '
            f'"127.0.0.1:{self.refusing.port}"',
            f'domain: "defers.test", smart_host: '
            f'"127.0.0.1:{self.deferring.port}"']
        self.service = Service(
            routes="".join(f"    - {{ {r} }}\n" for r in rows),
            directory=DIRECTORY,
            delivery="  retry: [1s, 1s, 2s]\n")
        self.service.start()
        self.password = self.service.app_password(USER)

    @staticmethod
    def refuse(stage, text, s):
        return "550 5.1.1 nobody here" if stage == "RCPT" else None

    def defer(self, stage, text, s):
        """Each recipient is deferred once."""
        if stage != "RCPT":
            return None
        self.deferred[text] = self.deferred.get(text, 0) + 1
        return "450 4.2.1 later" if self.deferred[text] == 1 else None

    def restart(self, full=False):
        """full: no room on the disk, 452 at each MAIL."""
        self.service.stop()
        self.go_on(full)

    def go_on(self, full=False):
        self.service.extra = \
            "spool: { keep_free: 1000000GiB }\n" if full else ""
        self.service.write_config()
        self.service.start(apply=False)

    def with_word(self, folder, word):
        """Whole messages whose Subject is this word."""
        new = os.path.join(self.service.data, folder, "new")
        if not os.path.isdir(new):
            return []
        found = []
        for name in sorted(os.listdir(new)):
            path = os.path.join(new, name)
            if path not in self.heads:
                with open(path, "rb") as f:
                    self.heads[path] = f.read(8192)
            if f"Subject: {word}\r\n".encode() in self.heads[path]:
                found.append(path)
        return [open(p, "rb").read() for p in found]

    def wait(self, folder, word, n=1, seconds=20):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = self.with_word(folder, word)
            if len(found) >= n:
                return found
            time.sleep(0.05)
        raise RuntimeError(f"{len(self.with_word(folder, word))} of {n} "
                           f"{word} in {folder}\n" + self.service.tail())

    def wait_text(self, folder, text, seconds=20):
        """A message that holds this text anywhere."""
        return self.service.wait_for(lambda: next(
            (m for m in self.service.captured(folder) if text in m), None),
            seconds)

    def close(self):
        self.service.close()
        self.refusing.close()
        self.deferring.close()


def body_of(message):
    return message.split(b"\r\n\r\n", 1)[1]


EIGHT_BIT = "Grüße, ärger, 日本語\r\n.\r\n..two\r\nfrom here\r\n".encode() + \
    "caf\xe9".encode("latin-1") + b"\r\n"
BIG = (b"0123456789abcdefghijklmnopqrstuvwxyz" * 2 + b"\r\n") * \
    (5 * 1048576 // 74)
