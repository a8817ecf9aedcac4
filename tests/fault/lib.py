"""What the fault tests share: a load and a next hop on one event loop (so that
at any moment it is known who waits for what), a service that can be killed and
started again, file systems in a file, strace as a fault."""
import asyncio
import hashlib
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
sys.path.insert(0, HERE)
import oracle                                               # noqa: E402
import postrider                                            # noqa: E402

TOP = postrider.TOP
CONNECTIONS = 20
SENDER = "alice@example.com"
# A user may send 10,000 messages a day and a customer 319,444 recipients in
# 10 min (SPEC 6): the load comes from several customers, each with an address
# of its own, and only now and then from a registered user.
CUSTOMERS = [("127.0.0.1", "example.com")] + [
    (f"127.0.0.{20 + i}", f"load{i}.example") for i in range(1, 4)]
REGISTERED_EACH = 16
MORE_CUSTOMERS = "".join(f"""\
  - name: load {address}
    licences: 100000
    billing: paid
    allow_private_addresses: true
    domains:
      - {{ name: {domain}, kind: primary, verified: operator }}
    relay_settings:
      - description: load
        allowed_senders: own-domains
        authentication: {{ ip_only: true, require_auth: false }}
        require_tls: false
        enabled: true
        ip_entries:
          - {{ range: {address}/32, description: loopback, enabled: true }}
""" for address, domain in CUSTOMERS[1:])
TRACE_TRIES = 8


def binary(flavour):
    """The programs of a flavour; POSTRIDER_FLAVOUR overrules."""
    path = os.path.join(TOP, "build", flavour, "bin", "postrider")
    if "POSTRIDER_FLAVOUR" in os.environ or not os.path.exists(path):
        return postrider.POSTRIDER
    return path


def own_mounts():
    """A mount namespace of its own: what is mounted here nobody else copies
    into a sandbox, where it would live on after a power cut, and the end of
    this process takes it along. Before the first thread."""
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    clone_newns, private_all = 0x20000, 0x44000
    if libc.unshare(clone_newns) == 0:
        libc.mount(b"none", b"/", None, private_all, None)


if os.geteuid() == 0:
    own_mounts()


def say(text):
    print(f"  {text}", flush=True)


# --- bodies -------------------------------------------------------------------

def make_lines():
    """Lines to cut bodies from; some begin with dots."""
    rng = random.Random(7)
    words = ["relay", "spool", "..", ".", "segment", "日本", "commit", "=20"]
    lines = []
    for i in range(60000):
        line = " ".join(rng.choice(words) for _ in range(rng.randint(1, 9)))
        lines.append(line.encode())
    return lines


LINES = make_lines()
TEXT = b"\r\n".join(LINES)


