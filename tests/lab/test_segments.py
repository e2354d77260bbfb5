# SPDX-License-Identifier: Apache-2.0
"""The raw-segment driver: the expected counts of each case match the behaviour of a real server."""

import select

import pytest
from checks import equal
from sockslab import wait_until
from sockslab.segments import CASES, run_case

pytestmark = pytest.mark.in_lab


@pytest.fixture(scope="module")
def lab_options():
    return {"proxies": 2}


@pytest.fixture(scope="module")
def lab(lab):
    lab.proxies[0].start_scripted()
    return lab


FAMILIES = [
    pytest.param(one, ipv6, id=f"{one.name}, IPv{6 if ipv6 else 4}")
    for one in CASES
    for ipv6 in one.families
]


@pytest.mark.parametrize(("one", "ipv6"), FAMILIES)
def test_scripted_server(lab, one, ipv6):
    proxy = lab.proxies[0]
    before = proxy.tcp_counters()["PassiveOpens"]
    run_case(lab, proxy, one, ipv6)
    if one.outcome is not None:
        equal(
            proxy.scripted_note(), {"command": one.command, "outcome": one.outcome}, "the server's"
        )
    wait_until(lambda: proxy.ss().clients == 0, what="no client left")
    opens = proxy.tcp_counters()["PassiveOpens"] - before
    equal(opens, one.tally()["client_connections"], "connections")
    equal(
        select.select([proxy.scripted.stdout], [], [], 0)[0], [], "the server met another request"
    )


@pytest.mark.parametrize(
    ("one", "ipv6"), [family for family in FAMILIES if not family.values[0].scripted]
)
def test_dante(lab, one, ipv6):
    """Assert that danted replies as the case states, and connects once."""
    proxy = lab.proxies[1]
    before = proxy.tcp_counters()
    run_case(lab, proxy, one, ipv6)
    wait_until(lambda: proxy.ss().clients == 0, what="no client left")
    after = proxy.tcp_counters()
    equal(after["PassiveOpens"] - before["PassiveOpens"], 1, "connections")
    equal(
        after["ActiveOpens"] - before["ActiveOpens"],
        1 if one.outcome == "success" else 0,
        "upstream connects",
    )
