#!/usr/bin/env python3
"""What the compiler doesn't see: layers point down, libraries and calls stay
in their folders, no mutable file-level variables, functions and files stay
short, every public header is self-contained."""
import glob
import os
import re
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
os.chdir(TOP)
results = []


def check(name, problems):
    results.append((name, problems))
    for p in problems[:20]:
        print(f"FAIL {name}: {p}")


def sources(pattern="src/*/*.[ch]"):
    return sorted(glob.glob(pattern))


def layers():
    allowed = {}
    for line in open("src/layers"):
        m = re.match(r"(\w+):(.*)", line)
        if m:
            allowed[m[1]] = set(m[2].split()) | {m[1]}
    bad = []
    order = list(allowed)
    for folder, uses in allowed.items():
        later = [u for u in uses if order.index(u) > order.index(folder)]
        if later:
            bad.append(f"src/layers: {folder} points up to {later}")
    for path in sources():
        folder = path.split("/")[1]
        for n, line in enumerate(open(path, errors="replace"), 1):
            m = re.match(r'#include "(\w+)/', line)
            if m and m[1] not in allowed.get(folder, set()):
                bad.append(f"{path}:{n}: {folder} may not use {m[1]}")
    check("layers", bad)


PLACES = [
    # what, pattern, folders that may
    ("OpenSSL", r"#include <openssl/", {"crypto"}),
    ("SQL", r"#include <sqlite3", {"admin"}),
    ("HTTP server", r"#include <microhttpd", {"console"}),
    ("YAML library", r"#include <libfyaml", {"wire"}),
    ("sockets", r"#include <sys/(socket|epoll|un)\.h>|#include <netinet/",
     {"os"}),
    ("threads", r"#include <pthread", {"os"}),
    ("fsync", r"\b(fsync|fdatasync|renameat|unlinkat|pwritev)\s*\(", {"os"}),
    ("libunbound", r"#include <unbound", {"net"}),
    ("seccomp", r"#include <seccomp", {"os"}),
]


def places():
    bad = []
    for path in sources():
        folder = path.split("/")[1]
        text = open(path, errors="replace").read()
        for what, pattern, where in PLACES:
            if folder not in where and re.search(pattern, text):
                bad.append(f"{path}: {what} belongs to {sorted(where)}")
    check("places", bad)


POISON = re.compile(r"\b(strcpy|strcat|sprintf|vsprintf|gets|strtok|atoi|atol|"
                    r"alloca|system|popen|strncpy|sscanf)\s*\(")


def forbidden_calls():
    bad = []
    for path in sources():
        for n, line in enumerate(open(path, errors="replace"), 1):
            code = re.sub(r'"(\\.|[^"\\])*"', '""', line).split("//")[0]
            m = POISON.search(code)
            if m and not line.lstrip().startswith("*"):
                bad.append(f"{path}:{n}: {m[1]}")
    check("forbidden-calls", bad)


# name of the object file's folder/symbol, and why it may be there
MUTABLE_ALLOWED = {
    "base/hash_key": "set once before threads exist (map.h)",
    "os/self": "the thread that runs now, thread-local (thread.h)",
    "os/wall": "the process's own time (clock.h)",
}


def mutable_variables():
    bad = []
    archives = sorted(glob.glob("build/gcc/lib/*.a"))
    for archive in archives:
        folder = os.path.basename(archive)[:-2]
        out = subprocess.run(["objdump", "-t", archive], capture_output=True,
                             text=True, check=True).stdout
        for line in out.splitlines():
            m = re.search(r" O (\.(?:data|bss|tdata|tbss)|\*COM\*)\S*\t"
                          r"\S+\s+(?:\.hidden )?(\S+)$", line)
            if m and ".data.rel.ro" not in line:
                name = m[2].split(".")[0]
                if f"{folder}/{name}" not in MUTABLE_ALLOWED:
                    bad.append(f"{folder}: {name}")
    if not archives:
        bad.append("build/gcc is not there: make FLAVOUR=gcc first")
    check("mutable-variables", bad)


def sizes():
    bad = []
    for path in sources():
        lines = open(path, errors="replace").read().split("\n")
        if len(lines) > 620:
            bad.append(f"{path}: {len(lines)} lines, at most 600")
        for n, line in enumerate(lines, 1):
            if len(line.expandtabs(8)) > 100 and '"' not in line:
                bad.append(f"{path}:{n}: longer than 100 columns")
        start = None
        for n, line in enumerate(lines, 1):
            if line == "{":
                start = n
            elif line == "}" and start:
                if n - start - 1 > 70:
                    bad.append(f"{path}:{start}: function of "
                               f"{n - start - 1} lines, at most 70")
                start = None
    check("sizes", bad)


def headers():
    bad = []
    for path in sources("src/*/*.h"):
        text = open(path, errors="replace").read()
        if "#pragma once" not in text:
            bad.append(f"{path}: no #pragma once")
    for path in sources("src/*/*.[ch]"):
        first = open(path, errors="replace").read(2)
        if first != "/*":
            bad.append(f"{path}: opens without a comment")
    check("headers", bad)


