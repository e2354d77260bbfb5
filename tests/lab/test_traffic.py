# SPDX-License-Identifier: Apache-2.0
"""The tally of the traffic generator matches danted, the kernel's counters and ss."""

import pytest
from checks import equal, same
from sockslab import LabError, wait_until

pytestmark = pytest.mark.in_lab


@pytest.fixture(scope="module")
def lab_options():
    return {"proxies": 2, "auth": [None, ("golden", "crab")]}


COUNT = 5

# Kind; outcome without and with passwords (None: the same); command; upstream connects of each
# request.
KINDS = [
    ("connect", "success", None, "connect", 1),
    ("connect addr=ipv6", "success", None, "connect", 1),
    ("connect addr=name", "success", None, "connect", 1),
    ("connect addr=name4", "success", None, "connect", 1),
    ("connect addr=name6", "success", None, "connect", 1),
    ("connect rst", "success", None, "connect", 1),
    ("connect socks=4", "success", "general_failure", "connect", 1),
    ("connect socks=4a addr=name", "general_failure", None, "connect", 1),
    ("connect half", "success", None, "connect", 1),
    ("connect shape=bytes", "success", None, "connect", 1),
    ("connect shape=bytes addr=name", "success", None, "connect", 1),
    ("connect shape=onewrite", "success", None, "connect", 1),
    ("transfer", "success", None, "connect", 1),
    ("transfer addr=ipv6", "success", None, "connect", 1),
    ("transfer shape=bytes", "success", None, "connect", 1),
    ("transfer shape=onewrite", "success", None, "connect", 1),
    ("transfer shape=onewrite socks=4", "success", "general_failure", "connect", 1),
    ("transfer banner", "success", None, "connect", 1),
    ("transfer closing", "success", None, "connect", 1),
    ("transfer half", "success", None, "connect", 1),
    ("transfer rst", "success", None, "connect", 1),
    ("transfer up=300000 down=1000000", "success", None, "connect", 1),
    ("bind", "success", None, "bind", 0),
    ("bind addr=ipv6", "success", None, "bind", 0),
    ("bind socks=4", "success", "general_failure", "bind", 0),
    ("bind shape=bytes", "success", None, "bind", 0),
    ("udp", "success", None, "udp_associate", 0),
    ("udp addr=ipv6", "success", None, "udp_associate", 0),
    ("udp addr=name", "success", None, "udp_associate", 0),
    ("refused", "connection_refused", None, "connect", 1),
    ("refused addr=ipv6", "connection_refused", None, "connect", 1),
    ("refused socks=4", "general_failure", None, "connect", 1),
    ("refused shape=bytes", "connection_refused", None, "connect", 1),
    ("blocked", "not_allowed", None, "connect", 0),
    ("blocked addr=ipv6", "not_allowed", None, "connect", 0),
    ("unresolved", "host_unreachable", None, "connect", 0),
    ("timeout", "ttl_expired", None, "connect", 1),
    ("timeout addr=ipv6", "ttl_expired", None, "connect", 1),
    ("timeout half", "ttl_expired", None, "connect", 1),
    ("hostunreach", "host_unreachable", None, "connect", 1),
    ("hostunreach addr=ipv6", "host_unreachable", None, "connect", 1),
    ("netunreach", "network_unreachable", None, "connect", 1),
    ("netunreach addr=ipv6", "network_unreachable", None, "connect", 1),
    ("nomethod", "no_acceptable_method", None, "unknown", 0),
    ("connect auth=good", "no_acceptable_method", "success", None, 1),
    ("connect auth=none", "success", "no_acceptable_method", None, 1),
    ("badauth", "no_acceptable_method", "auth_failed", "unknown", 0),
    ("emptyauth", "no_acceptable_method", "auth_failed", "unknown", 0),
    ("badauth shape=onewrite", "no_acceptable_method", "auth_failed", "unknown", 0),
    ("badcommand", "server_abort", None, "unknown", 0),
    ("badcommand socks=4", "server_abort", None, "unknown", 0),
    ("badaddress", "server_abort", None, "connect", 0),
    ("abort", "client_abort", None, "connect", 1),
    ("abort rst", "client_abort", None, "connect", 1),
    ("abort shape=onewrite", "client_abort", None, "connect", 1),
    ("abort shape=bytes", "client_abort", None, "connect", 1),
    ("unread", "success", None, "connect", 1),
    ("unread rst", "success", None, "connect", 1),
    ("unread shape=onewrite", "success", None, "connect", 1),
    ("unread to=closed", "connection_refused", None, "connect", 1),
    ("leaveconnect", "no_request", None, None, 0),
    ("leaveconnect rst", "no_request", None, None, 0),
    ("leavegreeting", "no_request", None, None, 0),
    ("leavegreeting rst", "no_request", None, None, 0),
    ("leavemethod", "no_request", None, None, 0),
    ("leavemethod rst", "no_request", None, None, 0),
    ("silent", "no_request", None, None, 0),
    ("http", "no_request", None, None, 0),
    ("tls", "no_request", None, None, 0),
    ("zeros", "no_request", None, None, 0),
]


