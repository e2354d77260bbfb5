#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The raw-segment driver: what each case claims to be true is what a real server makes of it."""

import os
import select

from harness import add_case, equal, run_cases
from sockslab import Lab, enter, wait_until
from sockslab.segments import CASES, run_case


def check_scripted(lab, one, ipv6):
    proxy = lab.proxies[0]
    before = proxy.tcp_counters()["PassiveOpens"]
    run_case(lab, proxy, one, ipv6)
    if one.outcome is not None:
        equal(proxy.scripted_note(), {"command": one.command, "outcome": one.outcome}, "the server's")
    wait_until(lambda: proxy.ss().clients == 0, what="no client left")
    opens = proxy.tcp_counters()["PassiveOpens"] - before
    equal(opens, one.tally()["client_connections"], "connections")
    equal(select.select([proxy.scripted.stdout], [], [], 0)[0], [], "the server met another request")


def check_dante(lab, one, ipv6):
    """danted replies as the case says, and connects once."""
    proxy = lab.proxies[1]
    before = proxy.tcp_counters()
    run_case(lab, proxy, one, ipv6)
    wait_until(lambda: proxy.ss().clients == 0, what="no client left")
    after = proxy.tcp_counters()
    equal(after["PassiveOpens"] - before["PassiveOpens"], 1, "connections")
    equal(after["ActiveOpens"] - before["ActiveOpens"], 1 if one.outcome == "success" else 0, "upstream connects")


def make_cases():
    for one in CASES:
        for ipv6 in one.families:
            family = "IPv6" if ipv6 else "IPv4"
            add_case(f"{one.name}: {family}, scripted server",
                     lambda lab, one=one, ipv6=ipv6: check_scripted(lab, one, ipv6))
            if not one.scripted:
                add_case(f"{one.name}: {family}, dante",
                         lambda lab, one=one, ipv6=ipv6: check_dante(lab, one, ipv6))


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    make_cases()
    enter()
    with Lab(proxies=2) as the_lab:
        the_lab.proxies[0].start_scripted()
        run_cases(the_lab)
