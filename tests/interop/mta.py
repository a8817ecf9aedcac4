"""Postfix, Exim and Sendmail with Postrider as their smart host. Each has one
configuration that chooses the way by the recipient's domain: p587.test by
STARTTLS and AUTH, p465.test by implicit TLS and AUTH, pany.test from another
address, mx.test and nomx.test by the relay's name through DNS, the rest by
port 25 in clear."""
import re
import time

from peers import Root
from world import USER

NAME_SERVER = "127.0.0.77"
HOST = "mail.example.com"


class Mta:
    """inject → taken into its queue; flush → tries what it has."""
    ways = ("p25.test", "p587.test", "p465.test")
    by_name = ("mx.test", "nomx.test")

    def __init__(self, world, base):
        self.world, self.service = world, world.service
        self.root = Root(self.name, base)
        self.root.write("/etc/resolv.conf", f"nameserver {NAME_SERVER}\n")
        self.root.write("/etc/hosts", "127.0.0.1 localhost\n")
        self.root.write("/etc/nsswitch.conf", "passwd: files\ngroup: files\n"
                        "hosts: files dns\n")
        self.configure()

    def message(self, word, body, sender):
        """As local programs hand mail over: lines end with LF."""
        head = f"From: {sender or 'MAILER-DAEMON@' + HOST}\n" \
               f"Subject: {word}\n\n"
        return head.encode() + body.replace(b"\r\n", b"\n")

    def wait_empty(self, seconds=20):
        end = time.monotonic() + seconds
        while self.queue_count() and time.monotonic() < end:
            time.sleep(0.2)
        return self.queue_count() == 0

    def close(self):
        self.root.close()


class Postfix(Mta):
    name = "postfix"

    def configure(self):
        s = self.service
        user = f"{USER}:{self.world.password}"
        self.root.write("/etc/postfix/main.cf", f"""\
compatibility_level = 3.6
queue_directory = /var/spool/postfix
data_directory = /var/lib/postfix
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = /tmp/maillog
maillog_file_prefixes = /tmp
inet_interfaces =
inet_protocols = ipv4
myhostname = {HOST}
mydestination =
local_recipient_maps =
alias_maps =
alias_database =
relayhost = [127.0.0.1]:{s.port}
transport_maps = inline:{{
  {{p587.test = smtp587:[127.0.0.1]:{s.port587}}},
  {{p465.test = smtp465:[127.0.0.1]:{s.port465}}},
  {{pany.test = smtpany:[127.0.0.1]:{s.port}}},
  {{mx.test = smtp:with-mx.test:{s.port}}},
  {{nomx.test = smtp:without-mx.test:{s.port}}} }}
smtp_sasl_password_maps = inline:{{
  {{[127.0.0.1]:{s.port587} = {user}}}, {{[127.0.0.1]:{s.port465} = {user}}} }}
smtp_sasl_security_options = noanonymous
smtp_host_lookup = dns, native
smtp_tls_security_level = none
message_size_limit = 30000000
mailbox_size_limit = 30000000
minimal_backoff_time = 300s
""")
        self.root.write("/etc/postfix/master.cf", """\
pickup    unix  n - n 60 1 pickup
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
tlsmgr    unix  - - n 1000? 1 tlsmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
flush     unix  n - n 1000? 0 flush
proxymap  unix  - - n - - proxymap
smtp      unix  - - n - - smtp
smtp587   unix  - - n - - smtp
  -o smtp_tls_security_level=encrypt -o smtp_sasl_auth_enable=yes
smtp465   unix  - - n - - smtp
  -o smtp_tls_security_level=encrypt -o smtp_tls_wrappermode=yes
  -o smtp_sasl_auth_enable=yes
smtpany   unix  - - n - - smtp
  -o smtp_bind_address=127.0.0.5
showq     unix  n - n - - showq
error     unix  - - n - - error
retry     unix  - - n - - error
anvil     unix  - - n - 1 anvil
scache    unix  - - n - 1 scache
postlog   unix-dgram n - n - 1 postlogd
""")
        self.root.run("sh", "-c", "mkdir -p /var/lib/postfix "
                      "/var/spool/postfix && chown postfix /var/lib/postfix "
                      "&& postfix start")

    def inject(self, word, body, recipients, sender=USER, queue_only=False):
        self.root.run("/usr/sbin/sendmail", "-i", "-f", sender or "<>",
                      "--", *recipients,
                      stdin=self.message(word, body, sender))

    def flush(self):
        self.root.run("postqueue", "-f")

    def queue_count(self):
        out = self.root.run("postqueue", "-j").stdout
        return len(out.splitlines())

    def log(self):
        return self.root.run("tail", "-n", "20", "/tmp/maillog",
                             check=False).stdout.decode("utf-8", "replace")


