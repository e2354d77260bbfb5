# SPDX-License-Identifier: Apache-2.0
"""A transition hidden from every tracing program: the gauges become correct again, and the loss is
counted.
"""

import contextlib
import json

import pytest
from checks import equal
from sockslab import wait_until
from truth import Before, change, settle

pytestmark = pytest.mark.in_lab
PROGRAMS = "/sys/fs/bpf/wgsocks/v*/*/state_programs"
LOST_SYNS = (
    "table inet unseen { chain c { type filter hook input priority 0; tcp flags & (syn|ack) == syn "
    "drop; }; }\n"
)


def shell(proxy, command):
    return proxy.run(["sh", "-ec", command]).stdout


@contextlib.contextmanager
def unseen_transitions(proxy):
    """Empty the program arrays of the dispatchers: no program handles transitions meanwhile."""
    programs = json.loads(shell(proxy, f"bpftool --json map dump pinned {PROGRAMS}"))
    identities = [
        int.from_bytes(bytes(int(byte, 16) for byte in each["value"]), "little")
        for each in programs
    ]
    equal(len(identities), 2, "programs of transitions")
    shell(
        proxy, "".join(f"bpftool map delete pinned {PROGRAMS} key {key} 0 0 0\n" for key in (0, 1))
    )
    try:
        yield
    finally:
        shell(
            proxy,
            "".join(
                f"bpftool map update pinned {PROGRAMS} key {key} 0 0 0 value id {identity}\n"
                for key, identity in enumerate(identities)
            ),
        )


@contextlib.contextmanager
def connected_unseen(lab, proxy, kind):
    """Connections of `kind` whose upstream side is established while no program runs."""
    lab.inet.run(["nft", "-f", "-"], input=LOST_SYNS)
    traffic = lab.traffic(kind, seed=61)
    wait_until(lambda: proxy.ss().upstream_connecting == 5, 10, "five connects under way")
    with unseen_transitions(proxy):
        lab.inet.run(["nft", "delete", "table", "inet", "unseen"])
        wait_until(lambda: proxy.ss().upstream == 5, 10, "five connections")
    yield traffic


def test_an_established_connection_is_found_by_reconciliation(lab, sidecar):
    before = Before(sidecar)
    with connected_unseen(lab, sidecar.proxy, "5 hold") as traffic:
        after = wait_until(
            lambda: (m := sidecar.scrape()).value("proxy_upstream_active_connections") == 5 and m,
            15,
            "five active connections",
        )
        equal(
            change(before, after, "wgsocks_exporter_events_lost_total", cause="recursion"),
            5,
            "losses",
        )
        traffic.release()
        traffic.finish()
    check_ends(before)


def test_a_connection_whose_first_transition_is_its_end(lab, sidecar):
    """It ends before a reconciliation: it does not count as a failed connect."""
    before = Before(sidecar)
    with connected_unseen(lab, sidecar.proxy, "5 hold") as traffic:
        traffic.release()
        traffic.finish()
    check_ends(before)


def check_ends(before):
    after = settle(before.sidecar)
    equal(change(before, after, "proxy_upstream_connects_total"), 5, "connects")
    equal(change(before, after, "proxy_upstream_connect_failures_total"), 0, "failed connects")
    equal(
        change(before, after, "proxy_upstream_connect_duration_seconds_count"),
        0,
        "durations, which nobody saw",
    )
    equal(change(before, after, "wgsocks_exporter_events_lost_total"), 5, "losses")
    equal(change(before, after, "proxy_requests_successful_total"), 5, "successful requests")
