# SPDX-License-Identifier: Apache-2.0
"""Each number exactly equals that of the clients, ss, the kernel's counters and the link."""

import pytest
from checks import equal
from sidecar import Sidecar
from sockslab import wait_until
from truth import AUTH, MIXED, Before, check_all, settle

pytestmark = pytest.mark.in_lab


@pytest.fixture(scope="module")
def lab_options():
    return {"proxies": 2, "auth": [None, ("golden", "crab")], "connect_timeout": 6}


@pytest.fixture(scope="module")
def sidecars(lab):
    options = ((), ("--collector.clients",))
    return [Sidecar(proxy, name, *more) for proxy, name, more in zip(lab.proxies, NAMES, options)]


NAMES = ("golden-crab", "free-salmon")


def test_mixed_traffic_of_every_kind(lab, sidecars):
    befores = [Before(sidecar) for sidecar in sidecars]
    tally = lab.traffic(*MIXED, concurrency=64, seed=11, each=True).finish(planned=False)
    check_all(befores, tally)


def test_mixed_traffic_over_IPv6(lab, sidecars):
    befores = [Before(sidecar) for sidecar in sidecars]
    # dante does not support it for IPv6 clients
    kinds = [kind for kind in MIXED if not kind.endswith(" udp")]
    tally = lab.traffic(*kinds, concurrency=64, seed=12, each=True, ipv6=True).finish(planned=False)
    check_all(befores, tally)


def test_authentication(lab, sidecars):
    befores = [Before(sidecars[1])]
    tally = lab.traffic(
        "200 connect",
        "50 connect shape=bytes",
        "50 connect shape=onewrite",
        *AUTH,
        "20 abort",
        "20 leavemethod",
        proxies=[lab.proxies[1]],
        concurrency=32,
        seed=13,
    ).finish(planned=False)
    check_all(befores, tally)


def test_twenty_thousand_requests_at_the_highest_rate_on_two_proxies(
    lab, sidecars, record_property
):
    befores = [Before(sidecar) for sidecar in sidecars]
    tally = lab.traffic(
        "8800 connect",
        "600 transfer",
        "600 refused",
        concurrency=128,
        seed=14,
        each=True,
        deadline=120,
    ).finish(planned=False)
    check_all(befores, tally)
    record_property("note", f"{tally['requests_per_second']:.0f} requests/s")


def test_active_connections_equal_ss_without_traffic(lab, sidecars):
    befores = [Before(sidecar) for sidecar in sidecars]
    traffic = lab.traffic(
        "57 hold", "100 connect", "20 refused", concurrency=64, seed=15, each=True
    )
    traffic.wait_quiet()
    for sidecar in sidecars:
        metrics = wait_until(
            lambda s=sidecar: (
                (m := s.scrape()).value("proxy_upstream_active_connections") == 57 and m
            ),
            10,
            "57 held connections",
        )
        sockets = sidecar.proxy.ss()
        equal(metrics.value("proxy_active_connections"), sockets.clients, "active, against ss")
        equal(
            metrics.value("proxy_upstream_active_connections"),
            sockets.upstream,
            "upstream active, against ss",
        )
        equal(sockets.clients, 57, "held")
    traffic.release()
    check_all(befores, traffic.finish())


def test_rate_over_the_last_minute(lab, sidecars):
    before = sidecars[0].scrape()
    requests = before.sum("proxy_requests_total")
    lab.traffic("100 connect", proxies=[lab.proxies[0]], seed=16).finish()
    after = settle(sidecars[0])
    gained = after.value("proxy_request_rate_permin") - before.value("proxy_request_rate_permin")
    equal(after.sum("proxy_requests_total") - requests, 100, "requests")
    if not gained <= 100:
        raise AssertionError(f"the rate rose by {gained} with 100 requests")
    equal(after.value("proxy_request_rate_permin") >= 100, True, "rate holds the last 100")


def test_connections_older_than_the_exporter(lab, sidecars):
    """They are active until they end; their requests are not counted."""
    sidecars[0].stop()
    traffic = lab.traffic("23 hold", "5 silent wait=60000", proxies=[lab.proxies[0]], seed=17)
    wait_until(lambda: lab.proxies[0].ss().clients == 28, 10, "28 connections")
    sidecars[0] = Sidecar(lab.proxies[0], NAMES[0])
    metrics = wait_until(
        lambda: (m := sidecars[0].scrape()).value("proxy_active_connections") == 28 and m,
        10,
        "28 to be adopted",
    )
    equal(metrics.value("proxy_client_connections_total"), 0, "connections")
    traffic.release()
    traffic.kill()
    after = settle(sidecars[0])
    equal(after.value("proxy_active_connections"), 0, "active")
    equal(after.sum("proxy_requests_total"), 0, "requests")
    equal(after.sum("wgsocks_exporter_events_lost_total"), 0, "losses")