def make_body(ident, rng, bytes_wanted):
    """X-Test-Id comes first: what stands above it was added on the way."""
    head = (f"X-Test-Id: {ident}\r\n"
            f"From: <{SENDER}>\r\nTo: <somebody@dest.test>\r\n"
            "Date: Tue, 24 Nov 2026 10:00:00 +0900\r\n"
            f"Message-ID: <{ident}@fault.example.com>\r\n"
            f"Subject: fault test {ident}\r\n\r\n").encode()
    at = TEXT.index(b"\r\n", rng.randrange(len(TEXT) // 2)) + 2
    text = TEXT[at:at + bytes_wanted]
    while len(text) < bytes_wanted:
        text += b"\r\n" + TEXT[:bytes_wanted - len(text)]
    return head + text.rstrip(b"\r\n") + b"\r\n"


def stuffed(body):
    return body.replace(b"\r\n.", b"\r\n..")


# --- the load -----------------------------------------------------------------

class Load:
    """Connections that send as fast as they are answered and come back when
    they are cut. All on one event loop."""

    def __init__(self, port, connections=CONNECTIONS, big_share=0.02,
                 refused_share=0.01, sizes=(500, 20000), say_size=True,
                 seed=0, chunking=True):
        self.port, self.connections = port, connections
        self.big_share, self.refused_share = big_share, refused_share
        self.sizes, self.say_size, self.chunking = sizes, say_size, chunking
        self.rng = random.Random(seed)
        self.sent = []
        self.waiting = 0            # dots sent, reply not yet read
        self.running = self.paused = False
        self.last_ack = 0.0
        self.codes = {}             # (stage, reply cut) → count
        self.tasks = []
        self.serial = 0
        self.gap = 0.0              # seconds between messages of a connection
        self.live = 0

    def next_message(self):
        self.serial += 1
        rng = self.rng
        ident = f"m{self.serial}-{rng.getrandbits(40):010x}"
        rcpts = [f"{rng.choice(('a', 'b', 'c'))}{self.serial}.{i}@dest.test"
                 for i in range(rng.choice((1, 1, 1, 2, 3)))]
        if rng.random() < self.refused_share:
            rcpts[-1] = f"nobody{self.serial}@dest.test"
        size = rng.randint(*self.sizes)
        if rng.random() < self.big_share:
            size = rng.randint(1_100_000, 1_600_000)
        body = make_body(ident, rng, size)
        message = oracle.Sent(ident, rcpts, hashlib.sha256(body).hexdigest())
        self.sent.append(message)
        return message, body

    def note(self, stage, reply):
        key = stage, " ".join(reply.split()[:2])
        self.codes[key] = self.codes.get(key, 0) + 1

    async def run(self):
        self.running = True
        self.tasks = [asyncio.ensure_future(self.connection())
                      for _ in range(self.connections)]

    async def stop(self):
        self.running = False
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=15)
        for t in self.tasks:
            t.cancel()
        self.tasks = []

    async def connection(self):
        while self.running:
            if self.paused:
                await asyncio.sleep(0.01)
                continue
            address, domain = random.choice(CUSTOMERS)
            try:
                r, w = await asyncio.open_connection(
                    "127.0.0.1", self.port, limit=1 << 20,
                    local_addr=(address, 0))
            except OSError:
                await asyncio.sleep(0.01 + random.random() * 0.02)
                continue
            self.live += 1
            talk = Talk(self, r, w, domain)
            try:
                await asyncio.wait_for(talk.session(), 60)
            except (OSError, EOFError, asyncio.TimeoutError,
                    asyncio.IncompleteReadError):
                await asyncio.sleep(random.random() * 0.02)
            finally:
                talk.end()
                self.live -= 1


class Talk:
    """One connection of the load."""

    def __init__(self, load, r, w, domain):
        self.load, self.r, self.w, self.domain = load, r, w, domain
        self.unanswered = []

    async def reply(self):
        first = None
        while True:
            line = await self.r.readline()
            if not line.endswith(b"\n"):
                raise EOFError
            text = line.decode("utf-8", "replace").rstrip()
            first = first or text
            if len(text) < 4 or text[3] != "-":
                return first

    def end(self):
        for _ in self.unanswered:
            self.load.waiting -= 1
        self.unanswered = []
        self.w.close()

    def sender(self):
        if self.load.serial % REGISTERED_EACH == 0 and SENDER.endswith(
                "@" + self.domain):
            return SENDER
        return f"load{self.load.serial % 100}@{self.domain}"

    def envelope(self, message, body, data):
        size = f" SIZE={len(body)}" if self.load.say_size else ""
        return [f"MAIL FROM:<{self.sender()}> BODY=8BITMIME{size}",
                *(f"RCPT TO:<{x}>" for x in message.rcpts), data]

    def dot_sent(self, message):
        """From here on only the reply tells."""
        message.state, message.reply = oracle.UNKNOWN, "unknown"
        self.unanswered.append(message)
        self.load.waiting += 1

    async def dot_answered(self, message, tell=True):
        text = await self.reply()
        self.unanswered.remove(message)
        self.load.waiting -= 1
        self.settle(message, text)
        if tell:
            self.load.note("dot", text)

    def settle(self, message, text):
        message.reply = text
        message.t = time.monotonic()
        if text[0] == "2":
            message.state = oracle.ACKED
            self.load.last_ack = message.t
        else:
            message.state = oracle.REFUSED

    def take_envelope(self, message, replies):
        """Replies to MAIL and the RCPTs. True if anybody was taken."""
        if replies[0][0] != "2":
            self.load.note("MAIL", replies[0])
            message.reply = replies[0]
            return False
        for rcpt, text in zip(message.rcpts, replies[1:]):
            if text[0] != "2":
                self.load.note("RCPT", text)
                message.refused_rcpts.add(rcpt)
        return len(message.refused_rcpts) < len(message.rcpts)

    async def session(self):
        greeting = await self.reply()
        if greeting[:3] != "220":
            self.load.note("greeting", greeting)
            raise EOFError
        self.w.write(b"EHLO client.example.com\r\n")
        if (await self.reply())[:3] != "250":
            raise EOFError
        for _ in range(self.load.rng.randint(1, 200)):
            if not self.load.running or self.load.paused:
                break
            way = self.load.rng.choice((self.lockstep, self.pipelined,
                                        self.chained, self.bdat))
            if way == self.bdat and not self.load.chunking:
                way = self.pipelined
            await way()
            if self.load.gap:
                await asyncio.sleep(self.load.gap * self.load.rng.random())
        self.w.write(b"QUIT\r\n")
        await self.reply()

    async def command(self, text):
        self.w.write(text.encode() + b"\r\n")
        return await self.reply()

    async def lockstep(self):
        message, body = self.load.next_message()
        lines = self.envelope(message, body, "DATA")
        replies = []
        for line in lines[:-1]:
            replies.append(await self.command(line))
            if replies[0][0] != "2":
                break
        if not self.take_envelope(message, replies):
            await self.give_up(replies)
            return
        if (await self.command(lines[-1]))[:3] != "354":
            raise EOFError
        self.dot_sent(message)
        self.w.write(stuffed(body) + b".\r\n")
        await self.w.drain()
        await self.dot_answered(message)

    async def give_up(self, replies):
        """A refusal costs a moment, else a full disk costs a whole core."""
        if replies[0][:3] == "421":
            raise EOFError
        await asyncio.sleep(0.05)
        if (await self.command("RSET"))[:3] == "421":
            raise EOFError

    async def envelope_piped(self, message, body):
        """True when 354 came."""
        lines = self.envelope(message, body, "DATA")
        replies = [await self.reply() for _ in lines]
        if self.take_envelope(message, replies[:-1]):
            if replies[-1][:3] == "354":
                return True
            raise EOFError
        await self.give_up(replies)
        return False

    def write_envelope(self, message, body):
        self.w.write("".join(x + "\r\n" for x in self.envelope(
            message, body, "DATA")).encode())

    async def pipelined(self):
        message, body = self.load.next_message()
        self.write_envelope(message, body)
        if await self.envelope_piped(message, body):
            self.dot_sent(message)
            self.w.write(stuffed(body) + b".\r\n")
            await self.w.drain()
            await self.dot_answered(message)

    async def chained(self):
        """The next envelope goes out right behind the dot."""
        message, body = self.load.next_message()
        self.write_envelope(message, body)
        if not await self.envelope_piped(message, body):
            return
        for _ in range(3):
            self.dot_sent(message)
            self.w.write(stuffed(body) + b".\r\n")
            after = self.load.next_message()
            self.write_envelope(*after)
            await self.w.drain()
            await self.dot_answered(message)
            message, body = after
            if not await self.envelope_piped(message, body):
                return
        self.dot_sent(message)
        self.w.write(stuffed(body) + b".\r\n")
        await self.w.drain()
        await self.dot_answered(message)

    async def bdat(self):
        message, body = self.load.next_message()
        lines = self.envelope(message, body, f"BDAT {len(body)} LAST")
        self.dot_sent(message)
        self.w.write("".join(x + "\r\n" for x in lines).encode() + body)
        await self.w.drain()
        replies = []
        for _ in lines[:-1]:
            replies.append(await self.reply())
            if replies[-1][:3] == "421":
                # Too many errors in a session: the end, and it was said.
                message.state, message.reply = oracle.REFUSED, replies[-1]
                raise EOFError
        taken = self.take_envelope(message, replies)
        await self.dot_answered(message, taken)
        if not taken:
            message.state = oracle.REFUSED
            await self.give_up(replies)


# --- the next hop ---------------------------------------------------------------

class Hop:
    """Takes mail and writes down what it took. mode "take", or "defer": all
    recipients get 450. `nobody…` is refused for good; a few are deferred."""

    def __init__(self, delay=(0.0, 0.03), defer_share=0.01, seed=1):
        self.delay, self.defer_share = delay, defer_share
        self.rng = random.Random(seed)
        self.mode = "take"
        self.got = []
        self.reported = []
        self.waiting = 0            # dots that came, not yet answered
        self.server = self.port = None
        self.writers = set()
        self.changes = 0

    async def open(self, port=0):
        self.server = await asyncio.start_server(
            self.serve, "127.0.0.1", port, limit=1 << 23, backlog=500)
        self.port = self.server.sockets[0].getsockname()[1]

    async def close(self):
        self.server.close()
        for w in list(self.writers):
            w.close()

    async def serve(self, r, w):
        self.writers.add(w)
        try:
            await self.session(r, w)
        except (OSError, EOFError, asyncio.IncompleteReadError,
                asyncio.LimitOverrunError):
            pass
        finally:
            self.writers.discard(w)
            w.close()

    async def session(self, r, w):
        w.write(b"220 hop.test ESMTP\r\n")
        sender, rcpts = None, []
        while True:
            line = await r.readline()
            if not line.endswith(b"\r\n"):
                return
            text = line.decode("utf-8", "replace").strip()
            verb = text[:4].upper()
            if verb == "EHLO":
                w.write(b"250-hop.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n"
                        b"250-SIZE 100000000\r\n250-DSN\r\n250 SMTPUTF8\r\n")
            elif verb == "MAIL":
                sender, rcpts = text, []
                w.write(b"250 2.1.0 ok\r\n")
            elif verb == "RCPT":
                rcpt = re.search(r"<([^>]*)>", text).group(1)
                answer = self.answer_rcpt(rcpt)
                if answer.startswith("2"):
                    rcpts.append(rcpt)
                w.write(answer.encode() + b"\r\n")
            elif verb == "DATA":
                if rcpts:
                    w.write(b"354 go on\r\n")
                    await self.body(r, w, sender, rcpts)
                else:
                    w.write(b"503 5.5.1 nobody\r\n")
            elif verb == "QUIT":
                w.write(b"221 2.0.0 bye\r\n")
                return
            else:
                w.write(b"250 2.0.0 ok\r\n")

    def answer_rcpt(self, rcpt):
        if self.mode == "defer":
            return "450 4.2.0 later"
        if rcpt.startswith("nobody"):
            return "550 5.1.1 no such user"
        if self.rng.random() < self.defer_share:
            return "450 4.2.1 busy"
        return "250 2.1.5 ok"

    async def body(self, r, w, sender, rcpts):
        raw = await r.readuntil(b"\r\n.\r\n")
        body = raw[:-3].replace(b"\r\n..", b"\r\n.")
        t_dot = time.monotonic()
        self.waiting += 1
        try:
            if self.rng.random() < self.defer_share:
                await asyncio.sleep(self.rng.uniform(*self.delay))
                w.write(b"451 4.3.0 not now\r\n")
                return
            copy = self.note(sender, rcpts, body, t_dot)
            await asyncio.sleep(self.rng.uniform(*self.delay))
            alive = not r.at_eof() and not w.is_closing()
            w.write(b"250 2.0.0 taken\r\n")
            if copy is not None:
                copy.t, copy.replied = time.monotonic(), alive
        finally:
            self.waiting -= 1

    def note(self, sender, rcpts, body, t_dot):
        """Keeps the copy; a report of ours is read for whom it ends."""
        self.changes += 1
        if "<>" in sender:
            self.note_report(body)
            return None
        at = body.find(b"X-Test-Id: ")
        ident = body[at + 11:body.find(b"\r\n", at)].decode() if at >= 0 \
            else "?"
        top = body[:at]
        sha = hashlib.sha256(body[at:]).hexdigest()
        if not top.startswith(b"Received: ") or re.search(
                rb"\r\n(?![ \t])[^\r]", top):
            sha = "more than a trace field on top"
        copy = oracle.Got(ident, rcpts, sha, t_dot, t_dot, False)
        self.got.append(copy)
        return copy

    def note_report(self, body):
        text = body.decode("utf-8", "replace")
        ident = re.search(r"^X-Test-Id: (\S+)", text, re.M)
        if ident is None:
            self.reported.append(("?", "?"))
            return
        for block in text.split("\r\n\r\n"):
            rcpt = re.search(r"^Final-Recipient: *[^;]*; *(\S+)", block, re.M)
            if rcpt and re.search(r"^Action: *failed", block, re.M):
                self.reported.append((ident.group(1), rcpt.group(1)))


# --- both on a thread -------------------------------------------------------------

class Mill:
    """The event loop of load and hop, on a thread of its own."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever,
                                       daemon=True)
        self.thread.start()
        self.hops = []

    def do(self, coroutine, seconds=30):
        return asyncio.run_coroutine_threadsafe(
            coroutine, self.loop).result(seconds)

    def hop(self, **kw):
        hop = Hop(**kw)
        self.do(hop.open())
        self.hops.append(hop)
        return hop

    def close(self):
        for hop in self.hops:
            self.do(hop.close())

        async def end():
            for t in asyncio.all_tasks():
                if t is not asyncio.current_task():
                    t.cancel()
            await asyncio.sleep(0.05)
        try:
            self.do(end(), 5)
        except Exception:
            pass
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


# --- the service --------------------------------------------------------------------

def pid_lives(pid):
    """A zombie is dead."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


class Service(postrider.Service):
    """With a smart host for all, quick retries, small segments."""

    def __init__(self, hop_port, segment="4MiB", keep_free="1MiB", more="",
                 retry="1s", **kw):
        self.deaths = []
        super().__init__(
            routes='    - { domain: "*", smart_host: '
                   f'"127.0.0.1:{hop_port}", tls: never }}\n',
            delivery=f"  retry: [{retry}]\n",
            extra=f"spool: {{ segment: {segment}, keep_free: {keep_free} }}\n"
                  + more, directory=postrider.DIRECTORY + MORE_CUSTOMERS, **kw)

    def begin(self, seconds=30):
        """Serves; knows the customer."""
        super().start(wait=True, apply=False)
        if not os.path.exists(os.path.join(self.dir, "applied")):
            self.cli("apply", self.directory)
            open(os.path.join(self.dir, "applied"), "w").close()
        return self

    def again(self, wait=False):
        """Serves again, after master died."""
        self.log.close()
        super().start(wait=wait, apply=False)

    def kill(self, pids):
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def kill_master(self, others_too):
        """SIGKILL to master; its children go by themselves, or are killed
        as well, which is what a power cut looks like."""
        children = list(self.children())
        begin = time.monotonic()
        self.kill([self.process.pid] + (children if others_too else []))
        self.process.wait(10)
        self.gone(children)
        self.deaths.append((begin, time.monotonic()))

    def gone(self, pids, seconds=10):
        end = time.monotonic() + seconds
        while any(map(pid_lives, pids)):
            if time.monotonic() > end:
                self.kill(pids)
                raise RuntimeError("children outlive master\n" + self.tail())
            time.sleep(0.002)

    def kill_role(self, role):
        pid = self.pid_of(role)
        if pid is None:
            return False
        begin = time.monotonic()
        self.kill([pid])
        end = begin + 5
        while pid_lives(pid) and time.monotonic() < end:
            time.sleep(0.001)
        if role == "relay":
            self.deaths.append((begin, time.monotonic()))
        return True

    def commit_thread(self):
        """The thread of relay that syncs most: to be asked under load."""
        path = os.path.join(self.dir, "syncs")
        with open(path, "w+") as out:
            p = subprocess.Popen(
                ["strace", "-f", "-qq", "-e", "trace=fdatasync", "-o", path,
                 "-p", str(self.pid_of("relay"))], stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                counts = {}
                end = time.monotonic() + 10
                while max(counts.values(), default=0) < 10:
                    if time.monotonic() > end:
                        raise RuntimeError("relay syncs nothing")
                    time.sleep(0.05)
                    out.seek(0)
                    counts = {}
                    for line in out:
                        tid = line.split()[0]
                        counts[tid] = counts.get(tid, 0) + 1
            finally:
                p.terminate()
                p.wait(10)
        return int(max(counts, key=counts.get))

    def metric(self, name):
        return self.metrics().get("postrider_" + name)

    def kept(self):
        """(message id of ours → all) still in the queue."""
        rows = self.rows("queue", "list", "--limit", "100000")
        return rows

    def check_log(self):
        """Nothing in the log that a fault doesn't excuse."""
        with open(self.log_path, errors="replace") as f:
            text = f.read()
        for word in ("AddressSanitizer", "runtime error:", "LeakSanitizer",
                     "invariant does not hold", "serve.crashed",
                     "control.change_refused"):
            at = text.find(word)
            assert at < 0, text[max(0, at - 300):at + 3000]
        return text

    def close(self):
        try:
            if self.process is not None:
                children = list(self.children())
                if self.process.poll() is None:
                    self.kill([self.process.pid])
                    self.process.wait(10)
                self.kill(children)
        finally:
            if os.environ.get("POSTRIDER_KEEP"):
                print("kept", self.dir)
            else:
                shutil.rmtree(self.dir, ignore_errors=True)


# --- the end of a run ------------------------------------------------------------------

def outstanding(load, hop):
    ends = {(c.id, r) for c in hop.got for r in c.rcpts}
    ends |= set(hop.reported)
    return [(s.id, r) for s in load.sent if s.state == oracle.ACKED
            for r in s.rcpts
            if r not in s.refused_rcpts and (s.id, r) not in ends]


def drain(service, load, hop, seconds=75, at_most=900):
    """Waits until all that was acknowledged has come to an end and the queue
    is empty: what is unknown, or queued twice, shows itself too. Gives up
    when the queue has not become shorter for so many seconds: after a
    thousand kills it is long. A report whose sync failed is tried again after
    60 s."""
    begun = moved = time.monotonic()
    shortest = None
    while time.monotonic() < min(moved + seconds, begun + at_most):
        queued = service.metric("queue_messages") if service.ready() else None
        if queued == 0 and hop.waiting == 0:
            time.sleep(0.1)
            if service.metric("queue_messages") == 0:
                return True
        if queued is not None and (shortest is None or queued < shortest):
            shortest, moved = queued, time.monotonic()
        time.sleep(0.05)
    return False


def verdict_of(service, load, hop, kept=()):
    return oracle.judge(load.sent, hop.got, hop.reported, kept,
                        service.deaths)


def save(name, service, load, hop):
    """What a failure is looked into with."""
    folder = os.path.join(TOP, "build", "log")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, f"fault-{name}.jsonl")
    with open(path, "w") as f:
        for s in load.sent:
            f.write(json.dumps({"sent": s.id, "rcpts": s.rcpts, "state":
                                s.state, "t": s.t, "reply": s.reply,
                                "refused": sorted(s.refused_rcpts)}) + "\n")
        for c in hop.got:
            f.write(json.dumps({"got": c.id, "rcpts": c.rcpts, "t_dot":
                                c.t_dot, "t": c.t, "replied": c.replied})
                    + "\n")
        f.write(json.dumps({"reported": hop.reported,
                            "deaths": service.deaths}) + "\n")
    shutil.copy(service.log_path, os.path.join(folder, f"fault-{name}.log"))
    say(f"what happened: {path}")


def assert_good(name, verdict, service, load, hop):
    say(verdict.line())
    if not verdict.good:
        save(name, service, load, hop)
        raise AssertionError(" | ".join(verdict.details()))


def trace_sample(service, load, n=TRACE_TRIES):
    """Each acknowledged id is found by `postrider trace`. None: this build
    has no trace."""
    acked = [s for s in load.sent if s.state == oracle.ACKED]
    for s in random.Random(3).sample(acked, min(n, len(acked))):
        p = service.cli("trace", "--json", "--message-id",
                        f"<{s.id}@fault.example.com>", check=False)
        if "there is no call" in p.stderr:
            return None
        assert p.returncode == 0 and p.stdout.strip(), (
            f"trace does not know {s.id}: exit {p.returncode} {p.stderr}")
        ident = s.reply.split()[-1]
        assert ident in p.stdout, f"trace of {s.id} does not name {ident}"
    return min(n, len(acked))


# --- file systems in a file -----------------------------------------------------------------

def run(*words):
    p = subprocess.run(words, capture_output=True, text=True, timeout=60)
    if p.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: {p.returncode} "
                           f"{p.stdout}{p.stderr}")
    return p.stdout.strip()


