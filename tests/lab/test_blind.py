#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The witness of what the kernel hides from tracing programs: silent while it sees all, and not when it is kept away."""

import sys

from blind import Blind
from harness import case, equal, run_cases
from sockslab import Lab, enter, wait_until


@case
def test_silent_while_it_sees_all(lab, blind):
    # Repeated: where the kernel really hides something, the witness is right to tell.
    def quiet(seed):
        blind.begin()
        lab.traffic("40 connect", "10 refused", "5 abort", "5 leaveconnect rst", seed=seed).finish()
        wait_until(lambda: not any(vars(lab.proxies[0].ss()).values()), 30, "the sockets to be gone")
        return wait_until(lambda: not blind.why(), 2, "silence")
    equal(any(quiet(seed) for seed in (1, 2)), True, "silent")


@case
def test_tells_when_both_copies_were_kept_away(lab, blind):
    blind.begin()
    traffic = lab.traffic("20 hold", seed=3)
    traffic.wait_quiet()
    blind.stop()
    traffic.release()
    traffic.kill()
    wait_until(lambda: not any(vars(lab.proxies[0].ss()).values()), 30, "the sockets to be gone")
    equal("never ended" in (blind.why() or ""), True, "told")


def main():
    enter()
    with Lab(proxies=1) as lab, Blind(lab.proxies) as blind:
        return run_cases(lab, blind)


if __name__ == "__main__":
    sys.exit(main())
