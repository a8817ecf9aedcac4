"""`postrider probe`: against the service, which refuses in all its ways, and
against servers that misbehave. Steps of run.py."""
import json
import re
import socket
import threading
import time

from postrider import free_port

JAPANESE = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")


def probe(s, *args, code=0, words=(), stdin="", env=None):
    p = s.cli("probe", *args, check=False, stdin=stdin, env=env)
    assert p.returncode == code, (args, p)
    for w in words:
        assert w in p.stdout, (w, p.stdout, p.stderr)
    return p


class Talker:
    """A server that says given lines, one for each line that it reads."""

    def __init__(self, *lines, first=True, close=True):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.lines, self.first, self.close = lines, first, close
        self.heard = []
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        c, _ = self.listener.accept()
        f = c.makefile("rb")
        try:
            for i, line in enumerate(self.lines):
                if i or not self.first:
                    self.heard.append(f.readline())
                c.sendall(line)
            if not self.close:
                f.readline()
                time.sleep(5)
        except OSError:
            pass
        c.close()
        self.listener.close()


def a_whole_dialogue_is_explained(s):
    at = f"127.0.0.1:{s.port}"
    p = probe(s, at, "--from", "alice@example.com", "--to",
              "you@local.test", words=(
                  "S: 220 relay.test ESMTP Postrider",
                  "C: EHLO relay.test", "# the server is ready",
                  "# SIZE 35882577: largest message", "# STARTTLS: ",
                  "C: MAIL FROM:<alice@example.com>",
                  "C: RCPT TO:<you@local.test>", "C: RSET",
                  "nothing is sent", "all that was asked was taken"))
    assert "DATA" not in p.stdout and p.stderr == "", p
    p = probe(s, at, "--starttls", "--from", "alice@example.com", "--to",
              "you@local.test", "--data", words=(
                  "C: STARTTLS", "# encrypted: TLSv1.3, TLS_AES_",
                  "was not checked", "C: DATA", "C: .",
                  "S: 250 2.0.0 Accepted "))
    ident = re.search(r"postrider trace ([0-9a-z]{20})", p.stdout)[1]
    end = time.monotonic() + 20
    while not s.rows("trace", ident, check=False) and time.monotonic() < end:
        time.sleep(0.2)
    assert s.rows("trace", ident)[0]["id"] == ident
    probe(s, f"127.0.0.1:{s.port465}", "--tls", words=("# encrypted: ",))
    rows = [json.loads(x) for x in probe(s, at, "--json").stdout.splitlines()]
    assert {"client", "server", "probe"} == {r["from"] for r in rows}, rows
    assert rows[1] == {"from": "server", "code": 220, "enhanced": None,
                       "text": "relay.test ESMTP Postrider"}, rows[1]
    p = probe(s, at, "--from", "alice@example.com",
              env={"LC_ALL": "ja_JP.UTF-8"})
    notes = [x for x in p.stdout.splitlines() if "# " in x]
    assert notes and all(JAPANESE.search(x) for x in notes), notes


def refusals_say_what_to_change(s):
    at = f"127.0.0.1:{s.port}"
    p = probe(s, at, "--from", "x@stranger.example", "--to", "a@local.test",
              code=1, words=("use a sender or --helo", "# on the relay: "
                             "postrider trace ", "C: QUIT",
                             "refused; see above"))
    reference = re.search(r"trace ([0-9a-z]{25})", p.stdout)[1]
    assert f"[{reference}]" in p.stdout, p.stdout
    assert "C: RCPT" not in p.stdout
    probe(s, at, "--from", "alice@example.com", "--to", "a@nowhere.test",
          code=1, words=("550 5.4.4", "delivery.routes"))
    probe(s, at, "--from", "alice@example.com", "--to", "nonsense", code=1,
          words=("name@domain",))
    p = probe(s, at, "--from", "x@stranger.example", code=1,
              env={"LC_ALL": "ja_JP.UTF-8"}, words=("その顧客のドメイン",))
    t = Talker(b"220 x\r\n", b"250 x\r\n",
               b"550 5.7.1 Mail relay denied [192.0.2.1]\r\n", b"221 b\r\n")
    probe(s, f"127.0.0.1:{t.port}", "--from", "a@b.example", code=1,
          words=("postrider ip add",))


def a_password_is_never_shown(s):
    secret = s.cli("app-password", "create",
                   "alice@example.com").stdout.strip()
    at = f"127.0.0.1:{s.port587}"
    auth = ("--auth", "alice@example.com")
    p = probe(s, at, *auth, stdin=secret + "\n", code=1, words=(
        "no login without TLS",))
    assert "AUTH PLAIN" not in p.stdout.split("no login")[1]
    for json_ in ((), ("--json",)):
        p = probe(s, at, "--starttls", *auth, *json_, stdin=secret + "\n",
                  words=("AUTH PLAIN ********", "235"))
        assert secret not in p.stdout + p.stderr
    p = probe(s, at, "--starttls", *auth, stdin="pr_wrong\n", code=1,
              words=("535 5.7.8", "app-password create"))
    assert "pr_wrong" not in p.stdout
    probe(s, at, "--starttls", *auth, stdin="", code=64)


def odd_servers_are_borne(s):
    def odd(*lines, code, words=(), args=(), **kw):
        t = Talker(*lines, **kw)
        begun = time.monotonic()
        p = probe(s, f"127.0.0.1:{t.port}", "--timeout", "2", *args,
                  code=code, words=words)
        assert time.monotonic() - begun < 15
        return p
    odd(b"HTTP/1.1 400 Bad Request\r\n\r\n", code=69, words=("no SMTP reply",))
    odd(b"", code=69, words=("no greeting",), close=False)
    odd(b"220 x\r\n", b"", code=75, words=("connection was lost",))
    odd(b"220 old\r\n", b"502 what\r\n", b"250 old\r\n", b"221 bye\r\n",
        code=0, words=("C: HELO", "old server"))
    odd(b"220 x\r\n", b"250-x\r\n250 X-ODD\x1b[31m\r\n", b"221 b\r\n", code=0,
        words=("doesn't know",))
    odd(b"220 x\r\n", b"250 x\r\n", b"450 4.2.0 greylisted\r\n",
        b"221 b\r\n", code=75, args=("--from", "a@b.example"),
        words=("tries again later", "refused for now"))
    odd(b"220 x\r\n", b"250 x\r\n", b"221 b\r\n", code=1,
        args=("--starttls",), words=("STARTTLS isn't offered",))
    odd(b"220 " + b"x" * 100000 + b"\r\n", code=69)
    odd(b"421 4.7.0 go\r\n", code=75, words=("421 4.7.0 go",))
    assert "\x1b" not in odd(b"554 \x1b[31mno\r\n", b"221 b\r\n",
                             code=1).stdout
    probe(s, f"127.0.0.1:{free_port()}", code=69, words=("can't connect",))
    for args in (("127.0.0.1:0",), ("127.0.0.1:x",),
                 ("127.0.0.1", "--tls", "--starttls"),
                 ("127.0.0.1", "--to", "a@b.example"),
                 ("127.0.0.1", "--from", "a@b>\r\nRCPT TO:<x@y"),
                 ("127.0.0.1", "--helo", "a b"), ()):
        p = s.cli("probe", *args, check=False)
        assert p.returncode == 64 and p.stderr, (args, p)


STEPS = (a_whole_dialogue_is_explained, refusals_say_what_to_change,
         a_password_is_never_shown, odd_servers_are_borne)
