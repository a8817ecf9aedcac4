"""What the tests of the running service share: start and stop it, a raw SMTP
client, a next hop that answers as a script says, and counting of results.
Everything is on loopback, every wait is bounded, only processes started here
are ended."""
import base64
import json
import os
import random
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
FLAVOUR = os.environ.get("POSTRIDER_FLAVOUR", "asan")
BIN = os.environ.get("POSTRIDER_BIN",
                     os.path.join(TOP, "build", FLAVOUR, "bin"))
POSTRIDER = os.path.join(BIN, "postrider")
SHARED = os.environ.get("POSTRIDER_SHARED",
                        os.path.join(os.path.dirname(TOP), "shared"))

DIRECTORY = """\
customers:
  - name: example
    licences: 100000
    billing: paid
    allow_private_addresses: true
    domains:
      - { name: example.com, kind: primary, verified: operator }
      - { name: example.co.jp, kind: secondary, verified: operator }
    users:
      - { address: alice@example.com, role: super-admin, aliases: [ a@example.com ] }
    relay_settings:
      - description: Head office
        allowed_senders: own-domains
        authentication: { ip_only: true, require_auth: false }
        require_tls: false
        enabled: true
        ip_entries:
          - { range: 127.0.0.1/32, description: loopback, enabled: true }
"""


port_dice = random.Random()      # its own: tests seed the common one
given_ports = set()


def free_port():
    """A port given to nobody before in this process, and still free when a
    service comes back after its death: not one of those that the kernel gives
    to clients. (A client that knocks at a dead port of that range sooner or
    later connects to itself and so takes it.)"""
    for _ in range(1000):
        port = port_dice.randrange(12000, 32000)
        if port in given_ports:
            continue
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
        given_ports.add(port)
        return port
    raise RuntimeError("no port is free")


# All tests come from few addresses: budgets (SPEC 7) are tested where a test
# sets them, and are wide elsewhere.
WIDE = {"connect_rate_stranger": 0, "connections_address_stranger": 1000,
        "helo_rate_stranger": 0, "handshake_rate_stranger": 0,
        "auth_rate_address": 0, "auth_rate_account": 0, "auth_delay_ms": 10}


def limits_with_wide(text):
    """"limits: { … }" on one line, with what it doesn't say made wide."""
    inner = text.strip().removeprefix("limits:").strip().strip("{}")
    given = dict(x.split(":") for x in inner.split(",") if x.strip())
    given = {k.strip(): v.strip() for k, v in given.items()}
    return "limits: { %s }\n" % ", ".join(
        f"{k}: {v}" for k, v in {**WIDE, **given}.items())


