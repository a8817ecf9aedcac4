#!/usr/bin/env python3
"""Backup and restore as an operator meets them: a copy taken under load, put
back on an empty machine; every kind of damage; kills in the middle."""
import glob
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "lib"))
from postrider import (Client, DIRECTORY, Results, Service,  # noqa: E402
                       check_memory_reports, free_port)

OK, USAGE, DATAERR, NOINPUT, CANTCREAT, TEMPFAIL, CONFIG = \
    0, 64, 65, 66, 73, 75, 78
BODY = "Message-ID: <{0}@example.com>\r\nSubject: {0}\r\n\r\n{0}\r\n"
JAPANESE = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")


def path_in(s, name):
    return os.path.join(s.dir, name)


def signs_in(s, password, user="alice@example.com"):
    with Client(s.port465, tls=True) as c:
        c.hello()
        return c.auth_plain(user, password)[0]


def tree(folder):
    """path → content, of all files."""
    out = {}
    for where, _, names in os.walk(folder):
        for name in names:
            p = os.path.join(where, name)
            with open(p, "rb") as f:
                out[os.path.relpath(p, folder)] = f.read()
    return out


def manifest(folder):
    with open(os.path.join(folder, "manifest.json")) as f:
        return json.load(f)


def restore(s, folder, *args, check=False, env=None):
    """Without the --config that Service.cli gives: where the configuration
    goes is what is tried."""
    p = subprocess.run([s.bin, "restore", folder, *args],
                       capture_output=True, text=True, timeout=60, cwd=s.dir,
                       env={**os.environ, "LANG": "C.UTF-8", **(env or {})})
    if check and p.returncode != OK:
        raise RuntimeError(f"restore: {p.returncode} {p.stdout}{p.stderr}")
    return p


class Fresh:
    """A machine with nothing: its own configuration place and data_dir."""

    def __init__(self, s, name):
        self.dir = path_in(s, name)
        shutil.rmtree(self.dir, ignore_errors=True)
        os.mkdir(self.dir)
        self.data = os.path.join(self.dir, "data")
        self.config = os.path.join(self.dir, "etc", "postrider.yaml")
        self.args = ("--data-dir", self.data, "--config", self.config)


# --- backing up -----------------------------------------------------------------

def while_all_runs(s):
    """Mail and changes meanwhile; the copy is of one moment: the revision it
    says has its change in the audit log, no later one has."""
    stop = threading.Event()
    errors, sent = [], []

    def mails():
        n = 0
        while not stop.is_set():
            try:
                with Client(s.port) as c:
                    c.hello()
                    for _ in range(20):
                        n += 1
                        code, text = c.message("alice@example.com",
                                               [f"x{n}@local.test"],
                                               BODY.format(f"b{n}"))
                        assert code == 250, text
                        sent.append(n)
            except Exception as e:              # noqa: BLE001
                errors.append(repr(e))

    def changes():
        n = 0
        path = path_in(s, "changing.yaml")
        while not stop.is_set():
            n += 1
            with open(path, "w") as f:
                f.write(DIRECTORY.replace("Head office", f"Office {n}"))
            p = s.cli("apply", path, check=False)
            if p.returncode != OK:
                errors.append(p.stderr)
    threads = [threading.Thread(target=t) for t in (mails, changes)]
    for t in threads:
        t.start()
    made = []
    for i in range(4):
        time.sleep(0.3)
        row = s.rows("backup", path_in(s, f"load{i}"))[0]
        made.append(row)
    stop.set()
    for t in threads:
        t.join()
    assert not errors and sent, errors
    assert len({r["revision"] for r in made}) > 1, made
    for i, row in enumerate(made):
        import sqlite3
        folder = path_in(s, f"load{i}")
        db = sqlite3.connect(os.path.join(folder, "store", "directory.db"))
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        last = db.execute("SELECT max(revision) FROM revisions").fetchone()[0]
        named = db.execute("SELECT max(revision) FROM audit").fetchone()[0]
        assert last == row["revision"] == manifest(folder)["revision"]
        assert named == last, (named, last)
        db.close()
        shutil.rmtree(folder)
    s.cli("apply", s.directory)


