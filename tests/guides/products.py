"""The products whose guides are followed: each in a private root that is as
its package leaves it, apart from listeners (they share the machine's network)
and DNS. What a reader has that the root lacks stands in for it here: sudo,
systemctl."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "interop"))
from peers import Root  # noqa: E402

import follow  # noqa: E402

HELO = "mail.example.com"
CA_FILE = "/etc/ssl/certs/ca-certificates.crt"


class Product:
    """guide: its id; peer: whose files; opportunistic: what it does where TLS
    is optional; reuses: several messages on a connection."""
    tls, auth, opportunistic, reuses = True, True, True, False
    helo = HELO

    def __init__(self, base, world):
        self.root = Root(self.peer, os.path.join(base, self.guide))
        self.program("sudo", 'exec "$@"')
        self.program("systemctl", "exec /usr/local/bin/restart")
        self.root.write("/etc/resolv.conf",
                        f"nameserver {world.name_server}\n")
        self.root.write("/etc/hosts", "127.0.0.1 localhost\n")
        self.root.write("/etc/nsswitch.conf", "passwd: files\ngroup: files\n"
                        "hosts: files dns\n")
        self.root.write("/etc/mailname", HELO + "\n")
        self.root.run("mkdir", "-p", os.path.dirname(CA_FILE))
        self.root.write(CA_FILE, open(world.ca).read())
        self.prepare()

    def program(self, name, script):
        self.root.write(f"/usr/local/bin/{name}", f"#!/bin/sh\n{script}\n",
                        0o755)

    def prepare(self):
        pass

    def before(self):
        """Puts the files back to what they were before the guide."""

    def several(self, page, n):
        """Sends the test message n times, at once if it can."""
        for _ in range(n):
            follow.follow(self.root, page, ("test",))

    def log(self):
        return ""

    def close(self):
        self.root.close()


class Postfix(Product):
    guide = peer = "postfix"
    reuses = True

    def prepare(self):
        share = "/usr/share/postfix"
        self.root.run("sh", "-c", f"""\
sed -E '/^smtp +inet/d; s/^([^ ]+ +(unix|fifo) +[^ ]+ +[^ ]+ +)y/\\1n/' \
    {share}/master.cf.dist >/etc/postfix/master.cf
cat >>/etc/postfix/master.cf <<END
tlsproxy unix - - n - 0 tlsproxy
END
mkdir -p /var/lib/postfix /var/spool/postfix
chown postfix /var/lib/postfix""")
        self.root.write("/root/main.cf", """\
compatibility_level = 3.6
queue_directory = /var/spool/postfix
data_directory = /var/lib/postfix
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = /tmp/maillog
maillog_file_prefixes = /tmp
inet_interfaces =
inet_protocols = ipv4
mydestination = localhost
alias_maps =
""")
        self.before()
        self.root.run("sh", "-c", "postfix start >/dev/null 2>&1")

    def before(self):
        self.root.run("sh", "-c", "cat /root/main.cf >/etc/postfix/main.cf; "
                      "rm -f /etc/postfix/sasl_passwd")

    def several(self, page, n):
        """One after the other: at once each would open a connection."""
        self.root.run("postconf", "-e", "defer_transports = smtp",
                      "smtp_destination_concurrency_limit = 1")
        self.root.run("postfix", "reload")
        super().several(page, n)
        self.root.run("postconf", "-X", "defer_transports")
        self.root.run("postfix", "reload")
        self.root.run("postqueue", "-f")

    def log(self):
        return self.root.run("tail", "-n", "20", "/tmp/maillog",
                             check=False).stdout.decode("utf-8", "replace")


class Sendmail(Product):
    guide = peer = "sendmail"
    reuses = True

    def prepare(self):
        binary = "/usr/libexec/sendmail/sendmail"
        self.root.run("sh", "-c", """\
mkdir -p /etc/mail/m4 /var/spool/mqueue /var/run/sendmail
for f in dialup provider; do : >/etc/mail/m4/$f.m4; done
: >/etc/mail/local-host-names
: >/etc/mail/access
ln -sf /usr/libexec/sendmail/makemap /usr/local/bin/makemap
chmod 700 /var/spool/mqueue
cat >/root/sendmail.mc </usr/share/sendmail/cf/debian/sendmail.mc
""")
        # The way in through a daemon on port 25 is left out.
        self.program("sendmail", f'exec {binary} -Am -odi -i "$@"')
        self.program("restart", f"{binary} -Am -bt -d0 </dev/null >/dev/null")
        self.before()

    def before(self):
        self.root.run("sh", "-c", """\
cat /root/sendmail.mc >/etc/mail/sendmail.mc
m4 /etc/mail/sendmail.mc >/etc/mail/sendmail.cf
: >/etc/mail/access
rm -f /etc/mail/authinfo /etc/mail/authinfo.db
makemap hash /etc/mail/access </etc/mail/access""")

    def several(self, page, n):
        binary = "/usr/libexec/sendmail/sendmail"
        self.program("sendmail", f'exec {binary} -Am -odq -i "$@"')
        super().several(page, n)
        self.program("sendmail", f'exec {binary} -Am -odi -i "$@"')
        self.root.run(binary, "-Am", "-q")

    def log(self):
        return self.root.run(
            "sh", "-c", "grep -h '^M' /var/spool/mqueue/*/qf* "
            "/var/spool/mqueue/qf* | tail -5",
            check=False).stdout.decode("utf-8", "replace")


class Exim(Product):
    guide = peer = "exim"
    reuses = True

    def prepare(self):
        self.root.write("/root/exim4.conf", """\
