#!/usr/bin/env python3
"""The processes: what each has mapped, who comes back after a death, poison:
a message on which relay crashed twice is held, an address that crashed it
three times is refused. Runs the release build, whose sandbox is closed."""
import os
import signal
import sys
import time

os.environ["POSTRIDER_FLAVOUR"] = "gcc"
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "lib"))
from postrider import Client, Results, Service, Sink  # noqa: E402

results = Results()
BODY = "Subject: t\r\n\r\nbody\r\n"


def libraries(pid):
    names = set()
    for line in open(f"/proc/{pid}/maps"):
        path = line.split(maxsplit=5)[-1].strip()
        if ".so" in path:
            names.add(os.path.basename(path).split(".so")[0])
    return names


# What must never be loaded, by role (ARCHITECTURE: processes).
NEVER = {
    "relay": {"libsqlite3", "libmicrohttpd", "libcurl", "libgnutls"},
    "admin": {"libmicrohttpd", "libunbound", "libcurl"},
    "console": {"libsqlite3", "libunbound", "libcurl", "libfyaml_"},
}


def maps(s):
    for pid, role in s.children().items():
        with results.test(f"{role} has not loaded what it must not"):
            bad = libraries(pid) & NEVER[role]
            assert not bad, f"{role}: {sorted(bad)}"


def status(pid, key):
    for line in open(f"/proc/{pid}/status"):
        if line.startswith(key + ":"):
            return line.split(":")[1].strip()
    return None


def sandbox(s):
    for role in ("relay", "console"):
        with results.test(f"{role}: seccomp filter on, no new privileges"):
            pid = s.pid_of(role)
            for task in os.listdir(f"/proc/{pid}/task"):
                assert status(f"{pid}/task/{task}", "Seccomp") == "2"
            assert status(pid, "NoNewPrivs") == "1"
            assert int(status(pid, "CapEff"), 16) == 0
    with results.test("console has no file open but the shared pages"):
        pid = s.pid_of("console")
        fds = f"/proc/{pid}/fd"
        open_files = [os.readlink(f"{fds}/{fd}") for fd in os.listdir(fds)]
        data = os.path.realpath(s.data)
        assert not [f for f in open_files if f.startswith(data)], open_files


def comes_back(s, role, seconds=8):
    with results.test(f"{role} comes back after SIGKILL, mail flows"):
        pid = s.pid_of(role)
        os.kill(pid, signal.SIGKILL)
        s.wait_for(lambda: s.pid_of(role) not in (None, pid), seconds)
        s.wait_ready()
        with Client(s.port) as c:
            c.hello()
            assert c.message("a@example.com", ["b@x.example"], BODY)[0] == 250


def crash_relay(s):
    pid = s.pid_of("relay")
    os.kill(pid, signal.SIGSEGV)
    s.wait_for(lambda: s.pid_of("relay") not in (None, pid), 10)
    s.wait_ready()


def poison_message():
    """DESIGN 2: an entry noted in two crashes becomes held with an alarm."""
    with results.test("a message noted in two crashes is held"):
        asked = []

        def stall(stage, _text, _session):
            if stage == "dot":
                asked.append(1)
                time.sleep(30)
            return None

        with Sink(stall) as sink, Service(
                routes=f'    - {{ domain: "*", smart_host: '
                f'"127.0.0.1:{sink.port}", tls: never }}\n') as s:
            s.start()
            with Client(s.port) as c:
                c.hello()
                code, text = c.message("a@example.com", ["b@x.example"], BODY)
                assert code == 250
                message = text.split()[3]
            for n in (1, 2):
                s.wait_for(lambda: len(asked) >= n)
                crash_relay(s)
            row = s.wait_for(lambda: [
                r for r in s.rows("queue", "list")
                if r["recipients"][0]["state"] == "held"])
            assert row[0]["id"] == message
            assert row[0]["recipients"][0]["held"] == "crash"
            assert message in open(s.log_path).read()


with Service() as service:
    service.start()
    maps(service)
    sandbox(service)
    for name in ("console", "admin", "relay"):
        comes_back(service, name)
    with results.test("SIGTERM drains and ends with 0"):
        assert service.stop() == 0
poison_message()
results.finish()