class Service:
    """One running Postrider with a directory of its own."""

    def __init__(self, routes='    - { domain: "*", maildir: "capture/" }\n',
                 directory=DIRECTORY, extra="", delivery="", limits="",
                 data=None, flavour_bin=POSTRIDER, listeners=""):
        self.listeners = listeners      # further ones, a line each
        self.bin = flavour_bin
        self.dir = tempfile.mkdtemp(prefix="postrider-test-")
        os.chmod(self.dir, 0o755)
        self.data = data or os.path.join(self.dir, "data")
        self.choose_ports()
        self.config = os.path.join(self.dir, "postrider.yaml")
        self.log_path = os.path.join(self.dir, "log")
        self.process = None
        self.routes, self.extra = routes, extra
        self.delivery, self.limits = delivery, limits
        self.write_config()
        self.directory = os.path.join(self.dir, "directory.yaml")
        with open(self.directory, "w") as f:
            f.write(directory)

    def choose_ports(self):
        self.port, self.port587, self.port465, self.http = (
            free_port() for _ in range(4))

    def write_config(self):
        with open(self.config, "w") as f:
            f.write(f"""\
hostname: relay.test
data_dir: {self.data}
listeners:
  - {{ name: smtp, address: "127.0.0.1:{self.port}", tls: starttls }}
  - {{ name: submission, address: "127.0.0.1:{self.port587}", tls: starttls }}
  - {{ name: submissions, address: "127.0.0.1:{self.port465}", tls: implicit }}
{self.listeners}console: {{ address: "127.0.0.1:{self.http}" }}
delivery:
{self.delivery}  routes:
{self.routes}{limits_with_wide(self.limits)}{self.extra}""")

    def cli(self, *args, check=True, stdin=None, timeout=60, env=None):
        p = subprocess.run([self.bin, args[0], "--config", self.config,
                            *args[1:]], capture_output=True, text=True,
                           input=stdin, timeout=timeout,
                           env={**os.environ, "LANG": "C.UTF-8",
                                **(env or {})})
        if check and p.returncode != 0:
            raise RuntimeError(f"{args}: exit {p.returncode}\n"
                               f"{p.stdout}{p.stderr}")
        return p

    def rows(self, *args, **kw):
        out = self.cli(*args, "--json", **kw).stdout
        return [json.loads(line) for line in out.splitlines() if line]

    def apply(self, path=None):
        return self.cli("apply", path or self.directory)

    def start(self, wait=True, apply=True, preexec=None):
        """apply: the directory file, once the service is ready."""
        if not wait:
            self.spawn(preexec)
            return self
        for left in (2, 1, 0):
            self.spawn(preexec)
            try:
                self.wait_ready()
                break
            except RuntimeError as e:
                # Somebody else took a port since it was chosen.
                if "another program has this port" not in str(e) or not left:
                    raise
                self.log.close()
                self.choose_ports()
                self.write_config()
        if apply:
            self.apply()
        return self

    def spawn(self, preexec=None):
        self.log = open(self.log_path, "ab")
        self.process = subprocess.Popen(
            [self.bin, "serve", "--config", self.config],
            stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL,
            start_new_session=True, preexec_fn=preexec)

    def ready(self):
        try:
            with urllib.request.urlopen(
                    f"http://127.0.0.1:{self.http}/readyz", timeout=1) as r:
                return r.status == 200
        except OSError:
            return False

    def wait_ready(self, seconds=20):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.ready():
                return
            if self.process.poll() is not None:
                raise RuntimeError(f"serve ended: {self.process.returncode}\n"
                                   + self.tail())
            time.sleep(0.02)
        raise RuntimeError("not ready\n" + self.tail())

    def tail(self, n=10):
        with open(self.log_path, errors="replace") as f:
            return "".join(x[:300] for x in f.readlines()[-n:])

    def children(self):
        """pid → role of the master's children."""
        out = {}
        try:
            pids = open(f"/proc/{self.process.pid}/task/"
                        f"{self.process.pid}/children").read().split()
        except OSError:
            return out
        for pid in pids:
            try:
                cmd = open(f"/proc/{pid}/cmdline", "rb").read()
            except OSError:
                continue
            words = cmd.replace(b"\0", b" ").decode()
            for role in ("relay", "admin", "console"):
                if role in words:
                    out[int(pid)] = role
        return out

    def pid_of(self, role):
        for pid, r in self.children().items():
            if r == role:
                return pid
        return None

    def stop(self, seconds=40):
        if self.process is None or self.process.poll() is not None:
            return self.process.returncode if self.process else None
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill_all()
            raise RuntimeError("did not stop\n" + self.tail())
        self.log.close()
        return code

    def kill_all(self):
        """SIGKILL to master and children, as a power cut does."""
        pids = [self.process.pid, *self.children()]
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait(10)
        end = time.monotonic() + 5
        for pid in pids[1:]:
            while os.path.exists(f"/proc/{pid}") and time.monotonic() < end:
                time.sleep(0.005)

    def metrics(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http}/metrics",
                                    timeout=5) as r:
            text = r.read().decode()
        out = {}
        for line in text.splitlines():
            if line and not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                out[name] = float(value)
        return out

    def captured(self, name="capture"):
        """Files of a Maildir route: list of bytes."""
        new = os.path.join(self.data, name, "new")
        if not os.path.isdir(new):
            return []
        return [open(os.path.join(new, f), "rb").read()
                for f in sorted(os.listdir(new))]

    def wait_for(self, what, seconds=15):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            value = what()
            if value:
                return value
            time.sleep(0.02)
        raise RuntimeError("waited in vain\n" + self.tail())

    def app_password(self, address="alice@example.com", *args):
        return self.cli("app-password", "create", address,
                        *args).stdout.strip()

    def call(self, name, text=None, **arguments):
        """A call on ctl.sock (docs/formats/frames.md), after the text that
        it reads, if any: rows, exit code."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(20)
            s.connect(os.path.join(self.data, "ctl.sock"))
            f = s.makefile("rb")
            text = (text or "").encode()
            for i in range(0, len(text), 1 << 18):
                rows, code = one_call(s, f, b"text.append",
                                      text[i:i + (1 << 18)])
                assert code == 0, code
            return one_call(s, f, name.encode(),
                            json.dumps(arguments).encode())

    def close(self):
        if self.process is not None and self.process.poll() is None:
            self.kill_all()
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def one_call(sock, answers, name, argument):
    payload = b"".join(struct.pack("<I", len(x)) + x
                       for x in (name, argument))
    sock.sendall(struct.pack("<IBBHII", 0x4d465250, 1, 1, 0, len(payload), 1)
                 + payload)
    rows = []
    while True:
        _, _, kind, _, n, _ = struct.unpack("<IBBHII", answers.read(16))
        payload = answers.read(n)
        if kind == 3:
            return rows, payload[0]
        rows.append(json.loads(payload))


def stuffed(body):
    """The body as DATA carries it, with its end (RFC 5321 4.5.2)."""
    if isinstance(body, str):
        body = body.encode()
    if body.endswith(b"\r\n"):
        body = body[:-2]
    if body.startswith(b"."):
        body = b"." + body
    return body.replace(b"\r\n.", b"\r\n..") + b"\r\n.\r\n"


def fields(body):
    """Unfolded header fields of a message: list of (name, value)."""
    head = body.split(b"\r\n\r\n", 1)[0].decode("utf-8", "replace")
    out = []
    for line in head.split("\r\n"):
        if line[:1] in (" ", "\t") and out:
            out[-1] = (out[-1][0], out[-1][1] + " " + line.strip())
        elif ":" in line:
            name, value = line.split(":", 1)
            out.append((name, value.strip()))
    return out


def without_trace(body):
    """The body as it came in: without Return-Path, Delivered-To (Maildir)
    and our one Received field, which stand on top."""
    trace = (b"return-path:", b"delivered-to:", b"received:")
    while body[:16].lower().startswith(trace):
        last = body.lower().startswith(b"received:")
        line, body = body.split(b"\r\n", 1)
        while body[:1] in (b" ", b"\t"):
            line, body = body.split(b"\r\n", 1)
        if last:
            break
    return body


class Client:
    """A raw SMTP client: says bytes, reads whole replies."""

    def __init__(self, port, tls=False, timeout=20, host="127.0.0.1",
                 source=None):
        self.sock = socket.create_connection(
            (host, port), timeout, (source, 0) if source else None)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        if tls:
            self.start_tls_now()

    def start_tls_now(self):
        ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        ctx.check_hostname = False
        ctx.verify_mode = ssl.CERT_NONE
        self.sock = ctx.wrap_socket(self.sock, server_hostname="relay.test")

    def send(self, data):
        if isinstance(data, str):
            data = data.encode()
        self.sock.sendall(data)

    def line(self):
        while b"\n" not in self.buffer:
            more = self.sock.recv(65536)
            if not more:
                raise EOFError(self.buffer)
            self.buffer += more
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.rstrip(b"\r").decode("utf-8", "replace")

    def reply(self):
        """(code, whole text)"""
        lines = []
        while True:
            line = self.line()
            lines.append(line)
            if len(line) < 4 or line[3] != "-":
                return int(line[:3]), "\n".join(lines)

    def codes(self, n):
        """Codes of the next n replies."""
        return [self.reply()[0] for _ in range(n)]

    def expect(self, *codes):
        """The next replies have these codes."""
        got = []
        for _ in codes:
            got.append(self.reply())
        assert [g[0] for g in got] == list(codes), \
            f"replies {got}, expected {codes}"

    def rest(self):
        """All bytes until the server closes."""
        try:
            while True:
                more = self.sock.recv(65536)
                if not more:
                    break
                self.buffer += more
        except (ConnectionError, ssl.SSLError):
            pass
        out, self.buffer = self.buffer, b""
        return out

    def quiet(self, seconds=0.05):
        """True when nothing more comes for so long."""
        if self.buffer:
            return False
        before = self.sock.gettimeout()
        self.sock.settimeout(seconds)
        try:
            self.buffer += self.sock.recv(65536)
            return False
        except (TimeoutError, ssl.SSLWantReadError):
            return True
        finally:
            self.sock.settimeout(before)

    def cmd(self, text):
        self.send(text + "\r\n" if isinstance(text, str) else text)
        return self.reply()

    def code(self, text):
        return self.cmd(text)[0]

    def hello(self, name="client.example.com"):
        assert self.reply()[0] == 220
        return self.cmd(f"EHLO {name}")

    def starttls(self, name="client.example.com"):
        assert self.code("STARTTLS") == 220
        self.start_tls_now()
        return self.cmd(f"EHLO {name}")

    def auth_plain(self, user, password):
        word = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
        return self.cmd(f"AUTH PLAIN {word}")

    def message(self, sender, recipients, body):
        """One lock-step transaction; the code of the final reply, or of the
        first refusal."""
        code, text = self.cmd(f"MAIL FROM:<{sender}>")
        if code != 250:
            return code, text
        for r in recipients:
            code, text = self.cmd(f"RCPT TO:<{r}>")
            if code != 250:
                return code, text
        code, text = self.cmd("DATA")
        if code != 354:
            return code, text
        self.send(stuffed(body))
        return self.reply()

    def bdat_message(self, sender, recipients, *chunks, parameters=""):
        """One pipelined transaction by BDAT; the code of the last reply."""
        head = f"MAIL FROM:<{sender}>{parameters}\r\n" + "".join(
            f"RCPT TO:<{r}>\r\n" for r in recipients)
        out = head.encode()
        for i, c in enumerate(chunks):
            last = b" LAST" if i + 1 == len(chunks) else b""
            out += b"BDAT %d%s\r\n" % (len(c), last) + c
        self.send(out)
        n = 1 + len(recipients) + len(chunks)
        return [self.reply() for _ in range(n)][-1]

    def at_end(self):
        """True when the server has closed."""
        if self.buffer:
            return False
        try:
            return self.sock.recv(1) == b""
        except (ConnectionError, ssl.SSLError):
            return True

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Sink:
    """A next hop on a thread: takes mail, answers as `script` says.
    script(stage, text, connection) → reply string, "drop", or None for the
    usual reply. stage: connect, EHLO, MAIL, RCPT, DATA, dot, ..."""

    def __init__(self, script=None, extensions=("PIPELINING", "8BITMIME",
                                                "SMTPUTF8", "DSN"),
                 tls_context=None, lmtp=False, port=0, address="127.0.0.1"):
        self.script = script or (lambda *_: None)
        self.extensions = list(extensions)
        self.tls_context, self.lmtp = tls_context, lmtp
        self.messages = []          # dicts: mail, rcpts, body, tls, auth
        self.commands = []          # all lines
        self.pipelined = 0          # of them: sent before the last reply
        self.connections = 0
        self.lock = threading.Lock()
        self.server = socket.create_server((address, port), backlog=200)
        self.port = self.server.getsockname()[1]
        self.open = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                s, _ = self.server.accept()
            except OSError:
                return
            with self.lock:
                self.connections += 1
                self.open.append(s)
                number = self.connections
            threading.Thread(target=self.serve, args=(s, number),
                             daemon=True).start()

    def serve(self, s, number):
        try:
            SinkSession(self, s, number).run()
        except (OSError, EOFError, ssl.SSLError):
            pass
        finally:
            try:
                s.close()
            except OSError:
                pass

    def wait(self, n=1, seconds=15):
        """The first n messages, as soon as they are there."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with self.lock:
                if len(self.messages) >= n:
                    return self.messages[:n]
            time.sleep(0.01)
        raise RuntimeError(f"sink has {len(self.messages)} of {n} messages; "
                           f"last commands {self.commands[-8:]}")

    def clear(self):
        with self.lock:
            self.messages, self.commands = [], []
            self.connections = self.pipelined = 0

    def close(self):
        # close() alone leaves the port open while accept() waits in it.
        try:
            self.server.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.server.close()
        with self.lock:
            for s in self.open:
                try:
                    s.close()
                except OSError:
                    pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class SinkSession:
    def __init__(self, sink, sock, number):
        self.sink, self.sock, self.buffer = sink, sock, b""
        self.mail = None
        self.rcpts = []
        self.tls = self.auth = None
        self.number = number        # of the connection, from 1

    def take(self, n):
        parts, have = [self.buffer], len(self.buffer)
        while have < n:
            more = self.sock.recv(262144)
            if not more:
                raise EOFError
            parts.append(more)
            have += len(more)
        whole = b"".join(parts)
        out, self.buffer = whole[:n], whole[n:]
        return out

    def line(self):
        while b"\r\n" not in self.buffer:
            more = self.sock.recv(65536)
            if not more:
                raise EOFError
            self.buffer += more
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    def say(self, stage, text, usual):
        answer = self.sink.script(stage, text, self)
        if answer == "drop":
            raise EOFError
        answer = usual if answer is None else answer
        self.sock.sendall(answer.encode() + b"\r\n")
        return answer

    def ehlo(self, text):
        ext = list(self.sink.extensions)
        if self.sink.tls_context and not self.tls:
            ext.append("STARTTLS")
        lines = ["sink.test"] + ext
        usual = "\r\n".join(
            f"250{'-' if i + 1 < len(lines) else ' '}{x}"
            for i, x in enumerate(lines))
        self.say("EHLO", text, usual)

    def keep(self, body, by="DATA"):
        with self.sink.lock:
            self.sink.messages.append({
                "mail": self.mail, "rcpts": list(self.rcpts), "body": body,
                "tls": self.tls, "auth": self.auth, "by": by,
                "connection": self.number})

    def until_dot(self):
        """The body, dots unstuffed; b"\\n" or b"\\r" outside CRLF stays."""
        end = b"\r\n.\r\n"
        got = bytearray(b"\r\n" + self.buffer)
        at = got.find(end)
        while at < 0:
            seen = max(0, len(got) - 4)
            more = self.sock.recv(262144)
            if not more:
                raise EOFError
            got += more
            at = got.find(end, seen)
        self.buffer = bytes(got[at + len(end):])
        return bytes(got[:at + 2]).replace(b"\r\n.", b"\r\n")[2:]

    def data(self):
        if self.say("DATA", "", "354 go on").startswith("354"):
            self.finish(self.until_dot(), "DATA")

    def finish(self, body, by):
        if self.sink.lmtp:
            for r in list(self.rcpts):
                answer = self.say("dot", r, "250 2.0.0 stored")
                if answer.startswith("2"):
                    keep, self.rcpts = self.rcpts, [r]
                    self.keep(body, by)
                    self.rcpts = keep
        else:
            answer = self.sink.script("dot", "", self)
            if answer is None or answer == "drop" or answer[0] == "2":
                self.keep(body, by)
            if answer in ("drop", "drop unkept"):
                raise EOFError
            self.sock.sendall((answer or "250 2.0.0 stored").encode()
                              + b"\r\n")
        self.mail, self.rcpts = None, []

    def bdat(self, words):
        size = int(words[1])
        self.chunks = getattr(self, "chunks", b"") + self.take(size)
        if not self.rcpts:
            self.chunks = b""
            self.sock.sendall(b"503 5.5.1 no recipients\r\n")
        elif len(words) > 2:
            body, self.chunks = self.chunks, b""
            self.finish(body, "BDAT")
        else:
            self.sock.sendall(b"250 2.0.0 chunk\r\n")

    def auth_command(self, line, words):
        kind = words[1].upper()
        if kind == "PLAIN":
            if len(words) < 3:
                self.sock.sendall(b"334 \r\n")
                words = [*words, self.line().decode()]
            self.auth = base64.b64decode(words[2]).split(b"\0")[1:]
        elif kind == "LOGIN":
            self.sock.sendall(b"334 VXNlcm5hbWU6\r\n")
            user = base64.b64decode(self.line())
            self.sock.sendall(b"334 UGFzc3dvcmQ6\r\n")
            self.auth = [user, base64.b64decode(self.line())]
        if self.say("AUTH", line, "235 2.7.0 welcome")[0] != "2":
            self.auth = None

    def run(self):
        self.say("connect", "", "220 sink.test ESMTP")
        while True:
            raw = self.line()
            line = raw.decode("utf-8", "replace")
            with self.sink.lock:
                self.sink.commands.append(line)
            words = line.split()
            verb = words[0].upper() if words else ""
            if self.buffer:
                self.sink.pipelined += 1
            if verb in ("EHLO", "LHLO"):
                self.ehlo(line)
            elif verb == "HELO":
                self.say("HELO", line, "250 sink.test")
            elif verb == "STARTTLS":
                if self.say("STARTTLS", line, "220 go").startswith("220"):
                    self.sock = self.sink.tls_context.wrap_socket(
                        self.sock, server_side=True)
                    self.tls = self.sock.version()
            elif verb == "AUTH":
                self.auth_command(line, words)
            elif verb == "MAIL":
                if self.say("MAIL", line, "250 2.1.0 ok")[0] == "2":
                    self.mail, self.rcpts = line, []
            elif verb == "RCPT":
                if self.mail is None:
                    self.sock.sendall(b"503 5.5.1 MAIL first\r\n")
                elif self.say("RCPT", line, "250 2.1.5 ok")[0] == "2":
                    self.rcpts.append(line)
            elif verb == "DATA":
                if not self.rcpts:
                    self.sock.sendall(b"503 5.5.1 no recipients\r\n")
                else:
                    self.data()
            elif verb == "BDAT":
                self.bdat(words)
            elif verb == "RSET":
                self.mail, self.rcpts = None, []
                self.say("RSET", line, "250 2.0.0 ok")
            elif verb == "QUIT":
                self.say("QUIT", line, "221 2.0.0 bye")
                return
            else:
                self.say(verb, line, "250 2.0.0 ok")


