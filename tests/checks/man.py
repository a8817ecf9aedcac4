#!/usr/bin/env python3
"""Documents that follow the program: man pages are without warnings and name
every command, option, key, limit and exit code; docs/replies.md is the table
of replies; docs/rfc.md names files and tests that exist. Each check is also
run on a fault put in on purpose, which it must find."""
import importlib.machinery
import importlib.util
import glob
import os
import re
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
os.chdir(TOP)
sys.dont_write_bytecode = True
loader = importlib.machinery.SourceFileLoader("make_man", "scripts/make-man")
make_man = importlib.util.module_from_spec(
    importlib.util.spec_from_loader("make_man", loader))
loader.exec_module(make_man)
passed = failed = 0


def check(name, problems):
    global passed, failed
    problems = list(problems)
    for p in problems[:20]:
        print(f"FAIL {name}: {p}")
    passed, failed = passed + (not problems), failed + bool(problems)


def must_find(name, problems):
    """The same check on a fault that was put in."""
    check(f"{name} (planted)", [] if list(problems) else ["not found"])


# --- the pages ----------------------------------------------------------------

def show(path):
    """(text, warnings) of a page as man shows it."""
    p = subprocess.run(
        ["man", "--warnings=w", "-l", path], capture_output=True, text=True,
        env={**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "80",
             "MAN_KEEP_FORMATTING": "", "MANPAGER": "cat", "PAGER": "cat"})
    return p.stdout, [x for x in p.stderr.splitlines() if x] + (
        [] if p.returncode == 0 else [f"man: exit {p.returncode}"])


def squeezed(text):
    return re.sub(r"\s+", "", text)


def missing_terms(text, terms):
    """Terms that don't begin a line of their own."""
    for t in terms:
        if not re.search(rf"^ +{re.escape(t)}(?= |$)", text, re.M):
            yield f"{t} has no entry"


def command_terms():
    return ["postrider " + " ".join(filter(None, c[1:3]))
            for c in make_man.commands()]


def missing_options(text):
    """Options stand below their command, all in the order of the table."""
    for ident, words, *_ in make_man.commands():
        at = text.find(f"\n       postrider {words}")
        part = text[at:]
        end = re.search(r"\n {7}postrider |\n\S", part[10:])
        part = part[:end.start() + 10 if end else None]
        wanted = [" ".join(filter(None, o[1:3])) for o in make_man.options()
                  if o[0] == ident]
        for problem in missing_terms(part, wanted):
            yield f"{words}: {problem}"


def missing_help(text, column):
    """Its help text, however the lines are broken."""
    whole = squeezed(text)
    texts = [(c[1], c[5 + column]) for c in make_man.commands()]
    texts += [(o[1], o[5 + column]) for o in make_man.options()]
    for name, words in texts:
        if squeezed(words) not in whole:
            yield f"{name}: not there: {words}"


def missing_limits(text):
    whole = squeezed(text)
    for name, value, low, high, why in make_man.limits():
        yield from missing_terms(text, [name])
        if squeezed(f"Default {value}, from {low} to {high}.") not in whole \
                or squeezed(why[1:]) not in whole:
            yield f"{name}: its values or its reason"


# --- keys of the configuration ------------------------------------------------

class Keys:
    """Reads the keys out of the parser: tables of struct config_key name a
    key and its reader, lists of strings name keys that the function reads
    itself or has read by read_KEY()."""

    def __init__(self, text):
        # name → body, up to a "}" in the first column
        self.body = {m[1]: m[2] for m in re.finditer(
            r"^(?:static )?\w+ \*?(\w+)\([^;{}]*\)\n\{\n(.*?)^\}", text,
            re.M | re.S)}
        self.body["top"] = re.search(
            r"struct config_key (top_keys\[\] = \{.*?\n\};)", text, re.S)[1]
        self.found = set()
        self.walk("top", "", (), ())
        # A mapping is no key with a value.
        self.leaves = sorted(
            k for k in self.found
            if not any(f.startswith((k + ".", k + "[]")) for f in self.found))

    def walk(self, function, path, names, seen):
        body = self.body.get(function)
        if body is None or function in seen:
            return
        seen = (*seen, function)
        if "config_rows(" in body:
            path += "[]"
        dot = path + "." if path else ""
        for table in re.findall(r"keys\[\] = \{(.*?)\};", body, re.S):
            for name, reader in re.findall(r'\{ "(\w+)", (\w+) \}', table):
                self.found.add(dot + name)
                self.walk(reader, dot + name, (), seen)
            if "{" not in table:
                names = re.findall(r'"(\w+)"', table)
                self.found |= {dot + n for n in names}
        for called in re.findall(r"\b(read_\w+)\(", body):
            key = called[len("read_"):]
            is_mapping = key in names and " keys[] = {" in self.body.get(
                called, "").replace("*const keys", " keys")
            self.walk(called, dot + key if is_mapping else path, names, seen)


def parser_text():
    return "\n".join(open(p).read()
                     for p in sorted(glob.glob("src/app/config*.c")))


def config_keys(text):
    """As postrider.yaml(5) writes them: delivery.routes[].domain. Limits have
    a section of their own."""
    return [k for k in Keys(text).leaves if k != "limits"]