def what_is_in_it(s):
    folder = path_in(s, "one/")
    p = s.cli("backup", folder)
    assert "Not in it" in p.stdout and "spool" in p.stdout, p
    folder = folder.rstrip("/")
    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
    files = tree(folder)
    m = manifest(folder)
    assert m["format"] == 1 and m["hostname"] == "relay.test" and \
        m["made_at"].endswith("Z") and m["schema"] >= 3, m
    assert {f["name"] for f in m["files"]} | {"manifest.json"} == set(files)
    for f in m["files"]:
        at = os.path.join(folder, f["name"])
        assert hashlib.sha256(files[f["name"]]).hexdigest() == f["sha256"]
        assert len(files[f["name"]]) == f["size"]
        assert stat.S_IMODE(os.stat(at).st_mode) == int(f["mode"], 8), f
    for name in ("keys/pepper", "keys/self-signed.key",
                 "certs/self-signed.pem"):
        with open(os.path.join(s.data, name), "rb") as f:
            assert files[name] == f.read(), name
    with open(s.config, "rb") as f:
        assert files["config/postrider.yaml"] == f.read()
    paths = {f.get("path"): f["name"] for f in m["files"]}
    assert paths[s.config] == "config/postrider.yaml"
    assert files[paths[s.secret]] == b"smart secret\n"
    assert not any("spool" in name or "journal" in name for name in files)
    # Secrets are nowhere but in their files.
    shown = p.stdout + p.stderr + files["manifest.json"].decode()
    assert "smart secret" not in shown
    assert files["keys/pepper"].hex() not in shown
    assert not os.path.exists(os.path.join(s.data, "store", "backup.db"))
    assert not glob.glob(folder + ".*")


def names_of_backups(s):
    """A new folder or an empty one, nothing else."""
    empty = path_in(s, "empty")
    os.mkdir(empty, 0o755)
    s.cli("backup", empty)
    assert stat.S_IMODE(os.stat(empty).st_mode) == 0o700
    before = tree(empty)
    for where, code, words in (
            (empty, CANTCREAT, "another name"),
            (s.config, CANTCREAT, "another name"),
            (path_in(s, "no/such/folder"), CANTCREAT, "can't be written"),
            (".", USAGE, "new folder"), ("..", USAGE, "new folder"),
            ("/", USAGE, "new folder")):
        p = s.cli("backup", where, check=False)
        assert p.returncode == code and words in p.stderr, (where, p)
        assert p.stdout == "", p
        p = s.cli("backup", where, check=False,
                  env={"LC_ALL": "ja_JP.UTF-8"})
        assert p.returncode == code and JAPANESE.search(p.stderr), p
        assert "No such file" not in p.stderr, p
    assert tree(empty) == before
    # A link in place of the folder, of the half-made one.
    target = path_in(s, "elsewhere")
    os.mkdir(target)
    os.symlink(target, path_in(s, "link"))
    p = s.cli("backup", path_in(s, "link"), check=False)
    assert p.returncode == CANTCREAT, p
    os.symlink(target, path_in(s, "two.unfinished"))
    p = s.cli("backup", path_in(s, "two"), check=False)
    assert p.returncode == CANTCREAT and "two.unfinished" in p.stderr, p
    assert os.listdir(target) == [], os.listdir(target)
    os.unlink(path_in(s, "two.unfinished"))
    # What is none of ours is never removed.
    os.mkdir(path_in(s, "two.unfinished"))
    with open(path_in(s, "two.unfinished/mine"), "w") as f:
        f.write("mine")
    p = s.cli("backup", path_in(s, "two"), check=False)
    assert p.returncode == CANTCREAT, p
    assert tree(path_in(s, "two.unfinished")) == {"mine": b"mine"}
    shutil.rmtree(path_in(s, "two.unfinished"))


