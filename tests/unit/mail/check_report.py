#!/usr/bin/env python3
"""Reads delivery reports with another parser (email of Python) and prints
what it sees, a line each, for test_report.c to compare."""
import email
import email.policy
import sys

m = email.message_from_bytes(sys.stdin.buffer.read(),
                             policy=email.policy.default)


def defects(part):
    return list(part.defects) + [
        d for p in (part.get_payload() if part.is_multipart() else [])
        for d in defects(p)]


print("type", m.get_content_type(), m.get_param("report-type"))
print("to", m["To"])
print("subject", m["Subject"])
print("auto", m["Auto-Submitted"])
parts = m.get_payload()
print("parts", *[p.get_content_type() for p in parts])
print("words", parts[0].get_content().count("\n"))
for group in parts[1].get_payload():
    print("group", *sorted(k.lower() for k in group.keys()))
    for key in ("Final-Recipient", "Action", "Status"):
        if key in group:
            print(key, group[key])
last = parts[2]
if last.get_content_type() == "message/rfc822":
    print("original", last.get_payload()[0]["Subject"])
else:
    text = last.get_payload(decode=True)
    print("header", text.count(b"\n"))
print("defects", *[type(d).__name__ for d in defects(m)])
