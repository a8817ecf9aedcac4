#!/usr/bin/env python3
"""Reads a spool by docs/formats/spool.md alone, and shares no code with
src/spool. Prints a line for each live message (id, size, SHA-256 of its
body), sorted; damage goes to stderr and makes the exit code 1."""
import hashlib
import os
import re
import struct
import sys

TABLE = []
for n in range(256):
    for _ in range(8):
        n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
    TABLE.append(n)
MAGIC = b"\xf7PR1"
BATCH, BODY, ACCEPT, STATE, DONE, MOVED, CUT, CHECKPOINT = range(1, 9)
HEAD, FRAME = 4096, 44
damage = []


def crc32c(data, crc=0):
    crc ^= 0xFFFFFFFF
    for byte in data:
        crc = TABLE[(crc ^ byte) & 255] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def id_text(id):
    digits = ""
    for value, length in ((id[1], 11), (id[0], 9)):
        for _ in range(length):
            value, digit = divmod(value, 36)
            digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits


class Bytes:
    """Reads fields in order."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def numbers(self, format):
        values = struct.unpack_from("<" + format, self.data, self.at)
        self.at += struct.calcsize("<" + format)
        return values

    def run(self):
        (n,) = self.numbers("I")
        self.at += n
        assert self.at <= len(self.data)
        return self.data[self.at - n:self.at]


class Segment:
    def __init__(self, number, data):
        self.number, self.data, self.end = number, data, None
        self.salt = None
        for at in (0, 2048):
            head = data[at:at + 48]
            if head[:8] == b"PRSPOOL\n" and \
                    crc32c(head[:44]) == struct.unpack("<I", head[44:])[0]:
                version, said, salt = struct.unpack_from("<IIQ", head, 8)
                assert version == 1 and said == number
                self.salt = struct.pack("<Q", salt)
                break

    def frame(self, at):
        """(type, id, length, payload CRC) of a good head, or None."""
        head = self.data[at:at + FRAME]
        if len(head) < FRAME or head[:4] != MAGIC or self.salt is None:
            return None
        type, _, _, position, time, random, length, payload, crc = \
            struct.unpack_from("<BBHQQQIII", head, 4)
        if position != self.number << 32 | at or \
                crc != crc32c(head[:40], crc32c(self.salt)):
            return None
        if at + FRAME + length > len(self.data):
            return None
        return type, (time, random), length, payload

    def payload(self, at, length):
        return self.data[at + FRAME:at + FRAME + length]

    def good_heads(self, at, limit):
        while True:
            at = self.data.find(MAGIC, at, limit)
            if at < 0:
                return
            frame = self.frame(at)
            if frame:
                yield at, frame
            at += 1

    def cuts(self):
        frame = self.frame(HEAD)
        if not frame or frame[0] != CUT:
            return []
        payload = self.payload(HEAD, frame[2])
        if crc32c(payload) != frame[3]:
            return []
        count = struct.unpack_from("<I", payload)[0]
        return [struct.unpack_from("<II", payload, 4 + 8 * i)
                for i in range(count)]

    def frames(self):
        at = HEAD
        limit = len(self.data) if self.end is None else self.end
        while at + FRAME <= limit:
            frame = self.frame(at)
            if frame and crc32c(self.payload(at, frame[2])) == frame[3]:
                yield (at,) + frame
                at += FRAME + frame[2]
                continue
            if self.end is None:
                synced = [struct.unpack_from("<I", self.payload(a, f[2]))[0]
                          for a, f in self.good_heads(at + 1, limit)
                          if f[0] == BATCH]
                if max(synced, default=0) <= at:
                    return
            damage.append("%d:%d" % (self.number, at))
            if frame:
                at += FRAME + frame[2]
            else:
                at = next((a for a, _ in self.good_heads(at + 1, limit)),
                          limit)


def read_file(path):
    with open(path, "rb") as file:
        return file.read()


def read_checkpoint(data):
    """(position, {id: (segment, offset)}, {segment: end})"""
    head = struct.unpack_from("<8sIQQQI", data)
    assert head[0] == b"PRCKPT1\n" and head[1] == 1
    assert head[5] == crc32c(data[:36])
    at, places, ends, kind = 40, {}, {}, None
    while at < len(data):
        magic, kind, length, count, crc = struct.unpack_from("<4sIIII", data,
                                                             at)
        payload = data[at + 20:at + 20 + length]
        assert magic == b"\xf7PRB" and len(payload) == length
        assert crc == crc32c(payload, crc32c(data[at:at + 16]))
        at += 20 + length
        block = Bytes(payload)
        for _ in range(count):
            if kind == 2:
                place = block.numbers("QQIIIII")
                first = place[3] + (0 if place[6] & 1 else FRAME + place[4])
                places[place[:2]] = (place[2], first)
            elif kind == 3:
                number, end = block.numbers("II")
                ends[number] = end
    assert kind == 4
    return head[3], places, ends


def newest_checkpoint(path, names):
    for name in sorted((n for n in names if re.fullmatch(r"ckpt-\d+", n)),
                       key=lambda n: int(n[5:]), reverse=True):
        try:
            return read_checkpoint(read_file(os.path.join(path, name)))
        except (AssertionError, struct.error):
            damage.append(name)
    return 0, {}, {}


def set_ends(segments, path, names, ends):
    for name in names:
        match = re.fullmatch(r"seg-(\d+)\.sum", name)
        if match:
            head = read_file(os.path.join(path, name))[:56]
            if crc32c(head[:52]) == struct.unpack_from("<I", head, 52)[0]:
                ends[int(match[1])] = struct.unpack_from("<I", head, 16)[0]
    for segment in sorted(segments.values(), key=lambda s: -s.number):
        if ends.get(segment.number) == HEAD:
            continue
        for number, end in segment.cuts():
            ends.setdefault(number, end)
    for number, segment in segments.items():
        segment.end = ends.get(number)


def body_of(path, segments, id, place):
    segment = segments[place[0]]
    type, said, length, crc = segment.frame(place[1])
    payload = segment.payload(place[1], length)
    assert said == id and type in (ACCEPT, MOVED) and crc == crc32c(payload)
    fields = Bytes(payload)
    flags, _, size, body_crc, prefix, prefix_crc = fields.numbers("BQIIII")
    if not flags & 1:
        body = segment.data[place[1] - size:place[1]]
        assert len(body) == size and body_crc == crc32c(body)
        return body
    body = read_file(os.path.join(path, "big", id_text(id)))
    body = body[4096 - prefix:4096 - prefix + size]
    assert len(body) == size and prefix_crc == crc32c(body[:prefix])
    assert body_crc == crc32c(body[prefix:])
    return body


def main(path):
    names = os.listdir(path)
    segments = {}
    for name in names:
        match = re.fullmatch(r"seg-(\d+)\.log", name)
        if match:
            number = int(match[1])
            segments[number] = Segment(number,
                                       read_file(os.path.join(path, name)))
    position, live, ends = newest_checkpoint(path, names)
    set_ends(segments, path, names, ends)
    for number, segment in sorted(segments.items()):
        for at, type, id, length, _ in segment.frames():
            if number << 32 | at < position:
                continue
            if type in (ACCEPT, MOVED):
                live[id] = (number, at)
                fields = Bytes(segment.payload(at, length))
                flags = fields.numbers("BQIIII")[0]
                for _ in range(5):
                    fields.run()
                if flags & 2:
                    live.pop(fields.numbers("QQ"), None)
            elif type == DONE:
                live.pop(id, None)
    for id in sorted(live):
        try:
            body = body_of(path, segments, id, live[id])
            print(id_text(id), len(body), hashlib.sha256(body).hexdigest())
        except (AssertionError, TypeError, KeyError, OSError):
            damage.append(id_text(id))
    for what in damage:
        print("damaged:", what, file=sys.stderr)
    return 1 if damage else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