def truth(outcome, command):
    """The tally of COUNT connections with this outcome."""
    commands = dict.fromkeys(("connect", "bind", "udp_associate", "unknown"), 0)
    if outcome == "no_request":
        return {
            "client_connections": COUNT,
            "no_request": COUNT,
            "requests_total": 0,
            "requests": commands,
            "successful": 0,
            "failed": 0,
        }
    if outcome in ("no_acceptable_method", "auth_failed"):
        command = "unknown"
    commands[command or "connect"] = COUNT
    failures = {} if outcome == "success" else {outcome: COUNT}
    return {
        "client_connections": COUNT,
        "no_request": 0,
        "requests_total": COUNT,
        "requests": commands,
        "successful": COUNT if outcome == "success" else 0,
        "failed": sum(failures.values()),
        "failures": failures,
    }


def settled(lab):
    wait_until(lambda: all(proxy.ss().clients == 0 for proxy in lab.proxies), 10, "no client left")


def opens(proxy):
    counters = proxy.tcp_counters()
    return counters["ActiveOpens"], counters["PassiveOpens"]


@pytest.mark.parametrize("ipv6", [False, True], ids=["IPv4", "IPv6"])
@pytest.mark.parametrize("row", KINDS, ids=lambda row: row[0])
def test_kind(lab, row, ipv6):
    kind, without, with_password, command, connects = row
    outcomes = [without, with_password or without]
    before = [opens(proxy) for proxy in lab.proxies]
    # The generator expects the outcome at a proxy with the auth that the kind is meant for.
    tally = lab.traffic(f"{COUNT} {kind} expect=any", each=True, ipv6=ipv6, concurrency=10).finish()
    settled(lab)
    for proxy, begun, outcome, seen in zip(
        lab.proxies, before, outcomes, tally["by_proxy"], strict=True
    ):
        same(seen, truth(outcome, command), proxy.name)
        active, passive = (now - then for now, then in zip(opens(proxy), begun, strict=True))
        heard = not (
            outcome in ("no_acceptable_method", "auth_failed")
            or (outcome == "general_failure" and without != outcome)
            or ("socks=4" in kind and proxy.auth)
        )
        equal(active, COUNT * connects if heard else 0, f"{proxy.name}: upstream connects")
        # An accepted BIND is also a passive open.
        accepted = COUNT if command == "bind" and outcome == "success" else 0
        equal(passive, COUNT + accepted, f"{proxy.name}: connections accepted")
        check_asked(seen, active)
        check_payload(proxy, kind, seen, outcome)


def check_asked(seen, active):
    asked = seen["asked"]
    equal(sum(asked.values()) - asked["blocked"] - asked["unresolved"], active, "asked for")


def check_payload(proxy, kind, seen, outcome):
    if not kind.startswith("transfer") or outcome != "success":
        return
    sizes = dict(word.split("=") for word in kind.split() if "=" in word)
    down = int(sizes.get("down", 10000)) + (16 if "banner" in kind else 0)
    equal(seen["payload"]["down"], COUNT * down, f"{proxy.name}: payload")
    if seen["payload"]["up"] <= COUNT * int(sizes.get("up", 1000)):
        raise AssertionError(f"{proxy.name}: only {seen['payload']['up']} bytes up")


def test_an_unexpected_outcome_is_reported(lab):
    try:
        lab.traffic("3 connect expect=connection_refused").finish()
    except LabError as error:
        if "success instead of connection_refused" in str(error):
            return
        raise
    raise AssertionError("it was not")


