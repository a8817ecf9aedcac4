#!/usr/bin/env python3
"""Slow clients (RELIABILITY R1): a process of its own that opens as many
connections as it is told, brings each into a state, and then feeds it one
byte in a while. Says "ready N" when N have come so far; ends when its
standard input does.

    slow.py PORT KIND COUNT ADDRESS…

Each address is used for COUNT / len(ADDRESS) connections."""
import select
import selectors
import socket
import ssl
import sys
import time

DRIP_S = 2.0            # between two bytes of one connection
HELLO = b"EHLO slow.example\r\n"
MAIL = b"MAIL FROM:<u@slow.example>\r\nRCPT TO:<r@capture.example>\r\n"
# kind: what is said, reply by reply, and then what is fed byte by byte
KINDS = {
    "greeting": ([], HELLO),
    "command": ([HELLO], b"NOOP " + b"x" * 500),
    "handshake": ([HELLO, b"STARTTLS\r\n"],
                  b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(400)),
    "tls": ([HELLO, b"STARTTLS\r\n"], b""),
    "data": ([HELLO, MAIL, b"DATA\r\n"], b"Subject: slow\r\n\r\n" + b"x" * 900),
    "bdat": ([HELLO, MAIL + b"BDAT 100000 LAST\r\n"], b"x" * 1000),
    "reader": ([HELLO * 90], b""),
}


class Slow:
    def __init__(self, kind, port, address):
        self.kind = kind
        self.steps, self.drip = KINDS[kind]
        self.steps = list(self.steps)
        self.fed = 0
        self.there = False
        self.tls = None
        self.sock = socket.socket()
        if kind == "reader":
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        self.sock.bind((address, 0))
        self.sock.settimeout(60)
        self.sock.connect(("127.0.0.1", port))
        self.sock.setblocking(False)

    def read(self):
        """What came is of no interest but as a sign to go on. False: it is
        over."""
        try:
            data = self.sock.recv(65536)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if not data:
            return False
        if self.tls is not None:
            return self.shake(data)
        if self.steps:
            self.sock.sendall(self.steps.pop(0))
        elif self.kind == "tls":
            self.begin_tls()
        else:
            self.there = True
        return True

    def begin_tls(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self.into, self.out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.into, self.out)
        self.shake(b"")

    def shake(self, data):
        self.into.write(data)
        try:
            self.tls.do_handshake()
            self.there = True
        except ssl.SSLWantReadError:
            pass
        self.sock.sendall(self.out.read())
        return True

    def feed(self):
        if self.fed < len(self.drip):
            try:
                self.sock.send(self.drip[self.fed:self.fed + 1])
                self.fed += 1
            except OSError:
                pass


def main():
    port, kind, count = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    addresses = sys.argv[4:]
    selector = selectors.DefaultSelector()
    clients, ready, opened = [], 0, 0
    next_drip = time.monotonic() + DRIP_S
    while True:
        while opened < count and opened - ready < 64:
            c = Slow(kind, port, addresses[opened % len(addresses)])
            opened += 1
            clients.append(c)
            if kind in ("greeting", "reader"):
                # says nothing first, or doesn't read what it is told
                for step in c.steps:
                    c.sock.sendall(step)
                c.steps, c.there = [], True
                ready += 1
                print(f"ready {ready}", flush=True)
            else:
                selector.register(c.sock, selectors.EVENT_READ, c)
        for key, _ in selector.select(0.1):
            c, was = key.data, key.data.there
            alive = c.read()
            if c.there and not was:
                ready += 1
                print(f"ready {ready}", flush=True)
            if not alive:
                selector.unregister(c.sock)
                print("ended early" if not c.there else "ended", flush=True)
        if select.select([sys.stdin], [], [], 0)[0] and not sys.stdin.read(1):
            return
        if time.monotonic() >= next_drip:
            next_drip += DRIP_S
            for c in clients:
                if c.there:
                    c.feed()


main()
