"""Mail servers of Debian that exclude each other as packages, unpacked side by
side and run in a root of their own: an overlay of the package over the
machine's files, in a private mount and process namespace. Nothing is
installed; what they write stays in memory; all ends with the namespace."""
import glob
import os
import shutil
import signal
import subprocess
import threading
import time

from postrider import TOP

CACHE = os.path.join(TOP, "build", "peers")
PACKAGES = {
    "postfix": ["postfix"],
    "exim": ["exim4-base", "exim4-daemon-light"],
    "sendmail": ["sendmail-bin", "sendmail-base", "sendmail-cf", "m4"],
    "opensmtpd": ["opensmtpd"],
    "programs": ["php8.2-cli", "php8.2-common", "php-common",
                 "libphp-phpmailer", "node-nodemailer", "libjakarta-mail-java",
                 "libjakarta-activation-java"],
}
# Fetched too, where the machine lacks them.
LIBRARIES = {
    "postfix": ["libdb5.3", "libicu72", "libnsl2", "libtirpc3",
                "libtirpc-common", "libsasl2-2", "libsasl2-modules-db",
                "libsasl2-modules", "netbase"],
    "exim": ["libdb5.3", "libnsl2", "libtirpc3", "libtirpc-common",
             "libgnutls-dane0", "libgnutls30", "libidn12", "libidn2-0",
             "libpcre2-8-0", "libunbound8", "netbase"],
    "sendmail": ["libdb5.3", "libnsl2", "libtirpc3", "libtirpc-common",
                 "libsasl2-2", "libsasl2-modules-db", "libsasl2-modules",
                 "libldap-2.5-0", "liblockfile1", "libwrap0", "netbase"],
    "opensmtpd": ["libdb5.3", "libevent-2.1-7", "ed"],
    "programs": ["libargon2-1", "libedit2", "libmagic1", "libmagic-mgc",
                 "libbsd0", "libmd0", "libpcre2-8-0", "libsodium23",
                 "libxml2", "libicu72", "liblzma5"],
}
# Users that the packages' scripts would make, in the private root only.
USERS = {"postfix": (610, 610), "Debian-exim": (611, 611),
         "smmta": (612, 612), "smmsp": (613, 613),
         "opensmtpd": (614, 614), "opensmtpq": (615, 615)}
GROUPS = {"postdrop": 620}
unpacking = threading.Lock()


def installed(package):
    p = subprocess.run(["dpkg-query", "-W", "-f", "${Status}", package],
                       capture_output=True, text=True)
    return "ok installed" in p.stdout


def download(package, where):
    """The newest .deb of the package in `where`; apt's lists are renewed
    once if it is not known."""
    for again in (False, True):
        p = subprocess.run(["apt-get", "-q", "download", package], cwd=where,
                           capture_output=True, text=True, timeout=120)
        found = glob.glob(os.path.join(where, f"{package}_*.deb"))
        if p.returncode == 0 and found:
            return max(found, key=os.path.getmtime)
        if again:
            raise RuntimeError(f"{package}: {p.stderr.strip()[-300:]}")
        subprocess.run(["apt-get", "-q", "update"], capture_output=True,
                       timeout=300)


def merge_usr(root):
    """Debian's packages still carry /lib, /sbin, /bin, which are links into
    /usr where they are installed."""
    for name in ("bin", "sbin", "lib", "lib64"):
        old, new = os.path.join(root, name), os.path.join(root, "usr", name)
        if os.path.isdir(old) and not os.path.islink(old):
            shutil.copytree(old, new, symlinks=True, dirs_exist_ok=True)
            shutil.rmtree(old)


def unpack(peer):
    """The directory with the peer's files, made when it is not there."""
    with unpacking:
        return unpack_alone(peer)


