"""A clock that can't be believed, on the command line (docs/why/clock.md). The
machine's clock stays as it is: what the service knows of the last time is
changed instead. A step of run.py, with services of its own."""
import glob
import json
import os
import shutil
import struct
import time

from postrider import Client, Service, free_port

OK, UNAVAILABLE, NOT_ALLOWED = 0, 69, 77
DAY = 86400000
BODY = "Message-ID: <{0}@example.com>\r\nSubject: {0}\r\n\r\n{0}\r\n"


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def know(s, ms, mark=0):
    """The service is down, its queue empty: it knows this time only."""
    for path in glob.glob(os.path.join(s.data, "spool", "*")):
        if os.path.isfile(path):
            os.unlink(path)
    shutil.rmtree(os.path.join(s.data, "journal"))
    os.mkdir(os.path.join(s.data, "journal"), 0o700)
    head = struct.pack("<8sIQI", b"PRCLOCK\n", 1, ms, mark)
    path = os.path.join(s.data, "spool", "clock")
    with open(path, "wb") as f:
        f.write(head + struct.pack("<I", crc32c(head)))


def now():
    return int(time.time() * 1000)


def shown(s):
    return s.rows("clock", "show")[0]


def alarms(s, name):
    with open(s.log_path, errors="replace") as f:
        return [json.loads(x) for x in f if f'"event":"clock.{name}"' in x]


def agree(s):
    row = shown(s)
    assert row["state"] == "fine" and abs(row["offset_ms"]) < 5000, row
    p = s.cli("clock", "show")
    assert "there is nothing to do" in p.stdout and "+" not in p.stdout, p
    # Accepting what needs no accepting does nothing.
    row = s.rows("clock", "accept")[0]
    assert row["state"] == "fine" and row["changed"] is False, row
    p = s.cli("clock", "accept", "--as", "alice@example.com", check=False)
    assert p.returncode == NOT_ALLOWED, p


def send(s, word):
    with Client(s.port) as c:
        c.hello()
        code, text = c.message("alice@example.com", ["x@dead.test"],
                               BODY.format(word))
        assert code == 250, text
        return text.split()[-1]


def ahead(s):
    know(s, now() - 400 * DAY)
    s.start()
    row = shown(s)
    assert row["state"] == "doubtful", row
    assert 0 <= row["offset_ms"] - 400 * DAY < 30000, row
    assert row["own"] < row["system"]
    s.wait_for(lambda: alarms(s, "doubtful"))
    assert s.metrics()["postrider_clock_doubtful"] == 1
    assert s.metrics()["postrider_clock_ahead_seconds"] > 399 * DAY / 1000
    id = send(s, "doubted")
    assert s.rows("queue", "show", id)[0]["accepted_at"] < row["system"]
    p = s.cli("clock", "show")
    assert "400 d 00:00:" in p.stdout and "postrider clock accept" in \
        p.stdout.replace("\n", " "), p.stdout
    p = s.cli("clock", "show", env={"LANG": "ja_JP.UTF-8"})
    assert "信用していません" in p.stdout, p.stdout
    # A restart of relay does not make it believable.
    pid = s.pid_of("relay")
    os.kill(pid, 9)
    s.wait_for(lambda: s.pid_of("relay") not in (None, pid))
    s.wait_ready()
    assert shown(s)["state"] == "doubtful"
    assert s.rows("queue", "show", id)
    assert len(alarms(s, "doubtful")) == 2      # once a process
    row = s.rows("clock", "accept")[0]
    assert row["state"] == "fine" and row["changed"] is True, row
    assert any(r["call"] == "clock.accept" and r["object"] == "clock"
               for r in s.rows("audit", "list"))
    s.wait_for(lambda: s.metrics()["postrider_clock_doubtful"] == 0)
    # What it kept so long is too old now.
    s.wait_for(lambda: s.cli("queue", "show", id, check=False).returncode)
    os.kill(s.pid_of("relay"), 9)
    s.wait_for(lambda: not s.ready())
    s.wait_ready()
    agree(s)


def behind(s):
    know(s, now() + 7200000)
    s.start(apply=False)
    row = shown(s)
    assert row["state"] == "behind" and row["own"] > row["system"], row
    assert 0 <= row["offset_ms"] + 7200000 < 30000, row
    assert s.metrics()["postrider_clock_behind_seconds"] > 7160
    s.wait_for(lambda: alarms(s, "behind"))
    row = s.rows("clock", "accept")[0]
    assert row["state"] == "slow" and row["changed"] is True, row
    s.wait_for(lambda: shown(s)["offset_ms"] > row["offset_ms"] + 1000)
    p = s.cli("clock", "show")
    assert "half its pace" in p.stdout and "(03:5" in p.stdout, p.stdout
    # That is remembered; nobody is alarmed again.
    count = len(alarms(s, "behind"))
    s.stop()
    s.start(apply=False)
    assert shown(s)["state"] == "slow"
    assert len(alarms(s, "behind")) == count


def clocks(_):
    routes = ('    - { domain: "dead.test", smart_host: "127.0.0.1:%d" }\n'
              '    - { domain: "*", maildir: "capture/" }\n' % free_port())
    with Service(routes=routes, delivery="  retry: [1m]\n") as s:
        p = s.cli("clock", "show", check=False)
        assert p.returncode == UNAVAILABLE, p
        s.start()
        agree(s)
        s.stop()
        ahead(s)
        s.stop()
        behind(s)
        s.stop()


STEPS = (clocks,)