SLOW_SECONDS = float(os.environ.get("POSTRIDER_SLOW", 1e9))


class Results:
    """Counts; `with results.test("name"):` reports instead of raising."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.lock = threading.Lock()

    def test(self, name):
        return _Test(self, name)

    def skip(self, name, why):
        self.skipped += 1
        print(f"SKIP {name}: {why}", flush=True)

    def finish(self):
        print(f"{self.passed} passed, {self.failed} failed"
              + (f", {self.skipped} skipped" if self.skipped else ""))
        sys.exit(1 if self.failed else 0)


class _Test:
    def __init__(self, results, name):
        self.results, self.name = results, name

    def __enter__(self):
        self.begun = time.monotonic()
        return self

    def __exit__(self, kind, value, trace):
        took = time.monotonic() - self.begun
        if took > SLOW_SECONDS:
            print(f"slow: {self.name}: {took:.1f} s", flush=True)
        if kind is not None and issubclass(kind, (KeyboardInterrupt,
                                                  SystemExit)):
            return False
        with self.results.lock:
            if kind is None:
                self.results.passed += 1
                return False
            self.results.failed += 1
        import traceback
        where = traceback.extract_tb(trace)[-1]
        first = traceback.extract_tb(trace)[0]
        print(f"FAIL {self.name}: {kind.__name__}: {value} "
              f"({os.path.basename(first.filename)}:{first.lineno}, "
              f"{os.path.basename(where.filename)}:{where.lineno})",
              flush=True)
        return True


def check_memory_reports(service, results):
    """No sanitizer report and no broken invariant in the log."""
    with results.test("no sanitizer report"):
        text = open(service.log_path, errors="replace").read()
        for word in ("ERROR: AddressSanitizer", "runtime error:",
                     "invariant does not hold", "SUMMARY:"):
            assert word not in text, text[max(0, text.find(word) - 200):
                                          text.find(word) + 3000]
