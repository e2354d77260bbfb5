# SPDX-License-Identifier: Apache-2.0
"""collect[] and exclude[] on /metrics: the families of a scrape, refused values, and simultaneous
scrapes with different ones.
"""

import os
import signal
import threading

import pytest
from checks import equal
from exporter import METRICS, Exporter, get
from sidecar import Metrics
from sockslab import wait_until

pytestmark = pytest.mark.in_netns

# One family of each collector, and one of none.
FAMILY = {
    "interface": "proxy_bytes_transferred_total",
    "requests": "proxy_requests_failed_total",
    "sessions": "proxy_active_connections",
    "wireguard": "vpn_tunnel_state",
    "handshakes": "vpn_handshake_initiations_total",
    "dns": "proxy_dns_queries_total",
    "leaks": "proxy_leaked_connections_total",
    "compat": "proxy_success_rate_percent",
}
ALWAYS = (
    "proxy_info",
    "proxy_listener_up",
    "vpn_connection_status",
    "vpn_interface_up",
    "wgsocks_exporter_build_info",
    "wgsocks_exporter_events_lost_total",
    "wgsocks_exporter_program_up",
    "process_cpu_seconds_total",
    "process_open_fds",
    "promhttp_metric_handler_requests_total",
)


def scrape(query=""):
    answer = get(METRICS, "/metrics" + query)
    equal(answer.status, 200, query)
    return Metrics(answer.body.decode())


def check(metrics, wanted, what):
    names = metrics.names()
    equal(
        {name for name, family in FAMILY.items() if family in names},
        set(wanted) & FAMILY.keys(),
        what,
    )
    equal([name for name in ALWAYS if name not in names], [], f"{what}: families of no collector")
    for family in ("success", "duration_seconds"):
        equal(
            set(metrics.by(f"wgsocks_exporter_collector_{family}", "collector")) - {"geoip"},
            set(wanted),
            f"{what}: collector_{family}",
        )
    equal(
        set(metrics.by("wgsocks_exporter_source_success", "collector")) - {"geoip"},
        set(wanted),
        f"{what}: source_success",
    )


def test_only_what_is_collected():
    with Exporter():
        check(scrape(), FAMILY, "all")
        for name in FAMILY:
            check(scrape(f"?collect[]={name}"), [name], name)
        check(scrape("?collect[]=requests&collect[]=dns"), ["requests", "dns"], "two")
        check(
            scrape("?collect%5B%5D=requests&collect%5b%5D=d%6es&collect[]=dns"),
            ["requests", "dns"],
            "percent-encoded",
        )
        check(scrape("?name=x&collect[]=leaks&collect=dns"), ["leaks"], "among others")
        check(scrape("?anything"), FAMILY, "another argument")
        equal(scrape("?collect[]=requests").names() < scrape().names(), True, "a part of all")


def test_all_but_what_is_excluded():
    with Exporter():
        check(scrape("?exclude[]=dns"), FAMILY.keys() - {"dns"}, "one")
        check(
            scrape("?exclude[]=dns&exclude%5B%5D=leaks&exclude[]=clients"),
            FAMILY.keys() - {"dns", "leaks"},
            "two, and one that is off",
        )
        check(scrape("?" + "&".join(f"exclude[]={name}" for name in FAMILY)), [], "each")


def test_what_is_refused():
    with Exporter("--no-collector.leaks"):
        for query, line in (
            ("collect[]=speed", 'unknown collector: "speed"'),
            ("collect[]=requests&collect[]=speed", 'unknown collector: "speed"'),
            ("exclude[]=speed", 'unknown collector: "speed"'),
            ("collect[]=", 'unknown collector: ""'),
            ("collect[]", 'unknown collector: ""'),
            ("collect[]=dns%00", 'unknown collector: "dns?"'),
            ("collect[]=a%22%0d%0ab", 'unknown collector: "a"??b"'),
            ("collect[]=leaks", 'collector is disabled: "leaks"'),
            ("collect[]=clients", 'collector is disabled: "clients"'),
            ("collect[]=cost", 'collector is disabled: "cost"'),
            ("collect[]=dns&exclude[]=requests", "collect[] and exclude[] cannot be combined"),
        ):
            answer = get(METRICS, "/metrics?" + query)
            equal((answer.status, answer.body.decode()), (400, line + "\n"), query)
            equal(answer.headers["content-type"], "text/plain; charset=utf-8", query)
        metrics = scrape()
        equal(metrics.value("promhttp_metric_handler_requests_total", code="400"), 11, "counted")
        check(metrics, FAMILY.keys() - {"leaks"}, "without the one that is off")


def test_a_price_has_its_collector():
    with Exporter("--cost.per-gigabyte=0.05EUR", "--proxy.name=golden-crab"):
        metrics = scrape("?collect[]=cost")
        equal(
            metrics.find("proxy_cost_per_gigabyte"),
            [("proxy_cost_per_gigabyte", {"proxy_name": "golden-crab", "currency": "EUR"}, 0.05)],
        )
        check(metrics, ["cost"], "cost")
        equal(scrape("?exclude[]=cost").find("proxy_cost_per_gigabyte"), [], "excluded")
    os.environ["PROXY_COST_PER_GB"] = "2.5"
    with Exporter():
        equal(scrape().value("proxy_cost_per_gigabyte", currency="USD"), 2.5, "by the variable")
    del os.environ["PROXY_COST_PER_GB"]
    with Exporter():
        equal(scrape().find("proxy_cost_per_gigabyte"), [], "without a price")


def test_scrapes_at_once_get_each_their_own():
    """All wait while the collector is stopped; then each response has exactly the requested
    families.
    """
    wanted = [[name] for name in FAMILY] * 3 + [list(FAMILY)] * 4 + [["requests", "dns"]] * 3
    answers = [None] * len(wanted)

    def ask(index):
        query = (
            ""
            if len(wanted[index]) == len(FAMILY)
            else "?" + "&".join(f"collect[]={name}" for name in wanted[index])
        )
        answers[index] = get(METRICS, "/metrics" + query, 20)

    with Exporter() as exporter:
        scrape()
        pids = (exporter.pid, exporter.children()["collector"])
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        threads = [threading.Thread(target=ask, args=(index,)) for index in range(len(wanted))]
        try:
            for thread in threads:
                thread.start()
            wait_until(
                lambda: (
                    get(
                        METRICS, "/metrics", 5, "X-Prometheus-Scrape-Timeout-Seconds: 0.05\r\n"
                    ).body.find(f"requests_in_flight {len(wanted) + 1}\n".encode())
                    > 0
                ),
                10,
                "all to wait",
            )
        finally:
            for pid in reversed(pids):
                os.kill(pid, signal.SIGCONT)
        for thread in threads:
            thread.join(20)
        for names, answer in zip(wanted, answers, strict=True):
            equal(answer and answer.status, 200, str(names))
            check(Metrics(answer.body.decode()), names, f"at once: {names}")


def test_a_hung_collector_fails_only_requested_collectors():
    with Exporter() as exporter:
        pids = (exporter.pid, exporter.children()["collector"])
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            answer = get(
                METRICS,
                "/metrics?collect[]=dns&collect[]=leaks",
                5,
                "X-Prometheus-Scrape-Timeout-Seconds: 0.2\r\n",
            )
        finally:
            for pid in reversed(pids):
                os.kill(pid, signal.SIGCONT)
        equal(
            Metrics(answer.body.decode()).by("wgsocks_exporter_collector_success", "collector"),
            {"dns": 0, "leaks": 0},
        )
