# SPDX-License-Identifier: Apache-2.0
"""Requests by client address, compared with the clients: a series for each of the first 50, the
rest as other, the sum exact.
"""

import pytest
from checks import equal
from sidecar import Sidecar
from sockslab.addresses import CLIENTS6
from truth import settle

pytestmark = pytest.mark.in_lab


@pytest.fixture(scope="module")
def lab(lab):
    lab.clients.ip(*(f"address add {address}/16 dev eth0" for address in MORE))
    return lab


FAMILY = "proxy_requests_by_client_total"
MORE = [f"10.77.3.{n}" for n in range(1, 61)]
ON = "--collector.clients"


def pinned(sidecar):
    return (
        sidecar.proxy.run(
            ["sh", "-c", "ls /sys/fs/bpf/wgsocks/v*/*/clients"], check=False
        ).returncode
        == 0
    )


def start(lab, *arguments):
    return Sidecar(lab.proxies[0], "golden-crab", *arguments)


def by_client(sidecar, truth):
    """The metrics without open connections; they equal the requests of the clients."""
    metrics = settle(sidecar)
    equal(metrics.by(FAMILY, "client"), truth, "by client")
    equal(metrics.sum(FAMILY), metrics.sum("proxy_requests_total"), "the sum")
    equal(metrics.value("wgsocks_exporter_collector_success", collector="clients"), 1, "success")
    equal(metrics.sum("wgsocks_exporter_events_lost_total"), 0, "losses")
    return metrics


def ask(lab, source, *kinds, seed=1, ipv6=False):
    return lab.traffic(*kinds, sources=[source], seed=seed, ipv6=ipv6, concurrency=8).finish()[
        "requests_total"
    ]


def test_sixty_addresses_of_which_fifty_have_names(lab, record_property):
    sidecar = start(lab, ON)
    equal(sidecar.scrape().by(FAMILY, "client"), {"other": 0}, "at first")
    truth = {"other": 0}
    for index, address in enumerate(MORE):
        asked = ask(
            lab, address, f"{1 + index % 4} connect", "1 refused", "1 leavegreeting", seed=index + 1
        )
        truth[address if index < 50 else "other"] = (
            truth.get(address if index < 50 else "other", 0) + asked
        )
    by_client(sidecar, truth)

    # In parallel, in two programs; only the sums are known.
    both = [
        lab.traffic(
            "300 connect",
            "30 blocked",
            "20 nomethod",
            "10 http",
            sources=MORE[first::2],
            seed=70 + first,
        )
        for first in (0, 1)
    ]
    asked = sum(traffic.finish()["requests_total"] for traffic in both)
    metrics = settle(sidecar)
    equal(metrics.sum(FAMILY), metrics.sum("proxy_requests_total"), "the sum")
    equal(metrics.sum(FAMILY), sum(truth.values()) + asked, "the sum, by the clients")
    after = metrics.by(FAMILY, "client")
    equal(after.keys(), truth.keys(), "clients")
    equal(
        [client for client in truth if after[client] <= truth[client]], [], "that asked for nothing"
    )

    # After kill -9 of all processes the BPF programs continue to count; the next exporter shows it.
    sidecar.process.kill()
    sidecar.process.wait()
    after[MORE[3]] += ask(lab, MORE[3], "5 connect")
    after["other"] += ask(lab, MORE[55], "4 connect")
    sidecar = start(lab, ON)
    by_client(sidecar, after)
    sidecar.stop()
    record_property("note", f"{sum(after.values())} requests")


def test_both_families_of_addresses(lab):
    sidecar = start(lab, ON)
    truth = {"other": 0}
    for index, address in enumerate(CLIENTS6):
        truth[address] = ask(
            lab, address, f"{index + 1} connect", "2 connect shape=bytes", seed=index + 1, ipv6=True
        )
    truth[MORE[0]] = ask(lab, MORE[0], "7 connect", "3 connect shape=bytes", "2 nomethod")
    by_client(sidecar, truth)
    sidecar.stop()


def test_disabled_collector_exports_and_keeps_nothing(lab):
    sidecar = start(lab, ON)
    first = ask(lab, MORE[0], "9 connect")
    by_client(sidecar, {MORE[0]: first, "other": 0})
    equal(pinned(sidecar), True, "pinned while on")
    sidecar.process.kill()
    sidecar.process.wait()

    sidecar = start(lab)
    equal(pinned(sidecar), False, "addresses are kept")
    second = ask(lab, MORE[1], "5 connect")
    metrics = settle(sidecar)
    equal(metrics.find(FAMILY), [], "samples")
    equal(
        "clients" in metrics.by("wgsocks_exporter_collector_success", "collector"),
        False,
        "success of clients",
    )
    equal(metrics.sum("proxy_requests_total"), first + second, "the counters go on")
    sidecar.process.kill()
    sidecar.process.wait()

    sidecar = start(lab, ON)  # earlier requests have lost their address
    third = ask(lab, MORE[1], "4 connect")
    by_client(sidecar, {MORE[1]: third, "other": first + second})
    sidecar.stop()
