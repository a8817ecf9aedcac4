"""Follows a rendered guide in a private root, step by step, as its reader
would: writes the files, runs the commands, word for word."""
import json
import os
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
WORK = "/root/application"      # where files without a path lie


def pages(requests):
    """[{id, choices, values, language}] → their pages (guides/lib)."""
    p = subprocess.run(["node", os.path.join(HERE, "pages.mjs")],
                       input=json.dumps(requests), capture_output=True,
                       text=True, timeout=60)
    if p.returncode != 0:
        raise RuntimeError(p.stderr[-2000:])
    return json.loads(p.stdout)


def changed(old, code):
    """The file's text after the step."""
    new, at = code["text"], code["at"]
    if code["mode"] == "write":
        return new
    if code["mode"] == "append":
        return old + new
    lines = old.splitlines(keepends=True)
    found = [i for i, x in enumerate(lines) if x.startswith(at)]
    assert found, f"no line begins with {at!r}"
    i = found[0]
    cut = {"insert": (i, i), "after": (i + 1, i + 1),
           "replace": (i, i + 1)}[code["mode"]]
    return "".join(lines[:cut[0]]) + new + "".join(lines[cut[1]:])


def edit(root, code):
    path = code["file"]
    if not path.startswith("/"):
        path = f"{WORK}/{path}"
    outside = root.inside(path)
    old, mode = "", 0o600 if code["private"] else 0o644
    if os.path.exists(outside):
        with open(outside, encoding="utf-8") as f:
            old = f.read()
        mode = os.stat(outside).st_mode & 0o777
    root.write(path, changed(old, code), mode)


def run(root, text):
    return root.run("sh", "-c", f"mkdir -p {WORK}; cd {WORK}; " + text)


def follow(root, page, roles=("setup", "reload", "test")):
    """All steps with these roles."""
    assert page["steps"], "a page without steps"
    for step in page["steps"]:
        if step["role"] not in roles:
            continue
        code = step["code"]
        assert code, f"nothing to execute: {step['text']}"
        if code["mode"] == "run":
            run(root, code["text"])
        else:
            edit(root, code)
