"""The acceptance oracle (RELIABILITY 3.2): what the client was told, what the
next hop got, what was reported, what still lies in the queue → what was lost,
what came out though it was refused, what changed on the way, what came twice
and why. Pure: lists in, a Verdict out."""
from collections import Counter, defaultdict

EXPLAIN_SECONDS = 2.0       # a remote 250 so long before a death of relay
LATE_SECONDS = 0.25         # bytes of a dead relay still lie in the socket
REFUSED, ACKED, UNKNOWN = "refused", "acked", "unknown"


class Sent:
    """A message as the client knows it. `state` is per message; a recipient
    refused at RCPT stands in `refused_rcpts`. t: when the 250 was read."""

    def __init__(self, ident, rcpts, sha):
        self.id, self.rcpts, self.sha = ident, list(rcpts), sha
        self.refused_rcpts = set()
        self.state, self.t, self.reply = REFUSED, None, "not sent"


class Got:
    """A copy as the next hop knows it. t_dot: the final dot came; t: the 250
    was given to the socket; replied: the connection was alive by then."""

    def __init__(self, ident, rcpts, sha, t_dot, t, replied):
        self.id, self.rcpts, self.sha = ident, list(rcpts), sha
        self.t_dot, self.t, self.replied = t_dot, t, replied


class Verdict:
    def __init__(self):
        self.acked = self.unknown = self.refused = self.copies = 0
        self.reported = 0
        self.lost, self.ghosts, self.corrupt = [], [], []
        self.strangers = []
        self.explained, self.unexplained = [], []
        self.ages = []      # of the explained ones, see age_at_death

    @property
    def good(self):
        return not (self.lost or self.ghosts or self.corrupt
                    or self.unexplained or self.strangers)

    def line(self):
        return (f"acked {self.acked}, unknown {self.unknown}, refused "
                f"{self.refused}; copies {self.copies}, reported "
                f"{self.reported}; lost {len(self.lost)}, ghosts "
                f"{len(self.ghosts)}, corrupt {len(self.corrupt)}, duplicates "
                f"{len(self.explained)} explained + {len(self.unexplained)} "
                "not" + (f", strangers {len(self.strangers)}"
                         if self.strangers else ""))

    def details(self, most=5):
        out = []
        for name in ("lost", "ghosts", "corrupt", "unexplained", "strangers"):
            for item in getattr(self, name)[:most]:
                out.append(f"{name}: {item}")
        return out


def age_at_death(copy, deaths):
    """Whether another copy may follow this one: relay died between its dot
    and 2 s after its 250 (or just before the dot was read: what a dead process
    wrote still comes), or the 250 never left. A death is (from, until):
    it fell somewhere between. Seconds from the 250 to the death (0: before
    it left), or None: nothing explains it."""
    ages = [max(0.0, begin - copy.t) for begin, until in deaths
            if copy.t_dot <= until + LATE_SECONDS
            and begin <= copy.t + EXPLAIN_SECONDS]
    return min(ages) if ages else None if copy.replied else 0.0


def judge_duplicates(by_rcpt, deaths, verdict):
    for key, copies in by_rcpt.items():
        copies.sort(key=lambda c: c.t)
        for copy, after in zip(copies, copies[1:]):
            told = (*key, round(copy.t_dot, 3), round(copy.t, 3),
                    round(after.t_dot, 3))
            age = age_at_death(copy, deaths)
            if age is None:
                verdict.unexplained.append(told)
            else:
                verdict.explained.append(told)
                verdict.ages.append(age)


def judge(sent, got, reported=(), kept=(), deaths=()):
    """sent: Sent; got: Got; reported: (id, rcpt) of failure reports; kept:
    (id, rcpt) still queued or held, or (id, None) for all of the message;
    deaths: (from, until) of relay's deaths, same clock as Got."""
    v = Verdict()
    known = {s.id: s for s in sent}
    states = Counter(s.state for s in sent)
    v.acked, v.unknown, v.refused = (states[ACKED], states[UNKNOWN],
                                     states[REFUSED])
    v.copies, v.reported = len(got), len(reported)
    by_rcpt = defaultdict(list)
    for copy in got:
        for rcpt in copy.rcpts:
            by_rcpt[copy.id, rcpt].append(copy)
    ends = set(by_rcpt) | set(reported)
    kept = set(kept)
    for s in sent:
        for rcpt in s.rcpts:
            refused = s.state == REFUSED or rcpt in s.refused_rcpts
            if refused and (s.id, rcpt) in ends:
                v.ghosts.append((s.id, rcpt, s.reply))
            if (s.state == ACKED and not refused
                    and (s.id, rcpt) not in ends
                    and (s.id, rcpt) not in kept and (s.id, None) not in kept):
                v.lost.append((s.id, rcpt, round(s.t, 3)))
    for copy in got:
        s = known.get(copy.id)
        if s is None or not set(copy.rcpts) <= set(s.rcpts):
            v.strangers.append((copy.id, copy.rcpts))
        elif copy.sha != s.sha:
            v.corrupt.append((copy.id, copy.rcpts))
    judge_duplicates(by_rcpt, deaths, v)
    return v


# --- the oracle must be able to fail -----------------------------------------

def self_test():
    """(name, whether it behaved) of each case."""
    def sent(ident="a", state=ACKED, rcpts=("x", "y"), sha="h"):
        s = Sent(ident, rcpts, sha)
        s.state, s.t = state, 1.0
        return s

    def got(rcpts=("x", "y"), t=2.0, sha="h", replied=True, ident="a"):
        return Got(ident, rcpts, sha, t - 0.1, t, replied)

    cases = [
        ("delivered", [sent()], [got()], {}, []),
        ("one recipient lost", [sent()], [got(("x",))], {}, ["lost"]),
        ("all lost", [sent()], [], {}, ["lost"]),
        ("reported", [sent()], [got(("x",))], {"reported": [("a", "y")]}, []),
        ("held", [sent()], [], {"kept": [("a", None)]}, []),
        ("unknown may be absent", [sent(state=UNKNOWN)], [], {}, []),
        ("unknown may come", [sent(state=UNKNOWN)], [got()], {}, []),
        ("ghost", [sent(state=REFUSED)], [got()], {}, ["ghosts"]),
        ("ghost report", [sent(state=REFUSED)], [],
         {"reported": [("a", "x")]}, ["ghosts"]),
        ("corrupt", [sent()], [got(sha="other")], {}, ["corrupt"]),
        ("stranger", [sent()], [got(), got(ident="b")], {}, ["strangers"]),
        ("twice for nothing", [sent()], [got(), got(t=9)], {},
         ["unexplained"]),
        ("twice round a death", [sent()], [got(), got(t=9)],
         {"deaths": [(3.9, 3.9)]}, ["explained"]),
        ("twice, death too late", [sent()], [got(), got(t=9)],
         {"deaths": [(4.2, 4.2)]}, ["unexplained"]),
        ("twice, death before", [sent()], [got(), got(t=9)],
         {"deaths": [(1.5, 1.6)]}, ["unexplained"]),
        ("twice, reply never left", [sent()],
         [got(replied=False), got(t=9)], {}, ["explained"]),
        ("thrice, one death", [sent()], [got(), got(t=9), got(t=20)],
         {"deaths": [(3, 3)]}, ["explained", "unexplained"]),
    ]
    kinds = ("lost", "ghosts", "corrupt", "strangers", "explained",
             "unexplained")
    for name, s, g, more, wanted in cases:
        v = judge(s, g, **more)
        yield name, [k for k in kinds if getattr(v, k)] == sorted(
            wanted, key=kinds.index)