class Disk:
    """A file system in a file on memory, behind a loop device; its power can
    be cut. Cleans up whatever happens."""

    def __init__(self, kind="ext4", mib=300):
        self.kind, self.loop, self.mounted = kind, None, False
        base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.dir = tempfile.mkdtemp(prefix="postrider-disk-", dir=base)
        self.image = os.path.join(self.dir, "image")
        self.point = os.path.join(self.dir, "mnt")
        os.mkdir(self.point)
        try:
            with open(self.image, "wb") as f:
                f.truncate(mib << 20)
            if kind == "ext4":
                run("mkfs.ext4", "-q", "-F", "-J", "size=4", self.image)
            else:
                run("mkfs.xfs", "-q", "-f", self.image)
            self.loop = run("losetup", "-f", "--show", self.image)
            self.mount()
        except BaseException:
            self.close()
            raise

    def mount(self):
        run("mount", "-t", self.kind, self.loop, self.point)
        self.mounted = True

    def cut(self):
        """FS_IOC_SHUTDOWN without a flush of the log: what was not synced is
        gone, and every call fails from now on."""
        import fcntl
        fd = os.open(self.point, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, 0x8004587D, (2).to_bytes(4, "little"))
        finally:
            os.close(fd)

    def unmount(self):
        end = time.monotonic() + 10
        while True:
            p = subprocess.run(["umount", self.point], capture_output=True,
                               text=True, timeout=60)
            if p.returncode == 0:
                break
            if time.monotonic() > end:
                raise RuntimeError(p.stderr)
            time.sleep(0.02)
        self.mounted = False

    def power_on(self, seconds=30):
        """After a cut: as a boot does, checked first when it must be. Another
        mount namespace (a sandbox that is just being made) may hold the dead
        file system a moment longer: then it is what is mounted again."""
        end = time.monotonic() + seconds
        while True:
            self.unmount()
            try:
                self.mount()
            except RuntimeError:
                if self.kind == "ext4":
                    subprocess.run(["e2fsck", "-fy", self.loop], timeout=60,
                                   capture_output=True)
                self.mount()
            if self.works():
                return
            if time.monotonic() > end:
                raise RuntimeError("the file system stays dead")
            time.sleep(0.05)

    def works(self):
        try:
            os.rmdir(tempfile.mkdtemp(dir=self.point))
            return True
        except OSError:
            return False

    def close(self):
        if self.mounted:
            try:
                self.unmount()
            except RuntimeError:
                subprocess.run(["umount", "-l", self.point], timeout=60)
        if self.loop:
            subprocess.run(["losetup", "-d", self.loop], timeout=60)
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Tmpfs:
    """A tmpfs of a size."""

    def __init__(self, point, options):
        self.point = point
        os.makedirs(point, exist_ok=True)
        run("mount", "-t", "tmpfs", "-o", options, "tmpfs", point)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        end = time.monotonic() + 5
        while subprocess.run(["umount", self.point],
                             capture_output=True).returncode != 0:
            if time.monotonic() > end:
                subprocess.run(["umount", "-l", self.point])
                return
            time.sleep(0.05)