def links_in_keys(s):
    """Nothing is followed out of the data directory."""
    link = os.path.join(s.data, "keys", "passwd")
    os.symlink("/etc/passwd", link)
    p = s.cli("backup", path_in(s, "linked"), check=False)
    os.unlink(link)
    assert p.returncode == DATAERR and "keys/passwd is a symbolic link" in \
        p.stderr, p
    assert not glob.glob(path_in(s, "linked*"))


def one_at_a_time(s):
    """Two at once: one is told to wait, none is spoilt."""
    for n in range(3):
        ps = [subprocess.Popen(
            [s.bin, "backup", "--config", s.config, path_in(s, f"twin{i}")],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for i in range(2)]
        codes = []
        for p in ps:
            _, said = p.communicate(timeout=60)
            codes.append(p.returncode)
            assert p.returncode == OK or "another backup" in said, said
        assert OK in codes and set(codes) <= {OK, TEMPFAIL}, codes
        for i, code in enumerate(codes):
            assert os.path.exists(path_in(s, f"twin{i}")) == (code == OK)
            shutil.rmtree(path_in(s, f"twin{i}"), ignore_errors=True)


def every_file_is_as_written(folder):
    for f in manifest(folder)["files"]:
        with open(os.path.join(folder, f["name"]), "rb") as x:
            assert hashlib.sha256(x.read()).hexdigest() == f["sha256"], f


def killed_in_the_middle(s):
    """At any moment: no folder of the final name, or a whole one. The next
    backup of that name works, and the service never noticed."""
    folder = path_in(s, "killed")
    whole = half = 0
    took = time.monotonic()
    s.cli("backup", folder)
    took = time.monotonic() - took
    shutil.rmtree(folder)
    for n in range(24):
        p = subprocess.Popen(
            [s.bin, "backup", "--config", s.config, folder],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(took * n / 22)
        p.kill()
        p.wait()
        if os.path.exists(folder):
            whole += 1
            every_file_is_as_written(folder)
            shutil.rmtree(folder)
        elif os.path.exists(folder + ".unfinished/manifest.json"):
            # All was written and synced, only the name was not given yet.
            every_file_is_as_written(folder + ".unfinished")
        elif os.path.exists(folder + ".unfinished"):
            half += 1
            p = restore(s, folder + ".unfinished", "--data-dir",
                        path_in(s, "never"), "--without-config")
            assert p.returncode == DATAERR and "not finished" in p.stderr, p
    assert half > 0, (whole, half)
    s.cli("backup", folder)
    assert not os.path.exists(folder + ".unfinished")
    assert not os.path.exists(os.path.join(s.data, "store", "backup.db"))
    shutil.rmtree(folder)


def with_nothing_to_back_up(s):
    p = s.cli("backup", path_in(s, "none"), "--data-dir",
              path_in(s, "nowhere"), check=False)
    assert p.returncode == NOINPUT and "no store here" in p.stderr, p
    assert not os.path.exists(path_in(s, "none"))
    assert not os.path.exists(path_in(s, "nowhere"))
    # A pepper that is not there is no detail.
    copy = path_in(s, "no-pepper")
    shutil.copytree(os.path.join(s.data, "store"),
                    os.path.join(copy, "store"))
    p = s.cli("backup", path_in(s, "none"), "--data-dir", copy, check=False)
    assert p.returncode == NOINPUT and "keys/pepper is missing" in p.stderr, p
    assert not glob.glob(path_in(s, "none*"))
    # A store of a newer version.
    with open(os.path.join(copy, "store", "directory.db"), "r+b") as f:
        f.seek(60)
        f.write(b"\0\0\x03\xe7")
    for wal in glob.glob(os.path.join(copy, "store", "directory.db-*")):
        os.unlink(wal)
    p = s.cli("backup", path_in(s, "none"), "--data-dir", copy, check=False)
    assert p.returncode == CONFIG and "newer version" in p.stderr, p
    shutil.rmtree(copy)


# --- putting back ---------------------------------------------------------------

def onto_an_empty_machine(s):
    """Everything is as it was: directory byte for byte, audit, passwords; and
    the machine serves."""
    password = s.app_password()
    gone = s.app_password()
    s.cli("app-password", "remove", gone[3:13])
    export = s.cli("export").stdout
    audit = s.rows("audit", "list", "--limit", "100000")
    folder = path_in(s, "whole")
    row = s.rows("backup", folder)[0]
    later = s.app_password()                # after the backup
    assert signs_in(s, later) == 235

    fresh = Fresh(s, "fresh")
    p = restore(s, folder, *fresh.args, check=True)
    assert "Start the service" in p.stdout and p.stderr == "", p
    with open(fresh.config) as f, open(s.config) as g:
        assert f.read() == g.read()
    for name in ("keys/pepper", "keys/self-signed.key"):
        a, b = (os.path.join(d, name) for d in (s.data, fresh.data))
        assert open(a, "rb").read() == open(b, "rb").read()
        assert os.stat(a).st_mode == os.stat(b).st_mode and \
            os.stat(a).st_uid == os.stat(b).st_uid, name
    for name in ("store", "store/directory.db", "store/view", "keys",
                 "certs"):
        a, b = (os.stat(os.path.join(d, name)) for d in (s.data, fresh.data))
        assert (a.st_mode, a.st_uid, a.st_gid) == \
            (b.st_mode, b.st_uid, b.st_gid), (name, a, b)
    assert not os.path.exists(os.path.join(fresh.data, "restore.new"))
    assert os.listdir(os.path.join(fresh.data, "spool")) == []

    with Service(routes=s.routes, data=fresh.data) as t:
        assert t.cli("export").stdout == export     # alone, too
        t.start(apply=False)
        assert t.cli("export").stdout == export
        now = t.rows("audit", "list", "--limit", "100000")
        # Its start made a link for the first operator: links are not restored.
        assert now.pop(0)["who"] == "start", now[:3]
        assert now[1:] == audit, (len(now), len(audit))
        assert now[0]["call"] == "restore" and now[0]["after"] == {
            "revision": row["revision"]}, now[0]
        assert signs_in(t, password) == 235
        assert signs_in(t, gone) == 535
        assert signs_in(t, later) == 535
        assert t.metrics()["postrider_view_revision"] > row["revision"]
        with Client(t.port) as c:
            c.hello()
            assert c.message("alice@example.com", ["r@local.test"],
                             BODY.format("r"))[0] == 250
        t.wait_for(lambda: t.captured())
        # It goes on: a change is a new revision, new ids are new.
        t.cli("apply", t.directory)
        more = t.app_password()
        assert signs_in(t, more) == 235
        assert t.stop() == OK
    shutil.rmtree(fresh.dir)


def refused_where_data_are(s):
    folder = path_in(s, "whole")
    # The service that runs.
    p = restore(s, folder, "--data-dir", s.data, "--without-config",
                "--config", s.config)
    assert p.returncode == TEMPFAIL and "stop it first" in p.stderr, p
    p = restore(s, folder, "--data-dir", s.data, "--without-config",
                "--config", s.config,
                env={"LC_ALL": "ja_JP.UTF-8"})
    assert p.returncode == TEMPFAIL and "another" not in p.stderr, p
    p = restore(s, folder, "--data-dir", s.data, "--without-config",
                "--config", s.config, "--force")
    assert p.returncode == TEMPFAIL, p
    # Store, keys, certificates of another life.
    for name in ("store/directory.db", "store/view/view.log", "keys/pepper",
                 "certs/self-signed.pem"):
        fresh = Fresh(s, "taken")
        os.makedirs(os.path.dirname(os.path.join(fresh.data, name)))
        with open(os.path.join(fresh.data, name), "w") as f:
            f.write("mine")
        p = restore(s, folder, *fresh.args)
        assert p.returncode == CANTCREAT, (name, p)
        assert os.path.join(fresh.data, name.split("/")[0]) in p.stderr and \
            "--force" in p.stderr, (name, p)
        left = tree(fresh.data)
        left.pop("lock"), left.pop("backup.lock")
        assert left == {name: b"mine"}, left
        assert not os.path.exists(fresh.config)
    # A configuration that differs; one that is the same is none.
    fresh = Fresh(s, "taken")
    os.mkdir(os.path.dirname(fresh.config))
    with open(fresh.config, "w") as f:
        f.write("hostname: other.test\n")
    p = restore(s, folder, *fresh.args)
    assert p.returncode == CANTCREAT and fresh.config in p.stderr and \
        "--without-config" in p.stderr, p
    shutil.copy(s.config, fresh.config)
    # Empty folders, as a package makes them, are no data.
    os.makedirs(os.path.join(fresh.data, "store", "view"), exist_ok=True)
    os.makedirs(os.path.join(fresh.data, "keys"), exist_ok=True)
    restore(s, folder, *fresh.args, check=True)
    shutil.rmtree(fresh.dir)


def force_keeps_the_old(s):
    """Old data stay under a dated name; the restored store counts on above
    them, whatever view lies about."""
    folder = path_in(s, "whole")
    fresh = Fresh(s, "forced")
    restore(s, folder, *fresh.args, check=True)
    with Service(routes=s.routes, data=fresh.data) as t:
        t.start()
        for n in range(5):
            with open(path_in(t, "n.yaml"), "w") as f:
                f.write(DIRECTORY.replace("Head office", f"N{n}"))
            t.cli("apply", path_in(t, "n.yaml"))
        newer = t.app_password()
        old_view = tree(os.path.join(fresh.data, "store", "view"))
        old = t.metrics()["postrider_view_revision"]
        assert t.stop() == OK
    pepper = os.path.join(fresh.data, "keys", "pepper")
    os.chmod(pepper, 0o600)
    with open(pepper, "wb") as f:
        f.write(b"another pepper of thirty-two byt")
    with open(fresh.config, "a") as f:
        f.write("# changed\n")
    p = restore(s, folder, *fresh.args, "--json", "--force", check=True)
    row = json.loads(p.stdout)
    assert len(row["kept"]) == 4 and row["revision"] > old, row
    for path in row["kept"]:
        assert re.search(r"\.before-restore-\d{8}T\d{6}Z$", path) and \
            os.path.exists(path), path
    kept = {os.path.basename(x).split(".before")[0]: x for x in row["kept"]}
    assert open(os.path.join(kept["keys"], "pepper"), "rb").read() == \
        b"another pepper of thirty-two byt"
    assert open(kept["postrider.yaml"]).read().endswith("# changed\n")
    # An old view lies about: it has numbers, but not the last ones.
    for name, content in old_view.items():
        at = os.path.join(fresh.data, "store", "view", name)
        if not os.path.exists(at):
            with open(at, "wb") as f:
                f.write(content)
    with Service(routes=s.routes, data=fresh.data) as t:
        t.start(apply=False)
        assert t.metrics()["postrider_view_revision"] > old
        assert signs_in(t, newer) == 535
        assert "N4" not in t.cli("export").stdout
        assert signs_in(t, t.app_password()) == 235
        # And when only old files are there.
        assert t.stop() == OK
        view = os.path.join(fresh.data, "store", "view")
        for name in os.listdir(view):
            os.unlink(os.path.join(view, name))
        for name, content in old_view.items():
            with open(os.path.join(view, name), "wb") as f:
                f.write(content)
        t.start(apply=False)
        t.wait_for(lambda: signs_in(t, newer) == 535)
        assert t.stop() == OK
    shutil.rmtree(fresh.dir)


def damage(s):
    """Each is told by the name of its file, before anything is written."""
    good = path_in(s, "whole")

    def change(name, at=-1):
        def do(d):
            p = os.path.join(d, name)
            os.chmod(p, 0o600)
            data = bytearray(open(p, "rb").read())
            data[at] ^= 1
            open(p, "wb").write(data)
        return do

    def cut(name, n):
        def do(d):
            p = os.path.join(d, name)
            os.chmod(p, 0o600)
            with open(p, "r+b") as f:
                f.truncate(n)
        return do

    def link(name):
        def do(d):
            p = os.path.join(d, name)
            shutil.move(p, d + ".moved")
            os.symlink(d + ".moved", p)
        return do

    def edit(function):
        def do(d):
            m = manifest(d)
            function(m)
            with open(os.path.join(d, "manifest.json"), "w") as f:
                json.dump(m, f)
        return do

    def away(name):
        def do(d):
            p = os.path.join(d, name)
            shutil.rmtree(p) if os.path.isdir(p) else os.unlink(p)
        return do

    def first(m, key, value):
        m["files"][0][key] = value

    size = os.path.getsize(os.path.join(good, "manifest.json"))
    cases = [
        ("file gone", away("keys/pepper"), DATAERR, "keys/pepper is missing"),
        ("folder gone", away("keys"), DATAERR, "keys/pepper is missing"),
        ("store gone", away("store/directory.db"), DATAERR,
         "store/directory.db is missing"),
        ("manifest gone", away("manifest.json"), DATAERR, "no backup"),
        ("byte of a key", change("keys/pepper"), DATAERR,
         "keys/pepper is not as"),
        ("byte of the store", change("store/directory.db", 5000), DATAERR,
         "store/directory.db is not as"),
        ("byte of the configuration", change("config/postrider.yaml"),
         DATAERR, "config/postrider.yaml is not as"),
        ("store cut", cut("store/directory.db", 4096), DATAERR,
         "store/directory.db is not as"),
        ("file is a link", link("keys/pepper"), DATAERR,
         "keys/pepper is a symbolic link"),
        ("folder is a link", link("keys"), DATAERR, "is a symbolic link"),
        ("manifest is a link", link("manifest.json"), DATAERR,
         "manifest.json is a symbolic link"),
        ("folder in place of a file", lambda d: (
            os.unlink(os.path.join(d, "keys/pepper")),
            os.mkdir(os.path.join(d, "keys/pepper"))), DATAERR, "is no file"),
        ("newer format", edit(lambda m: m.update(format=2)), CONFIG,
         "newer version"),
        ("digest", edit(lambda m: first(m, "sha256", "0" * 64)), DATAERR,
         "is not as"),
        ("no digest", edit(lambda m: first(m, "sha256", "")), DATAERR,
         "manifest.json is cut off or was changed"),
        ("leads out", edit(lambda m: first(m, "name", "keys/../../x")),
         DATAERR, "manifest.json"),
        ("leads out of store", edit(lambda m: first(m, "name", "/etc/x")),
         DATAERR, "manifest.json"),
        ("into the view", edit(lambda m: first(m, "name", "store/view")),
         DATAERR, "manifest.json"),
        ("named twice", edit(lambda m: m["files"].append(m["files"][0])),
         DATAERR, "manifest.json"),
        ("set-uid", edit(lambda m: first(m, "mode", "4755")), DATAERR,
         "manifest.json"),
        ("no file of the configuration", edit(lambda m: m["files"].pop()),
         DATAERR, s.secret),
        ("files are a number", edit(lambda m: m.update(files=1)), DATAERR,
         "manifest.json"),
    ] + [(f"manifest cut at {n}", cut("manifest.json", n), DATAERR,
          "manifest.json is cut off or was changed")
         for n in (0, 1, size // 3, size // 2, size - 3)]
    for name, do, code, words in cases:
        bad = path_in(s, "bad")
        shutil.copytree(good, bad)
        do(bad)
        fresh = Fresh(s, "damaged")
        p = restore(s, bad, *fresh.args)
        assert p.returncode == code and words in p.stderr, (name, p)
        assert p.stdout == "" and os.listdir(fresh.dir) == [], (name, p)
        p = restore(s, bad, *fresh.args, env={"LC_ALL": "ja_JP.UTF-8"})
        assert p.returncode == code and JAPANESE.search(p.stderr), (name, p)
        shutil.rmtree(bad)
        for x in glob.glob(bad + ".moved"):
            shutil.rmtree(x) if os.path.isdir(x) else os.unlink(x)
    p = restore(s, path_in(s, "nowhere"))
    assert p.returncode == NOINPUT, p


def rewritten(folder, name, content):
    """A backup whose file was changed, and its digest with it."""
    m = manifest(folder)
    p = os.path.join(folder, name)
    with open(p, "wb") as f:
        f.write(content)
    for f in m["files"]:
        if f["name"] == name:
            f["size"], f["sha256"] = len(content), \
                hashlib.sha256(content).hexdigest()
    with open(os.path.join(folder, "manifest.json"), "w") as f:
        json.dump(m, f)


def stores_that_do_not_fit(s):
    """Newer: refused, 78. Damaged inside. Nothing is left in the way."""
    bad = path_in(s, "bad")
    with open(path_in(s, "whole/store/directory.db"), "rb") as f:
        store = f.read()
    for content, code, words in (
            (store[:60] + b"\0\0\x03\xe7" + store[64:], CONFIG,
             "newer version"),
            (b"SQLite nonsense!" + store[16:], DATAERR, "damaged"),
            (store[:4096] + b"Z" * 3000 + store[7096:], DATAERR, "damaged")):
        shutil.copytree(path_in(s, "whole"), bad)
        rewritten(bad, "store/directory.db", content)
        fresh = Fresh(s, "unfit")
        p = restore(s, bad, *fresh.args)
        assert p.returncode == code and words in p.stderr, p
        assert sorted(os.listdir(fresh.data)) == ["backup.lock", "lock"]
        assert not os.path.exists(fresh.config)
        shutil.rmtree(bad)
    # A configuration that this program can't read.
    shutil.copytree(path_in(s, "whole"), bad)
    rewritten(bad, "config/postrider.yaml", b"hostnam: x\n")
    p = restore(s, bad, *Fresh(s, "unfit").args)
    assert p.returncode == CONFIG and "did you mean 'hostname'" in p.stderr
    shutil.rmtree(bad)


def an_older_store(s):
    """Is brought up to date after it was copied, as at any start."""
    here = os.path.dirname(os.path.abspath(__file__))
    old = path_in(s, "old-data")
    os.makedirs(old)
    fixture = os.path.join(here, "..", "fixtures", "store-1")
    subprocess.run(["tar", "-C", old, "-xf",
                    os.path.join(fixture, "store.tar.xz")], check=True)
    with open(os.path.join(fixture, "app-password")) as f:
        password = f.read().strip()
    row = s.rows("backup", path_in(s, "old"), "--data-dir", old)[0]
    fresh = Fresh(s, "old-fresh")
    restore(s, path_in(s, "old"), *fresh.args, check=True)
    store = os.path.join(fresh.data, "store")
    assert os.path.exists(os.path.join(
        store, f"directory.db.before-{row['schema'] + 1}")), os.listdir(store)
    with Service(routes=s.routes, data=fresh.data) as t:
        t.start(apply=False)
        assert signs_in(t, password) == 235
        assert t.stop() == OK


def certificate_and_passwords(s):
    """What the configuration names comes back to where it was."""
    etc = path_in(s, "etc")
    os.mkdir(etc)
    for name, source, mode in (("tls.key", "keys/self-signed.key", 0o600),
                               ("tls.pem", "certs/self-signed.pem", 0o644)):
        shutil.copy(os.path.join(s.data, source), os.path.join(etc, name))
        os.chmod(os.path.join(etc, name), mode)
    os.rename(os.path.join(etc, "tls.pem"), os.path.join(etc, "tls-1.pem"))
    os.symlink("tls-1.pem", os.path.join(etc, "tls.pem"))   # as certbot does
    config = os.path.join(etc, "postrider.yaml")
    with open(s.config) as f, open(config, "w") as g:
        g.write(f.read() + f"tls: {{ certificate: {etc}/tls.pem, "
                f"key: {etc}/tls.key }}\n")
    before = tree(etc)
    folder = path_in(s, "named")
    p = subprocess.run([s.bin, "backup", "--config", config, folder],
                       capture_output=True, text=True)
    assert p.returncode == OK, p
    shutil.rmtree(etc)
    os.unlink(s.secret)
    fresh = Fresh(s, "named-fresh")
    # Without --config: where it was.
    restore(s, folder, "--data-dir", fresh.data, check=True)
    after = tree(etc)
    before.pop("tls-1.pem")
    assert after == before, set(after) ^ set(before)
    assert stat.S_IMODE(os.stat(f"{etc}/tls.key").st_mode) == 0o600
    assert stat.S_IMODE(os.stat(s.secret).st_mode) == 0o400
    with open(s.secret) as f:
        assert f.read() == "smart secret\n"
    # Only the data: what is there of configuration is left alone.
    with open(f"{etc}/tls.key", "a") as f:
        f.write("\n")
    fresh = Fresh(s, "named-fresh")
    p = restore(s, folder, "--data-dir", fresh.data)
    assert p.returncode == CANTCREAT and f"{etc}/tls.key" in p.stderr, p
    restore(s, folder, "--data-dir", fresh.data, "--without-config",
            "--config", config, check=True)
    assert tree(etc) != before
    shutil.rmtree(fresh.dir)


def restore_killed(s):
    """At any moment: either nothing is there, or no service starts until it
    was run again; then all is there."""
    folder = path_in(s, "whole")
    export = None
    halves = 0
    fresh = Fresh(s, "rkilled")
    took = time.monotonic()
    restore(s, folder, *fresh.args, check=True)
    took = time.monotonic() - took
    for n in range(12):
        fresh = Fresh(s, "rkilled")
        p = subprocess.Popen(
            [s.bin, "restore", folder, *fresh.args], cwd=s.dir,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(took * n / 14)
        p.kill()
        p.wait()
        half = os.path.exists(os.path.join(fresh.data, "restore.new"))
        if half:
            halves += 1
            q = subprocess.run(
                [s.bin, "export", "--config", s.config, "--data-dir",
                 fresh.data], capture_output=True, text=True)
            assert q.returncode == CONFIG and "restore" in q.stderr, q
        # A child of the one that was killed may end a moment later.
        for _ in range(100):
            q = restore(s, folder, *fresh.args, "--force")
            if q.returncode != TEMPFAIL:
                break
            time.sleep(0.05)
        assert q.returncode == OK, q
        assert not os.path.exists(os.path.join(fresh.data, "restore.new"))
        q = subprocess.run([s.bin, "export", "--config", s.config,
                            "--data-dir", fresh.data], capture_output=True,
                           text=True)
        assert q.returncode == OK, q
        export = export or q.stdout
        assert q.stdout == export
    assert halves > 0
    shutil.rmtree(fresh.dir)


STEPS = [while_all_runs, what_is_in_it, names_of_backups, links_in_keys,
         one_at_a_time, killed_in_the_middle, with_nothing_to_back_up,
         onto_an_empty_machine, refused_where_data_are, force_keeps_the_old,
         damage, stores_that_do_not_fit, an_older_store,
         certificate_and_passwords, restore_killed]


def main():
    results = Results()
    wanted = sys.argv[1:]
    with Service() as s:
        s.secret = path_in(s, "smart.pw")
        with open(s.secret, "w") as f:
            f.write("smart secret\n")
        os.chmod(s.secret, 0o400)
        s.routes = (
            '    - { domain: "local.test", maildir: "capture/" }\n'
            '    - { domain: "*", smart_host: "127.0.0.1:%d", tls: required, '
            'auth: { user: u, password: "@file:%s" } }\n'
            % (free_port(), s.secret))
        s.write_config()
        s.start()
        for f in STEPS:
            if wanted and f.__name__ not in wanted:
                continue
            with results.test(f.__name__):
                f(s)
        with results.test("the service ran on"):
            assert s.ready() and s.stop() == OK
        check_memory_reports(s, results)
    results.finish()


main()