def inert_faults(text, source):
    """Keys in the table of those without effect, and the pages that say so,
    are the same."""
    rows = set(re.findall(r'^\t\{ "([\w.]+)", has_', source, re.M))
    told = set()
    for m in re.finditer(r"^ {7}([a-z_]+(?:\.[a-z_]+)+) .*?\n((?: {14}.*\n)+)",
                         text, re.M):
        if "no effect in this version" in squeezed_words(m[2]):
            told.add(m[1])
    told |= {f"limits.{row[0]}" for row in make_man.limits()
             if row[4].endswith("no effect in this version")}
    yield from (f"{r} has no effect, and the page is silent"
                for r in sorted(rows - told))
    yield from (f"{r} has an effect, says the table"
                for r in sorted(told - rows))


def squeezed_words(text):
    return " ".join(text.split())


# --- exit codes -----------------------------------------------------------------

def used_exit_codes():
    codes = set()
    for path in (glob.glob("src/app/*.[ch]") +
                 glob.glob("src/control/*.[ch]")):
        for m in re.finditer(
                r"(?:return|[?:]|EXIT_\w+ =|code =)\s*(1|6[4-9]|7[0-8])\s*"
                r"(?=[;,}:]|\s\?)", open(path).read()):
            if m[1] != "1" or m[0].startswith("EXIT_"):
                codes.add(int(m[1]))
    return codes


def exit_code_faults(told):
    used = used_exit_codes() | {0}
    yield from (f"{c} is used and not told" for c in sorted(used - told))
    yield from (f"{c} is told and not used" for c in sorted(told - used))


# --- docs/rfc.md ----------------------------------------------------------------

def rfc_faults(text):
    rows = [line for line in text.splitlines()
            if line.startswith("| RFC")]
    if len(rows) < 50:
        yield f"only {len(rows)} rows"
    for line in rows:
        section, _, source, tests = (c.strip() for c in
                                     line.strip("|").split("|"))
        for name in re.findall(r"`([^`]+)`", source):
            if not os.path.isfile(f"src/{name}"):
                yield f"{section}: no src/{name}"
        for group in tests.split(";"):
            path, *names = re.findall(r"`([^`]+)`", group)
            if not os.path.isfile(f"tests/{path}"):
                yield f"{section}: no tests/{path}"
                continue
            body = open(f"tests/{path}").read()
            for n in names:
                form = rf'"{n}"' if path.endswith(".h") else \
                    rf"\b(?:void|def) {n}\("
                if not re.search(form, body):
                    yield f"{section}: no {n} in tests/{path}"


def main():
    with tempfile.TemporaryDirectory() as to:
        subprocess.run(["scripts/make-man", to], check=True)
        shown = {}
        for name in make_man.PAGES:
            shown[name], warnings = show(f"{to}/{name}")
            check(f"{name} without warnings", warnings)
        bad = f"{to}/bad.8"
        with open(f"{to}/postrider.8") as f, open(bad, "w") as g:
            g.write(f.read() + "\n.NOSUCHMACRO\n")
        must_find("warnings", show(bad)[1])
    for column, name in ((0, "postrider.8"), (1, "ja/postrider.8")):
        text = shown[name]
        check(f"{name}: commands", missing_terms(text, command_terms()))
        check(f"{name}: options", missing_options(text))
        check(f"{name}: help", missing_help(text, column))
        codes = {int(c) for c in re.findall(r"^ {7}(\d{1,2}) ", text, re.M)}
        check(f"{name}: exit codes", exit_code_faults(codes))
        must_find(f"{name}: exit codes", exit_code_faults(codes - {69}))
    keys = config_keys(parser_text())
    text = shown["postrider.yaml.5"]
    check("keys are found in the parser", [
        k for k in ("hostname", "listeners[].tls", "tls.key", "dns.forward",
                    "delivery.routes[].auth.password", "delivery.expire",
                    "journal.keep") if k not in keys])
    check("postrider.yaml.5: keys", missing_terms(text, keys))
    planted = parser_text().replace('{ "segment", read_segment }',
                                    '{ "segment", read_segment }, '
                                    '{ "colour", read_segment }')
    must_find("postrider.yaml.5: keys",
              missing_terms(text, config_keys(planted)))
    told = re.findall(r"^ {7}(\S*[a-z](?:\[\])?\.[a-z_]+)(?= )",
                      text[text.find("\nKEYS"):text.find("\nLIMITS")], re.M)
    check("postrider.yaml.5: no key too many",
          [t for t in told if t not in keys and t != "ctl.sock."])
    with open("src/app/config_inert.c") as f:
        source = f.read()
    check("postrider.yaml.5: keys without effect", inert_faults(text, source))
    must_find("postrider.yaml.5: keys without effect", inert_faults(
        text, source.replace("delivery.port", "delivery.fort")))
    check("postrider.yaml.5: limits", missing_limits(text))
    must_find("postrider.yaml.5: limits",
              missing_limits(text.replace("command_line", "kommand_line")))
    with open("docs/replies.md") as f:
        check("docs/replies.md is current",
              [] if f.read() == make_man.replies_page() else
              ["scripts/make-man --replies >docs/replies.md"])
    with open("docs/rfc.md") as f:
        text = f.read()
    check("docs/rfc.md", rfc_faults(text))
    must_find("docs/rfc.md", rfc_faults(text.replace("`law`", "`lore`")))
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