domainlist local_domains = @
exim_user = Debian-exim
exim_group = Debian-exim
spool_directory = /var/spool/exim4
log_file_path = /var/log/exim4/%slog
trusted_users = root
never_users =
keep_environment =
begin routers
begin transports
begin retry
* * F,2h,5m
begin authenticators
""")
        self.root.run("sh", "-c", """\
mkdir -p /var/spool/exim4 /var/log/exim4 /etc/exim4
chown -R Debian-exim:Debian-exim /var/spool/exim4 /var/log/exim4""")
        self.program("sendmail", 'exec /usr/sbin/exim4 -odf -i "$@"')
        self.program("restart", "exec /usr/sbin/exim4 -bV >/dev/null")
        self.before()

    def before(self):
        self.root.run("sh", "-c", "cat /root/exim4.conf "
                      ">/etc/exim4/exim4.conf; "
                      "chown root:Debian-exim /etc/exim4/exim4.conf; "
                      "chmod 640 /etc/exim4/exim4.conf")

    def several(self, page, n):
        self.program("sendmail", 'exec /usr/sbin/exim4 -odqs -i "$@"')
        super().several(page, n)
        self.program("sendmail", 'exec /usr/sbin/exim4 -odf -i "$@"')
        self.root.run("/usr/sbin/exim4", "-qq")

    def log(self):
        return self.root.run("tail", "-n", "20", "/var/log/exim4/mainlog",
                             check=False).stdout.decode("utf-8", "replace")


class OpenSmtpd(Product):
    guide = peer = "opensmtpd"
    reuses = True

    def prepare(self):
        # /usr/sbin/smtpd drops to /var/lib/opensmtpd/empty
        self.root.run("sh", "-c", """\
mkdir -p /var/spool/smtpd /var/lib/opensmtpd/empty /run/opensmtpd
chown root:root /var/lib/opensmtpd/empty
chmod 711 /var/spool/smtpd
chown root:opensmtpq /usr/sbin/smtpctl
chmod 2755 /usr/sbin/smtpctl
: >/etc/aliases
sed '/^listen on/d' /etc/smtpd.conf >/root/smtpd.conf""")
        self.program("restart", """\
pkill -x smtpd
while pgrep -x -r RSD smtpd >/dev/null; do sleep 0.05; done
smtpd -v -T smtp >/tmp/log 2>&1
for i in $(seq 100); do smtpctl show status >/dev/null 2>&1 && exit; sleep 0.05; done
exit 1""")
        self.before()

    def before(self):
        self.root.run("sh", "-c", "cat /root/smtpd.conf >/etc/smtpd.conf; "
                      "rm -f /etc/smtpd.secrets")

    def several(self, page, n):
        self.root.run("smtpctl", "pause", "mta")
        super().several(page, n)
        self.root.run("smtpctl", "resume", "mta")

    def log(self):
        return self.root.run("sh", "-c", "smtpctl show queue; tail /tmp/log",
                             check=False).stdout.decode("utf-8", "replace")


class Program(Product):
    peer = "programs"


class Msmtp(Program):
    guide = "msmtp"

    def prepare(self):
        self.root.run("sh", "-c", "grep -q ^msmtp: /etc/group || "
                      "echo msmtp:x:630: >>/etc/group")
        self.program("sendmail", 'exec msmtp "$@"')

    def before(self):
        self.root.run("rm", "-f", "/etc/msmtprc")


class Python(Program):
    guide = "python"

    def prepare(self):
        self.program("python3", f"SSL_CERT_FILE={CA_FILE} "
                     'exec /usr/bin/python3 "$@"')


class Nodemailer(Program):
    guide = "nodemailer"

    def prepare(self):
        self.root.run("sh", "-c", f"mkdir -p {follow.WORK}/node_modules; "
                      "ln -s /usr/share/nodejs/nodemailer "
                      f"{follow.WORK}/node_modules/nodemailer")
        self.program("node", f"NODE_EXTRA_CA_CERTS={CA_FILE} "
                     'exec /usr/bin/node "$@"')


class Php(Program):
    guide = "php"

    def prepare(self):
        self.root.run("sh", "-c", f"""\
mkdir -p {follow.WORK}/vendor
echo '<?php require "/usr/share/php/libphp-phpmailer/autoload.php";' \
    >{follow.WORK}/vendor/autoload.php""")
        self.program("php", "exec /usr/bin/php8.2 "
                     f'-d openssl.cafile={CA_FILE} "$@"')


class Java(Program):
    guide = "java"

    def prepare(self):
        self.root.run("sh", "-c", "keytool -importcert -noprompt -file "
                      f"{CA_FILE} -keystore /root/trust -storepass changeit")
        self.program("java", "exec /usr/bin/java "
                     '-Djavax.net.ssl.trustStore=/root/trust '
                     '-Djavax.net.ssl.trustStorePassword=changeit "$@"')


SERVERS = (Postfix, Sendmail, Exim, OpenSmtpd)
PROGRAMS = (Msmtp, Python, Nodemailer, Php)
