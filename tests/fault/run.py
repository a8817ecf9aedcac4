#!/usr/bin/env python3
"""The crash and fault tests on the real processes: F1 kills, F2 power cuts,
F6 full and failing disks, F8 damaged spools, and the oracle that judges them.
--nightly runs the long forms. Names (kills, powercut, full, corrupt, oracle)
choose some. Ends with one line "N passed, M failed"."""
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import corrupt                                              # noqa: E402
import full                                                 # noqa: E402
import kills                                                # noqa: E402
import oracle                                               # noqa: E402
import powercut                                             # noqa: E402
from lib import postrider                                   # noqa: E402


class Timed(postrider.Results):
    """Says how long each test took."""

    def test(self, name):
        results, begun = self, time.monotonic()

        class One(postrider._Test):
            def __enter__(self):
                print(f"- {name}", flush=True)
                return super().__enter__()

            def __exit__(self, *what):
                swallowed = super().__exit__(*what)
                print(f"  {time.monotonic() - begun:.1f} s", flush=True)
                return swallowed
        return One(results, name)


def oracle_tests(results, nightly=False):
    with results.test("the oracle can fail"):
        wrong = [name for name, good in oracle.self_test() if not good]
        assert not wrong, wrong


PARTS = {"oracle": oracle_tests, "kills": kills.tests,
         "powercut": powercut.tests, "full": full.tests,
         "corrupt": corrupt.tests}


def main():
    nightly = "--nightly" in sys.argv
    wanted = [a for a in sys.argv[1:] if not a.startswith("-")]
    unknown = set(wanted) - set(PARTS)
    if unknown:
        print(f"no such part: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 64
    results = Timed()
    begun = time.monotonic()
    for name, tests in PARTS.items():
        if not wanted or name in wanted:
            tests(results, nightly)
    print(f"all: {time.monotonic() - begun:.0f} s")
    results.finish()


sys.exit(main())