def unpack_alone(peer):
    root = os.path.join(CACHE, peer)
    if os.path.exists(os.path.join(root, ".complete")):
        return root
    shutil.rmtree(root, ignore_errors=True)
    debs = os.path.join(CACHE, "deb")
    os.makedirs(debs, exist_ok=True)
    os.makedirs(root)
    wanted = PACKAGES[peer] + [x for x in LIBRARIES[peer]
                               if not installed(x)]
    for package in wanted:
        subprocess.run(["dpkg", "-x", download(package, debs), root],
                       check=True, capture_output=True)
    merge_usr(root)
    open(os.path.join(root, ".complete"), "w").close()
    return root


# The root of a chroot is no mount point, so its mounts can't be made private:
# what is mounted then is taken away again by close().
SETUP = """\
set -e
mount --make-rprivate / 2>/dev/null || true
mount -t tmpfs -o mode=755 tmpfs "$1"
mkdir "$1/up" "$1/work" "$1/root"
cp -a "$2" "$1/low"     # layers must not lie inside each other
mount -t overlay -o "lowerdir=$1/low:/,upperdir=$1/up,workdir=$1/work" \
    overlay "$1/root"
mount --rbind /dev "$1/root/dev"
mount -t proc proc "$1/root/proc"
mkdir -p "$1/root/tmp" "$1/root/etc"
mount -t tmpfs -o mode=1777 tmpfs "$1/root/tmp"
echo ready >"$1/up/.ready"
exec sleep 3600
"""


class Root:
    """A peer's private root while it stands."""

    def __init__(self, peer, base):
        self.peer = peer
        self.base = os.path.join(base, peer)
        os.makedirs(self.base)
        self.holder = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child",
             "--propagation", "unchanged", "sh", "-c", SETUP, "sh", self.base,
             unpack(peer)], stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, start_new_session=True)
        self.pid = self.wait_ready()
        self.users()

    def wait_ready(self):
        """The pid of the namespace's first process."""
        end = time.monotonic() + 20
        path = f"/proc/{self.holder.pid}/task/{self.holder.pid}/children"
        while time.monotonic() < end:
            if self.holder.poll() is not None:
                raise RuntimeError(f"{self.peer}: no private root here: "
                                   + self.holder.stderr.read().decode())
            pids = open(path).read().split()
            if pids and os.path.exists(
                    f"/proc/{pids[0]}/root{self.base}/up/.ready"):
                return int(pids[0])
            time.sleep(0.01)
        raise RuntimeError(f"{self.peer}: the private root is not ready")

    def inside(self, path):
        """The path, seen from outside."""
        return f"/proc/{self.pid}/root{self.base}/root{path}"

    def write(self, path, text, mode=0o644):
        outside = self.inside(path)
        os.makedirs(os.path.dirname(outside), exist_ok=True)
        with open(outside, "w") as f:
            f.write(text)
        os.chmod(outside, mode)

    def users(self):
        passwd = open("/etc/passwd").read()
        group = open("/etc/group").read()
        for name, (uid, gid) in USERS.items():
            passwd += f"{name}:x:{uid}:{gid}::/nonexistent:/bin/false\n"
            group += f"{name}:x:{gid}:\n"
        for name, gid in GROUPS.items():
            group += f"{name}:x:{gid}:\n"
        self.write("/etc/passwd", passwd)
        self.write("/etc/group", group)

    def run(self, *args, stdin=b"", check=True, timeout=60):
        p = subprocess.run(
            ["nsenter", "-t", str(self.pid), "--mount", "--pid", "--root",
             "--wd=/", "chroot", f"{self.base}/root", *args], input=stdin, capture_output=True,
            timeout=timeout)
        if check and p.returncode != 0:
            raise RuntimeError(f"{args}: exit {p.returncode}: "
                               + (p.stdout + p.stderr).decode(
                                   "utf-8", "replace")[-2000:])
        return p

    def close(self):
        if self.holder.poll() is None:
            os.kill(self.holder.pid, signal.SIGKILL)
        self.holder.wait(10)
        self.holder.stderr.close()
        if os.path.ismount(self.base):
            subprocess.run(["umount", "-R", "-l", self.base], check=False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