def test_SOCKS4_clients_that_leave(lab):
    # Only if danted waits for the target: with passwords it answers at once and may be first.
    for kind in ("abort socks=4", "abort socks=4 rst"):
        tally = lab.traffic(f"{COUNT} {kind}", proxies=lab.proxies[:1]).finish()
        same(tally, truth("client_abort", "connect"))
    settled(lab)


def test_each_byte_is_a_segment(lab, record_property):
    proxy = lab.proxies[0]
    before = proxy.tcp_counters()["InSegs"]
    tally = lab.traffic("1 transfer shape=bytes up=2000 down=1", proxies=[proxy]).finish()
    segments = proxy.tcp_counters()["InSegs"] - before
    if segments < tally["bytes"]["sent"]:
        raise AssertionError(f"{tally['bytes']['sent']} bytes in only {segments} segments")
    record_property("note", f"{tally['bytes']['sent']} bytes")


def test_bulk_goes_through_the_tunnel(lab, record_property):
    proxy = lab.proxies[0]
    before = proxy.link_stats()
    tally = lab.traffic("4 transfer up=5000000 down=20000000", proxies=[proxy]).finish()
    after = proxy.link_stats()
    for direction, counter, other in (("down", "rx_bytes", "up"), ("up", "tx_bytes", "down")):
        passed, payload = after[counter] - before[counter], tally["payload"][direction]
        # Headers, and acknowledgements for the other direction.
        if not payload < passed < payload * 1.1 + tally["payload"][other] * 0.1:
            raise AssertionError(f"{payload} bytes {direction}, {passed} in the tunnel")
    record_property(
        "note", f"{sum(tally['payload'].values()) * 8 / tally['duration_seconds'] / 1e6:.0f} Mbit/s"
    )


def test_held_connections_stay_until_released(lab):
    traffic = lab.traffic("20 connect", "7 hold", "3 silent hold", "2 hold down=500", each=True)
    quiet = traffic.wait_quiet()
    equal(quiet["held"], 24, "held")
    for proxy in lab.proxies:
        wait_until(lambda proxy=proxy: proxy.ss().clients == 12, what="12 clients")
        wait_until(lambda proxy=proxy: proxy.ss().upstream == 9, what="9 upstream")
    same(quiet["by_proxy"][0], {"client_connections": 32, "successful": 29, "no_request": 0})
    traffic.release()
    settled(lab)
    same(
        traffic.finish()["by_proxy"][1],
        {"client_connections": 32, "successful": 29, "no_request": 3},
    )


def test_a_seed_makes_the_same_order(lab):
    kinds = ("20 connect", "10 refused", "5 blocked", "30 transfer")
    one, two = (lab.traffic(*kinds, seed=7, concurrency=1).finish() for _ in range(2))
    same(
        two["by_proxy"][0],
        {key: one["by_proxy"][0][key] for key in ("requests", "failures", "bytes", "payload")},
    )


def test_all_kinds_at_once(lab):
    before = [opens(proxy) for proxy in lab.proxies]
    kinds = [f"{COUNT} {row[0]} expect=any" for row in KINDS]
    tally = lab.traffic(*kinds, each=True, concurrency=50, sources=True).finish()
    settled(lab)
    for index, proxy in enumerate(lab.proxies):
        seen = tally["by_proxy"][index]
        equal(seen["client_connections"], COUNT * len(KINDS), f"{proxy.name}: connections")
        equal(seen["requests_total"] + seen["no_request"], seen["client_connections"], "sum")
        equal(seen["successful"] + seen["failed"], seen["requests_total"], "sum")
        expected = {}
        for row in KINDS:
            outcome = row[1 + index] or row[1]
            expected[outcome] = expected.get(outcome, 0) + COUNT
        same(
            {**seen["failures"], "success": seen["successful"], "no_request": seen["no_request"]},
            expected,
        )
        active, passive = (
            now - then for now, then in zip(opens(proxy), before[index], strict=True)
        )
        bound = seen["requests"]["bind"] - (COUNT if proxy.auth else 0)
        equal(passive, seen["client_connections"] + bound, "accepted")
        check_asked(seen, active)


def test_20000_requests_on_two_proxies(lab, record_property):
    tally = lab.traffic("20000 connect", concurrency=100).finish()
    equal(tally["successful"], 20000)
    settled(lab)
    record_property(
        "note",
        f"{tally['requests_per_second']:.0f} requests/s, p99 "
        f"{tally['latency_seconds']['p99'] * 1e3:.1f} ms",
    )
