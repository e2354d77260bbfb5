# SPDX-License-Identifier: Apache-2.0
"""After 100,000 sessions nothing is left. The benchmark runs a million."""

import json

import pytest
from checks import equal
from truth import Before, change, check_rest, settle

pytestmark = pytest.mark.in_lab


@pytest.fixture(scope="module")
def sidecar_options():
    return [f"--proxy.port={PORT}"]


PORT, SESSIONS = 1081, 100_000


def map_state(proxy, name):
    """(memory, entries) of a map, from bpftool."""
    path = f"/sys/fs/bpf/wgsocks/v*/*/{name}"
    shown = proxy.run(["sh", "-c", f"bpftool --json map show pinned {path}"]).stdout
    return json.loads(shown)["bytes_memlock"], len(
        json.loads(proxy.run(["sh", "-c", f"bpftool --json map dump pinned {path}"]).stdout)
    )


def test_a_hundred_thousand_sessions_leave_the_maps_as_they_were(sidecar, record_property):
    proxy = sidecar.proxy
    rest = {name: map_state(proxy, name) for name in ("sessions", "upstreams")}
    before = Before(sidecar)
    ran = json.loads(proxy.run(["build/churn", str(PORT), str(SESSIONS)], timeout=120).stdout)
    after = settle(sidecar)
    network = {key: value - before.network[key] for key, value in proxy.tcp_counters().items()}
    equal(network["ActiveOpens"], SESSIONS, "TcpActiveOpens")
    for name in (
        "proxy_client_connections_total",
        "proxy_upstream_connects_total",
        "proxy_upstream_connect_duration_seconds_count",
    ):
        equal(change(before, after, name), SESSIONS, name)
    equal(
        change(before, after, "proxy_requests_total", command="connect"),
        ran["requests"],
        "requests",
    )
    equal(
        change(before, after, "proxy_request_failures_total", reason="client_abort"),
        ran["requests"],
        "their ends",
    )
    # The kernel hides some ends in softirqs from every program (docs/design/losses.md). The
    # reconciliation finds these ends and counts them.
    lost = change(before, after, "wgsocks_exporter_events_lost_total", cause="recursion")
    assert lost < SESSIONS / 1000, f"{lost} ends were lost"
    check_rest(before, after, lost)
    equal({name: map_state(proxy, name) for name in rest}, rest, "memory and entries of the maps")
    record_property(
        "note",
        f"{ran['connections'] / ran['seconds']:,.0f} sessions/s, {rest['sessions'][0]:,} bytes at "
        f"rest, {lost} ends found later",
    )