def never():
    """Words that must not be in the repository."""
    bad = []
    files = subprocess.run(["git", "ls-files"], capture_output=True,
                           text=True, check=True).stdout.split("\n")
    pattern = re.compile(r"BEGIN (RSA |EC )?PRIVATE KEY-----\\n" + r"|/wor" + r"k/(main|shared)")
    for path in filter(None, files):
        if path.endswith((".png", ".pem")) or not os.path.isfile(path):
            continue
        text = open(path, errors="replace").read()
        m = pattern.search(text)
        if m:
            bad.append(f"{path}: {m[0]}")
    check("never", bad)


def guides_current():
    """docs/guides is what guides/ says."""
    p = subprocess.run(["node", "scripts/make-guides.mjs", "--check"],
                       capture_output=True, text=True)
    bad = p.stdout.splitlines()
    if p.returncode != 0 and not bad:
        bad = p.stderr.splitlines()[-3:]
    check("guides-current", bad)


# --- words for people -----------------------------------------------------------

STRING = r'"((?:[^"\\]|\\.)*)"'
JAPANESE = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")


def joined(text):
    return "".join(re.findall(STRING, text))


def text_rows(path):
    """(id, English, Japanese) of a table of words; strings that stand side by
    side are one."""
    text = re.sub(r"/\*.*?\*/", "", open(path, encoding="utf-8").read(),
                  flags=re.S)
    several = rf"{STRING}(?:\s*{STRING})*"
    found = re.findall(rf"\b(\w+)\((\w+),\s*({several}),\s*({several})\)", text)
    if len(found) != len(re.findall(r"^\w+\(", text, re.M)):
        yield path, "", ""
    for row in found:
        strings = [x for x in row[2:] if x.startswith('"')]
        yield row[1], joined(strings[0]), joined(strings[1])


def texts():
    """Every row of every table of words has both languages, with the same
    places for arguments."""
    bad = []
    for path in sorted(glob.glob("src/*/*_text.def")):
        for name, en, ja in text_rows(path):
            places = [sorted(set(re.findall(r"\{\d\}", t))) for t in (en, ja)]
            words = re.search(r"[a-z]{2}", re.sub(r"\{\d\}", "", en))
            if not en or not ja:
                bad.append(f"{path}: {name}: a language is missing")
            elif places[0] != places[1]:
                bad.append(f"{path}: {name}: other places in Japanese")
            elif words and not JAPANESE.search(ja):
                bad.append(f"{path}: {name}: no Japanese")
    check("texts", bad)


# Sources whose errors the command line may show.
SHOWN = ["src/app/layout.c", "src/app/master_setup.c", "src/app/service.c",
         "src/app/solo.c", "src/app/store_ask.c", "src/app/cmd_backup.c",
         "src/app/backup_files.c", "src/app/cmd_restore.c",
         "src/app/restore_place.c", "src/os/tree.c",
         "src/control/ask_admin.c",
         "src/os/path.c", "src/os/process.c", "src/os/share.c",
         "src/crypto/tls_context.c", "src/crypto/certificate.c",
         "src/spool/read.c", "src/spool/recover.c", "src/spool/segment.c",
         "src/spool/summary.c", "src/mail/envelope.c"]
# Words that are put together elsewhere, or are for the log.
SHOWN_ELSEWHERE = {"%s", "%s: %s", "not removed either: %s",
                   "frame head", "segment too short", "envelope CRC",
                   "body size", "body CRC", "file too short", "prefix",
                   "no memory for an envelope"}


def error_texts():
    """Errors that a shell user may read have a row in err_text.def."""
    bad = []
    rows = [re.sub(r"\\\{\d\\\}", ".*", re.escape(en))
            for _, en, _ in text_rows("src/app/err_text.def")]
    for path in SHOWN:
        code = open(path).read()
        for m in re.finditer(r"\b(err_set|err_detail|certificate_error|damaged"
                             r"|crypto_err|bad)\(([^;{}]*?)\);", code, re.S):
            if m[1] == "err_detail" and "app/" not in path:
                continue
            # Strings side by side are one; `where` comes first.
            args = [joined(a[0]) for a in
                    re.findall(rf"((?:{STRING}\s*)+)", m[2])]
            for text in args:
                sample = re.sub(r"%\.?[*\d]*(?:z|l|ll)?[a-z]", "X", text)
                if text in SHOWN_ELSEWHERE or \
                        re.fullmatch(r"[\w.]*| .*", text):
                    continue
                if not any(re.fullmatch(r, sample) for r in rows):
                    bad.append(f"{path}: '{text}' has no Japanese in "
                               f"err_text.def")
    check("error-texts", bad)


for part in (layers, places, forbidden_calls, mutable_variables, sizes,
             headers, never, texts, error_texts, guides_current):
    part()
bad = sum(1 for _, p in results if p)
print(f"{len(results) - bad} passed, {bad} failed")
sys.exit(1 if bad else 0)
