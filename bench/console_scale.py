#!/usr/bin/env python3
"""How fast the console's pages are with many messages in the journal:
bench/console_scale.py [MESSAGES] [CUSTOMERS]. Writes a journal of 29 days,
lets a service index it, and asks each list and overview three times; prints
the slowest. 1,000,000 messages need some 1.5 GB below TMPDIR."""
import json
import os
import random
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "tests", "lib"))
os.environ.setdefault("POSTRIDER_FLAVOUR", "gcc")
from postrider import Service  # noqa: E402

DAYS = 29
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def base36(n, width):
    out = ""
    for _ in range(width):
        n, d = divmod(n, 36)
        out = DIGITS[d] + out
    return out


def when(ms):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ms / 1000)) \
        + ".%03dZ" % (ms % 1000)


def lines_of(i, ms, customers, rng):
    """Nine of ten messages are delivered at once, the others are deferred or
    fail; one refusal for twenty messages."""
    # The first customer has a tenth of all.
    c = 1 if i % 10 == 0 else 1 + i % customers
    mid = base36(ms, 9) + base36(i, 11)
    to = "r%d@d%d.example" % (rng.randrange(1000000), rng.randrange(5000))
    state, code = ("delivered", 250) if i % 10 else \
        (("deferred", 450) if i % 20 else ("failed", 550))
    yield ('{"at":"%s","event":"accepted","id":"%s","customer":%d,"from":'
           '"u%d@c%d.example","session":"%s","client":"11.0.%d.%d","helo":'
           '"mail.c%d.example","setting":%d,"listener":"smtp","entry":'
           '"11.0.%d.%d/32","entry_name":"hall","tls":"TLSv1.3","cipher":'
           '"TLS_AES_256_GCM_SHA384","size":2048,"message_id":"<%d@x>",'
           '"recipients":["%s"],"position":%d}\n' % (
               when(ms), mid, c, i % 50, c, mid, c // 256, c % 256, c, c,
               c // 256, c % 256, i, to, 2 * i + 1))
    yield ('{"at":"%s","event":"delivery","id":"%s","customer":%d,'
           '"destination":"smart_host mx.example:25","host":"mx.example",'
           '"address":"11.1.0.1:25","try":1,"recipients":[{"to":"%s","state":'
           '"%s","code":%d,"reply":"2.0.0 ok"}],"position":%d}\n' % (
               when(ms + 300), mid, c, to, state, code, 2 * i + 2))
    if i % 20 == 0:
        yield ('{"at":"%s","event":"refused","reference":"%s","cause":'
               '"address","reply":"RELAY_DENIED","code":550,"owner":%d,'
               '"client":"11.2.%d.%d","from":"u@c%d.example"}\n' % (
                   when(ms + 400), base36(i, 25), c, rng.randrange(256),
                   rng.randrange(256), c))


def fill(where, messages, customers):
    rng = random.Random(1)
    os.makedirs(where, mode=0o700, exist_ok=True)
    begin = (int(time.time()) // 3600 - DAYS * 24) * 3600000
    step = DAYS * 86400000 / messages
    out, hour = None, None
    for i in range(messages):
        ms = begin + int(i * step)
        if ms // 3600000 != hour:
            hour = ms // 3600000
            if out:
                out.close()
            name = time.strftime("%Y%m%d%H", time.gmtime(hour * 3600))
            out = open(os.path.join(where, name + ".jsonl"), "w")
        out.writelines(lines_of(i, ms, customers, rng))
    out.close()


def directory(customers):
    rows = ["customers:\n"]
    for i in range(1, customers + 1):
        rows.append(f"  - name: c{i}\n    domains:\n      - {{ name: "
                    f"c{i}.example, verified: operator }}\n")
    return "".join(rows)


def timed(service, name, **arguments):
    worst = 0
    for _ in range(3):
        begun = time.monotonic()
        rows, code = service.call(name, **arguments)
        worst = max(worst, time.monotonic() - begun)
        assert code == 0, (name, arguments, code)
    last = rows[-1] if rows else {}
    print("%-60s %7.1f ms  %s" % (
        name + " " + json.dumps(arguments), worst * 1000,
        {k: last[k] for k in ("count", "incomplete") if k in last}))


def main():
    messages = int(sys.argv[1]) if len(sys.argv) > 1 else 1000000
    customers = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    with Service(routes="", directory=directory(customers)) as service:
        begun = time.monotonic()
        fill(os.path.join(service.data, "journal"), messages, customers)
        print(f"journal written in {time.monotonic() - begun:.0f} s")
        begun = time.monotonic()
        service.start()
        newest = time.time() - 3 * 3600
        while True:
            rows, _ = service.call("changes")
            if rows[0]["overview_at"] / 1000 > newest:
                break
            time.sleep(1)
        took = time.monotonic() - begun
        print(f"indexed in {took:.0f} s, {messages / took:.0f} messages/s")
        index = os.path.join(service.data, "index")
        print("index: %.2f GB" % (sum(
            os.path.getsize(os.path.join(index, f))
            for f in os.listdir(index)) / 1e9))
        for who in ({}, {"customer": "c1"}, {"customer": "c7"}):
            timed(service, "message.list", **who)
            timed(service, "message.list", state="failed", **who)
            timed(service, "message.list", state="held", **who)
            timed(service, "message.list", **{"from": "u7@c7.example"}, **who)
            timed(service, "message.list", destination="d7.example", **who)
            timed(service, "message.list", to="no@such.example", **who)
            timed(service, "refusal.list", **who)
            timed(service, "overview", range="24h", **who)
            timed(service, "overview", range="30d", **who)
            timed(service, "alert.list", **who)


main()
