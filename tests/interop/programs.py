"""swaks, msmtp, curl and Python's smtplib send through Postrider, as an
administrator tries it: 25 in clear, 587 with STARTTLS and AUTH, 465 with AUTH."""
import os
import smtplib
import ssl
import subprocess

from world import BIG, EIGHT_BIT, USER, body_of

WAYS = ("25", "587", "465")


def head(word):
    return f"From: {USER}\r\nTo: r@p25.test\r\nSubject: {word}\r\n\r\n".encode()


def run(args, data, env=None):
    return subprocess.run(args, input=data, capture_output=True, timeout=60,
                          env={**os.environ, **(env or {})})


class Program:
    """send(way, sender, recipients, message) → (worked, words)"""

    def __init__(self, world, where):
        self.world, self.where = world, where
        s = world.service
        self.ports = {"25": s.port, "587": s.port587, "465": s.port465}

    def file(self, name, data, mode=0o600):
        path = os.path.join(self.where, name)
        with open(path, "wb") as f:
            f.write(data if isinstance(data, bytes) else data.encode())
        os.chmod(path, mode)
        return path


class Swaks(Program):
    name = "swaks"

    def send(self, way, sender, recipients, message):
        # swaks ends the last line itself
        data = self.file("swaks.eml", message.replace(b"\r\n", b"\n")[:-1])
        args = ["swaks", "--server", "127.0.0.1", "--port",
                str(self.ports[way]), "--helo", "mail.example.com", "--from",
                sender or "<>", "--to", ",".join(recipients), "--data",
                "@" + data, "--pipeline"]
        if way != "25":
            args += ["--tls" if way == "587" else "--tls-on-connect",
                     "--auth", "PLAIN" if way == "587" else "LOGIN",
                     "--auth-user", USER, "--auth-password",
                     self.world.password]
        p = run(args, b"")
        return p.returncode == 0, (p.stdout + p.stderr).decode("utf-8",
                                                               "replace")


class Msmtp(Program):
    name = "msmtp"

    def send(self, way, sender, recipients, message):
        login = "" if way == "25" else (
            f"auth on\nuser {USER}\npassword {self.world.password}\n"
            "tls on\ntls_certcheck off\ntls_starttls "
            + ("on\n" if way == "587" else "off\n"))
        config = self.file("msmtprc", "account default\nhost 127.0.0.1\n"
                           f"port {self.ports[way]}\n"
                           f"domain mail.example.com\n{login}")
        p = run(["msmtp", "-C", config, "-f", sender or "<>", "--",
                 *recipients], message.replace(b"\r\n", b"\n"))
        return p.returncode == 0, p.stderr.decode("utf-8", "replace")


class Curl(Program):
    name = "curl"

    def send(self, way, sender, recipients, message):
        data = self.file("curl.eml", message)
        scheme = "smtps" if way == "465" else "smtp"
        args = ["curl", "-sS", "-v", "--insecure", "--url",
                f"{scheme}://127.0.0.1:{self.ports[way]}/mail.example.com",
                "--mail-from", sender, "-T", data]
        for r in recipients:
            args += ["--mail-rcpt", r]
        if way != "25":
            args += ["--ssl-reqd", "--user", f"{USER}:{self.world.password}"]
        p = run(args, b"")
        return p.returncode == 0, p.stderr.decode("utf-8", "replace")


class Smtplib(Program):
    name = "smtplib"

    def send(self, way, sender, recipients, message):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        try:
            if way == "465":
                c = smtplib.SMTP_SSL("127.0.0.1", self.ports[way],
                                     local_hostname="mail.example.com",
                                     timeout=30, context=context)
            else:
                c = smtplib.SMTP("127.0.0.1", self.ports[way],
                                 local_hostname="mail.example.com",
                                 timeout=30)
            with c:
                if way == "587":
                    c.starttls(context=context)
                if way != "25":
                    c.login(USER, self.world.password)
                bad = c.sendmail(sender, recipients, message,
                                 ["BODY=8BITMIME"])
                return not bad, str(bad)
        except smtplib.SMTPException as e:
            return False, str(e)


def one(world, program, way):
    """8-bit and dots to two recipients; the null sender; what is refused."""
    name = f"{program.name}-{way}"
    worked, words = program.send(way, USER, ["a@p25.test", "b@p25.test"],
                                 head(name) + EIGHT_BIT)
    assert worked, words
    for message in world.wait("capture", name, 2):
        assert body_of(message) == EIGHT_BIT, message
        if way != "25":
            assert b"with ESMTPSA id" in message, message[:400]
    worked, words = program.send(way, "", ["n@p25.test"],
                                 head(name + "-null") + EIGHT_BIT)
    assert worked, words
    message = world.wait("capture", name + "-null")[0]
    assert b"Return-Path: <>" in message
    worked, words = program.send(way, "x@foreign.test", ["a@p25.test"],
                                 head(name + "-foreign") + EIGHT_BIT)
    # 4.2: the other settings come as close; the first in order answers
    assert not worked, words
    assert program.name in ("curl", "msmtp") or "5.7.1" in words or \
        "5.7.0" in words, words


def big(world, program, way):
    name = f"{program.name}-big"
    worked, words = program.send(way, USER, ["a@p25.test"], head(name) + BIG)
    assert worked, words[-500:]
    assert body_of(world.wait("capture", name)[0]) == BIG


def next_hops(world, program):
    """A next hop that defers, one that refuses: the sender hears of it."""
    name = f"{program.name}-hop"
    worked, words = program.send(
        "25", USER, [f"{program.name}@defers.test"], head(name + "-later"))
    assert worked, words
    worked, words = program.send(
        "25", USER, [f"{program.name}@refuses.test"], head(name + "-never"))
    assert worked, words
    report = world.wait_text("reports", f"{program.name}@refuses".encode())
    assert b"nobody here" in report and b"Return-Path: <>" in report
    world.service.wait_for(lambda: [
        m for m in world.deferring.messages
        if f"Subject: {name}-later".encode() in m["body"]])


def tests(world, results, where):
    for kind in (Swaks, Msmtp, Curl, Smtplib):
        folder = os.path.join(where, kind.name)
        os.makedirs(folder)
        program = kind(world, folder)
        for way in WAYS:
            with results.test(f"{kind.name} {way}"):
                one(world, program, way)
        with results.test(f"{kind.name} 5 MB"):
            big(world, program, "465")
        with results.test(f"{kind.name} next hops"):
            next_hops(world, program)
