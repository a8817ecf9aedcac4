"""3.6: a thousand changes under load. No MAIL command ever meets half a
change, and sessions that stay open follow each. Runs alone, near the end."""
import threading
import time

from postrider import Client

ADDRESS, TIMES, BIG = "127.0.0.40", 1000, 20

# Two states between which each change goes back and forth, all at once:
# in A the setting "one" takes everybody of thousand.example and the second
# domain isn't in force; in B "two" takes registered users only and the second
# domain is in force.
STATE = """\
customers:
  - name: thousand
    licences: 100
    billing: paid
    allow_private_addresses: true
    domains:
      - {{ name: thousand.example, kind: primary, verified: operator }}
      - {{ name: second.example, kind: secondary, verified: {second} }}
    users:
      - {{ address: u@thousand.example }}
    relay_settings:
      - description: one
        allowed_senders: own-domains
        authentication: {{ ip_only: true, require_auth: false }}
        enabled: {one}
        ip_entries:
          - {{ range: 127.0.0.40/32, description: loopback, enabled: {one} }}
      - description: two
        allowed_senders: registered-users
        authentication: {{ ip_only: true, require_auth: false }}
        enabled: {two}
        ip_entries:
          - {{ range: 127.0.0.40/32, description: loopback, enabled: {two} }}
{more}"""


def state(b, more=""):
    word = ("false", "true")
    return STATE.format(second="operator" if b else "pending", one=word[not b],
                        two=word[b], more=more)


def many_entries(n):
    """So many that the change takes several frames on its way to relay."""
    return "".join(
        f"          - {{ range: 10.{n % 200}.{i // 256}.{i % 256}/32, "
        f"description: {'x' * 60}{n}, enabled: true }}\n"
        for i in range(1500))


class Session:
    """Stays open as long as the service's bounds on commands without effect
    let it."""

    def __init__(self, port):
        self.port, self.client, self.said = port, None, 0

    def mail(self, sender):
        if self.client is None or self.said == 8:
            self.close()
            self.client = Client(self.port, source=ADDRESS)
            self.client.hello("client.thousand.example")
            self.said = 0
        self.said += 1
        code = self.client.code(f"MAIL FROM:<{sender}>")
        if code == 250:
            assert self.client.code("RSET") == 250
        return code

    def close(self):
        if self.client is not None:
            self.client.close()


class Load(threading.Thread):
    """Says MAIL until it is told to stop; counts the answers."""

    def __init__(self, port, sender):
        super().__init__()
        self.session, self.sender = Session(port), sender
        self.codes, self.error, self.ended = {}, None, False

    def run(self):
        try:
            while not self.ended:
                code = self.session.mail(self.sender)
                self.codes[code] = self.codes.get(code, 0) + 1
                time.sleep(0.002)
        except Exception as e:          # told by the test's own thread
            self.error = e
        self.session.close()


def change(world, text):
    rows, code = world.service.call("directory.apply", text, prune=True)
    assert code == 0, rows


def s3_6_a_thousand_changes(world):
    port = world.service.port
    change(world, state(False))
    # taken in both states, and in neither; half a change would turn it over
    loads = [Load(port, "u@thousand.example") for _ in range(2)]
    loads += [Load(port, "nobody@second.example") for _ in range(2)]
    for load in loads:
        load.start()
    checker = Session(port)
    try:
        for i in range(TIMES):
            big = many_entries(i) if i % (TIMES // BIG) == 0 else ""
            change(world, state(i % 2 == 0, big))
            code = checker.mail("nobody@thousand.example")
            assert code == (550 if i % 2 == 0 else 250), (i, code)
    finally:
        checker.close()
        for load in loads:
            load.ended = True
        for load in loads:
            load.join()
    for load, code in zip(loads, (250, 250, 550, 550)):
        assert load.error is None, load.error
        assert set(load.codes) == {code}, (load.sender, load.codes)
        assert load.codes[code] > TIMES // 4, load.codes
    print(f"{TIMES} changes, {sum(sum(x.codes.values()) for x in loads)} MAIL "
          "commands meanwhile, none met half of one")


def tests(world, results):
    with results.test("s3_6_a_thousand_changes"):
        s3_6_a_thousand_changes(world)
