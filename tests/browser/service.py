"""A running service with a customer, an operator and some mail, for the tests of
pages; says what they need to know as JSON."""
import os
import re
import socket
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests", "lib"))
import postrider  # noqa: E402

ROUTES = """\
    - {{ domain: "waits.example", smart_host: "127.0.0.1:{closed}", tls: never }}
    - {{ domain: "*", maildir: "capture/" }}
"""


def closed_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


# A trial has 50 recipients in 10 minutes: what mail() sends is over 80 % of them,
# so there is an alert.
TRIAL = postrider.DIRECTORY.replace("billing: paid", "billing: trial")
MANY = 40


class Console(postrider.Service):
    """names: texts that stand where people's texts may stand."""

    def __init__(self, names=None, **kw):
        self.names = {"helo": "mail.example.com", "sender": "alice@example.com",
                      "to": "bob@example.org", "refused": "mallory@evil.example", **(names or {})}
        super().__init__(routes=ROUTES.format(closed=closed_port()), directory=TRIAL, **kw)

    def say(self, *lines):
        c = postrider.Client(self.port)
        replies = [c.reply()]
        for line in lines:
            c.send(line + "\r\n")
            replies.append(c.reply())
        return replies

    def send(self, sender, *to):
        replies = self.say(f"EHLO {self.names['helo']}", f"MAIL FROM:<{sender}>", *(f"RCPT TO:<{a}>" for a in to), "DATA",
                           f"Message-ID: <{len(to[0])}.1@example.com>\r\nSubject: test\r\n\r\nhello\r\n.")
        return replies[-1][1].split()[-1]

    def mail(self):
        """Some delivered, some waiting, one refused, one to many."""
        message = self.send(self.names["sender"], self.names["to"])
        for n in range(3):
            self.send(self.names["sender"], f"user{n}@waits.example")
        self.send(self.names["sender"], *(f"many{n}@example.org" for n in range(MANY)))
        refused = self.say(f"EHLO {self.names['helo']}", f"MAIL FROM:<{self.names['refused']}>",
                           "RCPT TO:<bob@example.org>")
        text = " ".join(r[1] for r in refused)
        return message, re.search(r"\[([0-9a-z]{20,30})\]", text)[1]

    def link(self, *command):
        out = self.cli(*command).stdout
        found = re.search(r"https?://\S+/login#\S+", out)
        return f"http://127.0.0.1:{self.http}/login#" + found[0].split("#", 1)[1]

    def facts(self):
        message, reference = self.mail()
        return {"base": f"http://127.0.0.1:{self.http}", "customer": "example", "message": message,
                "reference": reference, "setting": "head-office", "user": "alice@example.com",
                "domain": "example.com", "smtp": self.port,
                "sender": self.names["sender"], "link": self.link("invite", "alice@example.com"),
                "operator_link": self.link("operator", "add", "op@relay.test")}
