"""What is held over limits, as `limits show` tells it. Steps of run.py, on a
running service."""
from postrider import Client

ADDRESS = "127.0.0.83"


def send(s, first, count):
    with Client(s.port, source=ADDRESS) as c:
        c.hello("mail.kept.example")
        code, text = c.message(
            "u@kept.example",
            [f"r{i}@local.test" for i in range(first, first + count)],
            "Subject: held\r\n\r\nx\r\n")
        assert code == 250, text
        return text.split()[-1]


def over(s, *more):
    """By limit: messages and recipients that are held."""
    return {r["name"]: (r["held_messages"], r["held_recipients"])
            for r in s.rows("limits", "show", "kept", *more)}


def s6_10_limits_show_tells_what_is_held(s):
    """One licence: 9 recipients in ten minutes."""
    s.cli("customer", "add", "kept", "--licences", "1", "--billing", "paid",
          "--allow-private-addresses", "--over-customer-peak", "hold",
          "--over-customer-day", "hold")
    s.cli("domain", "add", "kept.example", "--customer", "kept", "--verified",
          "operator")
    s.cli("user", "add", "u@kept.example")
    s.cli("setting", "add", "--customer", "kept", "--description", "all",
          "--allowed-senders", "own-domains", "--ip-only")
    s.cli("ip", "add", ADDRESS, "--customer", "kept", "--description", "host")
    nothing = {"customer_day": (0, 0), "customer_peak": (0, 0)}
    assert over(s) == nothing
    first = send(s, 0, 12)
    assert over(s) == {**nothing, "customer_peak": (1, 3)}
    send(s, 20, 2)
    assert over(s) == {**nothing, "customer_peak": (2, 5)}
    assert over(s, "--user", "u@kept.example") == {
        "customer_day": (0, 0), "customer_peak": (2, 5),
        "user_messages": (0, 0), "user_unique": (0, 0)}
    for language, words in (("C.UTF-8", "5 recipients are held"),
                            ("ja_JP.UTF-8", "5 件の宛先")):
        p = s.cli("limits", "show", "kept", env={"LANG": language})
        head, *rows = p.stdout.splitlines()
        assert head.endswith("HELD MESSAGES  HELD RECIPIENTS"), head
        peak, = (r for r in rows if r.startswith("customer_peak"))
        assert peak.split()[-2:] == ["2", "5"], peak
        assert words in p.stderr, p.stderr
    s.cli("queue", "release", first)
    s.wait_for(lambda: over(s) == {**nothing, "customer_peak": (1, 2)})
    s.cli("queue", "remove", "--from", "u@kept.example")
    s.wait_for(lambda: over(s) == nothing)
    assert "held" not in s.cli("limits", "show", "kept").stderr
    s.cli("customer", "remove", "kept")


STEPS = (s6_10_limits_show_tells_what_is_held,)
