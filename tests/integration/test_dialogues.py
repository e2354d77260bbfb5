# SPDX-License-Identifier: Apache-2.0
"""Segments that no kernel sends on purpose: each dialogue is counted by the behaviour of the
server.
"""

import pytest
from checks import equal
from sidecar import Sidecar
from sockslab import wait_until
from sockslab.segments import CASES, run_case

pytestmark = pytest.mark.in_lab


@pytest.fixture(scope="module")
def lab(lab):
    lab.proxies[0].start_scripted()
    return lab


@pytest.fixture(scope="module")
def sidecar(lab):
    return Sidecar(lab.proxies[0], "crab", "--proxy.port=1080")


def settled(sidecar, expected, before):
    """The metrics after the connection has begun and ended."""

    def look():
        metrics = sidecar.scrape()
        gone = metrics.value("proxy_active_connections") == 0
        return (
            gone
            and metrics.value("proxy_client_connections_total")
            == before.value("proxy_client_connections_total") + expected
            and metrics
        )

    return wait_until(look, 10, "the connection to be counted and gone")


def grown(before, after, name, label):
    former = before.by(name, label)
    return {
        key: value - former[key]
        for key, value in after.by(name, label).items()
        if value != former[key]
    }


@pytest.mark.parametrize(
    ("one", "ipv6"),
    [
        pytest.param(one, ipv6, id=f"{one.name}, IPv{6 if ipv6 else 4}")
        for one in CASES
        for ipv6 in one.families
    ],
)
def test_dialogue(lab, sidecar, one, ipv6):
    proxy = lab.proxies[0]
    before = sidecar.scrape()
    run_case(lab, proxy, one, ipv6)
    proxy.scripted_note() if one.outcome is not None else None
    wait_until(lambda: proxy.ss().clients == 0, what="no client left")
    truth = one.tally()
    after = settled(sidecar, truth["client_connections"], before)
    requests = grown(before, after, "proxy_requests_total", "command")
    lost = grown(before, after, "wgsocks_exporter_events_lost_total", "cause")
    # by contract it may then count as a request with unknown command and a loss
    if one.out_of_order and lost:
        equal(sum(requests.values()), sum(truth["requests"].values()), f"requests {requests}")
        equal(sum(lost.values()), 1, f"losses {lost}")
    else:
        equal(requests, truth["requests"], "requests")
        equal(lost, {}, "losses")
    equal(
        after.value("proxy_requests_successful_total")
        - before.value("proxy_requests_successful_total"),
        truth["successful"],
        "successful",
    )
    equal(
        grown(before, after, "proxy_request_failures_total", "reason"),
        truth["failures"],
        "failures",
    )
    return f"lost {lost}" if lost else None