# --- strace as a fault -------------------------------------------------------------------------

class Inject:
    """strace on a process (with all its threads) or on one thread, which
    makes a call fail or kills at it."""

    def __init__(self, pid, call, what, all_threads=True):
        words = ["strace", "-q", "-o", "/dev/null", "-e", f"trace={call}",
                 "-e", f"inject={call}:{what}", "-p", str(pid)]
        if all_threads:
            words.insert(1, "-f")
        self.pid = pid
        self.process = subprocess.Popen(
            words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL, start_new_session=True)
        end = time.monotonic() + 5
        while not self.attached():
            if self.process.poll() is not None:
                raise RuntimeError("strace: " +
                                   self.process.stderr.read().decode())
            if time.monotonic() > end:
                self.detach()
                raise RuntimeError("strace does not attach")
            time.sleep(0.002)

    def attached(self):
        try:
            with open(f"/proc/{self.pid}/status") as f:
                return "TracerPid:\t0\n" not in f.read()
        except OSError:
            return True         # killed already

    def wait(self, seconds):
        """True when the traced process is gone."""
        try:
            self.process.wait(seconds)
            return True
        except subprocess.TimeoutExpired:
            return False

    def detach(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(5)
        self.process.stderr.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.detach()


def strace_works():
    p = subprocess.run(["strace", "-o", "/dev/null", "true"],
                       capture_output=True)
    return p.returncode == 0


def can_mount():
    return os.geteuid() == 0 and os.path.exists("/dev/loop-control")