class Exim(Mta):
    name = "exim"
    by_name = ()            # manualroute looks up A, not MX

    def configure(self):
        s = self.service
        self.root.write("/etc/exim4/exim4.conf", f"""\
primary_hostname = {HOST}
exim_user = Debian-exim
exim_group = Debian-exim
spool_directory = /var/spool/exim4
log_file_path = /var/log/exim4/%slog
trusted_users = root
never_users =
message_size_limit = 30M
bounce_return_size_limit = 20K
delay_warning =
keep_environment =
begin routers
p587:
  driver = manualroute
  domains = p587.test
  transport = t587
  route_list = * 127.0.0.1::{s.port587}
  self = send
p465:
  driver = manualroute
  domains = p465.test
  transport = t465
  route_list = * 127.0.0.1::{s.port465}
  self = send
pany:
  driver = manualroute
  domains = pany.test
  transport = tany
  route_list = * 127.0.0.1::{s.port}
  self = send
smart:
  driver = manualroute
  transport = t25
  route_list = * 127.0.0.1::{s.port}
  self = send
begin transports
t25:
  driver = smtp
  allow_localhost
  hosts_avoid_tls = *
tany:
  driver = smtp
  allow_localhost
  interface = 127.0.0.5
t587:
  driver = smtp
  allow_localhost
  hosts_require_tls = *
  hosts_require_auth = *
t465:
  driver = smtp
  protocol = smtps
  allow_localhost
  hosts_require_tls = *
  hosts_require_auth = *
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  client_send = ^{USER}^{self.world.password}
begin retry
* * F,2h,5m
""", 0o640)
        self.root.run("sh", "-c",
                      "mkdir -p /var/spool/exim4 /var/log/exim4 && chown -R "
                      "Debian-exim:Debian-exim /var/spool/exim4 "
                      "/var/log/exim4 && "
                      "chown root:Debian-exim /etc/exim4/exim4.conf")

    def inject(self, word, body, recipients, sender=USER, queue_only=False):
        self.root.run("/usr/sbin/exim4", "-odq" if queue_only else "-odf",
                      "-i", "-f", sender or "<>", "--", *recipients,
                      stdin=self.message(word, body, sender))

    def flush(self):
        self.root.run("/usr/sbin/exim4", "-qff")

    def queue_count(self):
        return int(self.root.run("/usr/sbin/exim4", "-bpc").stdout)

    def log(self):
        return self.root.run("tail", "-n", "20", "/var/log/exim4/mainlog",
                             check=False).stdout.decode("utf-8", "replace")


class Sendmail(Mta):
    """8.17 speaks no implicit TLS as a client. A configuration for each way,
    one queue directory each."""
    name = "sendmail"
    ways = ("p25.test", "p587.test")
    binary = "/usr/libexec/sendmail/sendmail"

    def configure(self):
        s = self.service
        plain = "CLIENT_OPTIONS(`Family=inet,M=SA')dnl"
        self.root.write(
            "/etc/mail/authinfo", f'AuthInfo: "U:{USER}" "I:{USER}" '
            f'"P:{self.world.password}" "M:PLAIN"\n', 0o600)
        self.root.run("sh", "-c", "/usr/libexec/sendmail/makemap -C /dev/null "
                      "hash /etc/mail/authinfo.db </etc/mail/authinfo")
        login = "FEATURE(`authinfo', `hash /etc/mail/authinfo.db')dnl\n" \
                "define(`confAUTH_MECHANISMS', `PLAIN LOGIN')dnl"
        self.files = {}
        for way, host, port, more in (
                ("p25.test", "[127.0.0.1]", s.port, plain),
                ("p587.test", "[127.0.0.1]", s.port587, login),
                ("pany.test", "[127.0.0.1]", s.port,
                 "CLIENT_OPTIONS(`Family=inet,Addr=127.0.0.5,M=SA')dnl"),
                ("mx.test", "with-mx.test", s.port, plain),
                ("nomx.test", "without-mx.test", s.port, plain)):
            self.make(way, host, port, more)

    def make(self, way, host, port, more):
        self.root.write(f"/etc/mail/{way}.mc", f"""\
divert(0)dnl
VERSIONID(`interop')
OSTYPE(`linux')dnl
define(`confDOMAIN_NAME', `{HOST}')dnl
undefine(`ALIAS_FILE')dnl
define(`STATUS_FILE', `')dnl
define(`HELP_FILE', `')dnl
define(`QUEUE_DIR', `/var/q-{way}')dnl
define(`confPID_FILE', `/tmp/{way}.pid')dnl
define(`SMART_HOST', `relay:{host}')dnl
define(`RELAY_MAILER_ARGS', `TCP $h {port}')dnl
define(`confTO_IDENT', `0')dnl
define(`confDONT_PROBE_INTERFACES', `True')dnl
define(`confBIND_OPTS', `-DNSRCH -DEFNAMES')dnl
define(`confEIGHT_BIT_HANDLING', `pass8')dnl
{more}
FEATURE(`nocanonify')dnl
FEATURE(`accept_unqualified_senders')dnl
FEATURE(`accept_unresolvable_domains')dnl
FEATURE(`no_default_msa')dnl
MAILER(`smtp')dnl
""")
        cf = f"/etc/mail/{way}.cf"
        self.root.run("sh", "-c", f"""\
set -e
cd /usr/share/sendmail/cf
m4 -D_CF_DIR_=/usr/share/sendmail/cf/ m4/cf.m4 /etc/mail/{way}.mc >{cf}
sed -i 's/^O StatusFile.*//; s/^O HelpFile.*//; s/^Ft.*//; s/^Fw.*//' {cf}
sed -i 's/^O AliasFile.*//' {cf}
mkdir -m 700 -p /var/q-{way}""")
        self.files[way] = cf

    def way_of(self, recipients):
        domain = recipients[0].split("@")[1]
        return domain if domain in self.files else "p25.test"

    def inject(self, word, body, recipients, sender=USER, queue_only=False):
        self.root.run(
            self.binary, "-Am", "-C", self.files[self.way_of(recipients)],
            "-odq" if queue_only else "-odi", "-i", "-f", sender or "<>",
            "--", *recipients, stdin=self.message(word, body, sender),
            check=False)

    def flush(self):
        for cf in self.files.values():
            self.root.run(self.binary, "-Am", "-C", cf, "-q", check=False)

    def queue_count(self):
        out = self.root.run("sh", "-c", "ls /var/q-*").stdout.decode()
        return len(re.findall(r"^qf", out, re.M))

    def log(self):
        return self.root.run(
            "sh", "-c", "grep -h '^M' /var/q-*/qf* | tail -5",
            check=False).stdout.decode("utf-8", "replace")
