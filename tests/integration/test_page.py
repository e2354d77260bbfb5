# SPDX-License-Identifier: Apache-2.0
"""The page at / in a real browser: its numbers compared with /metrics and the lab, access rules,
auto-refresh. Pictures are in build/page.
"""

import contextlib
import gzip
import http.client
import os
import re
import signal
import time

import axe
import browser
import pytest
from checks import equal
from node import Node, World
from sidecar import ROOT, Sidecar
from sockslab import LightProxies, addresses, wait_until
from truth import settle

pytestmark = [
    pytest.mark.in_lab,
    pytest.mark.skipif(bool(browser.missing()), reason=f"no {browser.missing()} here"),
]


def outside():
    axe.fetch()


@pytest.fixture(scope="module", autouse=True)
def s():
    if not axe.script():
        pytest.skip("no axe-core from npm here")
    with stage() as made:
        yield made


URL = "http://127.0.0.1:9090/"
LONG = ("a-proxy-whose-name-is-long-" * 12)[:300]
NAMES = ["golden-crab", LONG, "<b>\"free\" & 'salmon'</b>"]
CRAB, SALMON = NAMES[0], NAMES[2]
PICTURES = ROOT / "build" / "page"
WIDTHS = (360, 414, 768, 1280, 1920)
LIMIT = 60_000
AROUND = f"{addresses.TARGET4}/32 via {addresses.INET_UNDERLAY4} dev eth0"


def fetch(path="/", method="GET", headers=None, decode=bytes.decode):
    connection = http.client.HTTPConnection("127.0.0.1", 9090, timeout=15)
    try:
        connection.request(method, path, headers=headers or {})
        answer = connection.getresponse()
        return answer, decode(answer.read())
    finally:
        connection.close()


class Page:
    """The browser on the page, and its visible content."""

    def __init__(self, chromium, script):
        self.chromium, self.axe = chromium, script

    def open(self, query="", **look):
        self.chromium.look(**look)
        self.chromium.requests()
        self.chromium.open(URL + query)

    def run(self, script, *arguments):
        return self.chromium.run(script, *arguments)

    def summary(self):
        return self.run("return document.querySelector('.sum h2').textContent")

    def rows(self):
        """{name: state}, in table order."""
        return dict(
            self.run(
                "return [...document.querySelectorAll('tbody tr:not([hidden])')].map(r => "
                "[r.cells[0].textContent.trim(), r.cells[1].textContent.trim()])"
            )
        )

    def facts(self):
        """{title: (text, exact numbers)} of the cards."""
        return self.run(
            "return Object.fromEntries([...document.querySelectorAll('article dt')].map(t => "
            "[t.textContent, [t.nextElementSibling.textContent.trim(), "
            "[...t.nextElementSibling.querySelectorAll('data')].map(d => Number(d.value))]]))"
        )

    def reasons(self):
        return self.run(
            "return [...document.querySelectorAll('li.t, li.l')].map(l => l.textContent.trim())"
        )

    def check(self, name, looks=((360, False), (360, True), (1280, False), (1280, True))):
        """No axe findings in these themes, no horizontal scroll bar at any width; takes a picture
        of each theme.
        """
        for width in WIDTHS:
            for dark in (False, True):
                self.chromium.look(width=width, dark=dark)
                equal(
                    self.run("return document.documentElement.scrollWidth"),
                    width,
                    f"{name}: the page's width at {width}",
                )
                if (width, dark) in looks:
                    self.chromium.screenshot(
                        PICTURES / f"{name}-{width}-{'dark' if dark else 'light'}.png"
                    )
                    equal(
                        axe.violations(self.chromium, self.axe),
                        [],
                        f"{name} at {width}, {'dark' if dark else 'light'}",
                    )
        equal(
            [line for line in self.chromium.complaints() if "favicon" not in line],
            [],
            "the console",
        )


class Stage:
    def __init__(self, world, node, page):
        self.world, self.node, self.page = world, node, page
        self.lab = world.lab
        self.views = [node.view(proxy, NAMES[proxy.index]) for proxy in world.lab.proxies]

    def metrics(self, name=CRAB):
        """The samples of this proxy, and those of no proxy."""
        return self.views[NAMES.index(name)].scrape()

    def settle(self):
        for view in self.views:
            settle(view)

    def wait_level(self, name, state):
        def there():
            self.page.open()
            return self.page.rows().get(name) == state

        wait_until(there, 60, f"{name[:20]} to be called {state!r}", every=0.3)


@contextlib.contextmanager
def stage(*arguments):
    PICTURES.mkdir(parents=True, exist_ok=True)
    with (
        World(len(NAMES), dante_env=lambda index: {"PROXY_NAME": NAMES[index]}) as world,
        browser.Browser() as chromium,
    ):
        node = Node("--collector.destinations", *arguments, wait_for=len(NAMES))
        yield Stage(world, node, Page(chromium, axe.script()))


def detail(name):
    return "?proxy=" + "".join(c if c.isalnum() or c in "-_.~" else f"%{ord(c):02X}" for c in name)


def test_headers(record_property):
    answer, text = fetch()
    equal((answer.status, answer.getheader("Content-Type")), (200, "text/html; charset=utf-8"))
    equal(
        (answer.getheader("X-Content-Type-Options"), answer.getheader("Cache-Control")),
        ("nosniff", "no-store"),
    )
    policy = answer.getheader("Content-Security-Policy")
    assert policy.startswith("default-src 'none'; style-src 'sha256-") and "unsafe" not in policy, (
        policy
    )
    equal(
        fetch(method="HEAD")[0].getheader("Content-Length") is not None, True, "HEAD has a length"
    )
    equal(fetch("/" + detail("nobody"))[0].status, 200, "an unknown proxy")
    assert "No proxy named" in fetch("/" + detail("nobody"))[1]
    record_property("note", f"{len(text.encode())} bytes")


def test_the_numbers_are_those_of_the_metrics_and_of_the_clients(s):
    tally = s.lab.traffic(
        "300 connect",
        "40 refused",
        "10 bind",
        "5 blocked",
        "20 transfer down=100000",
        "7 hold",
        seed=1,
        proxies=[s.lab.proxies[0]],
    )
    tally.wait_quiet()
    wait_until(
        lambda: s.metrics().value("proxy_active_connections") == 7 == s.lab.proxies[0].ss().clients,
        20,
        "all but those that hold on to end",
    )
    s.page.open(detail(CRAB))
    metrics, facts = s.metrics(), s.page.facts()
    total = metrics.sum("proxy_requests_total")
    assert total >= 380, total
    equal(facts["Open connections"][1], [metrics.value("proxy_active_connections")])
    equal(facts["Open connections"][1], [s.lab.proxies[0].ss().clients], "ss")
    equal(
        facts["Requests"][1],
        [
            total,
            metrics.value("proxy_requests_successful_total"),
            metrics.value("proxy_requests_failed_total"),
        ],
    )
    equal(facts["Clients"][1], [metrics.value("proxy_client_connections_total")])
    equal(
        facts["Upstream connections"][1],
        [
            metrics.value("proxy_upstream_connects_total"),
            metrics.value("proxy_upstream_active_connections"),
        ],
    )
    equal(facts["Leaks"][1], [0, 0])
    bytes_ = facts["Traffic"][1]
    equal(bytes_[0], bytes_[1] + bytes_[2], "the sum of both directions")
    assert abs(bytes_[0] - metrics.value("proxy_bytes_transferred_total")) < 4000, (
        bytes_,
        "keepalives may pass between the two",
    )
    assert facts["Tunnel wg0"][0].startswith("up: the peer answers; last handshake "), facts[
        "Tunnel wg0"
    ]
    assert "connection_refused 40" in facts["Failure reasons"][0], facts["Failure reasons"]
    assert abs(sum(facts["Destinations, by bytes"][1]) - bytes_[0]) < 4000, (
        facts["Destinations, by bytes"],
        bytes_[0],
    )
    # The history has the ended requests one step later.
    ended = metrics.value("proxy_requests_successful_total") + metrics.value(
        "proxy_requests_failed_total"
    )

    def told():
        s.page.open(detail(CRAB))
        return s.page.facts()["Failed, last 5 minutes"][0].endswith(
            f"{metrics.value('proxy_requests_failed_total')} of {ended:,}"
        )

    wait_until(told, 15, f"{ended} requests in the charts")
    tally.release()
    done = tally.finish()
    equal(done["unexpected_total"], 0, "unexpected")
    s.settle()
    s.page.open(detail(CRAB))
    facts = s.page.facts()
    equal(
        facts["Requests"][1],
        [done["requests_total"], done["successful"], done["failed"]],
        "the clients' tally",
    )
    equal(facts["Clients"][1], [done["client_connections"]], "the clients' connections")
    equal(facts["Open connections"][1], [0])

    def placed():
        s.lab.traffic("5 transfer down=100000", seed=2, proxies=[s.lab.proxies[0]]).finish()
        s.page.open(detail(CRAB))
        return addresses.TARGET4 in s.page.facts()["Destinations, by bytes"][0]

    wait_until(placed, 20, "the target among the destinations")


def test_one_request_and_nothing_from_outside(s):
    s.page.open()
    wait_until(lambda: s.page.run("return document.readyState") == "complete", 10, "the page")
    equal(
        [url for url in s.page.chromium.requests() if not url.startswith(("chrome:", "data:"))],
        [URL],
    )


def test_a_visit_is_no_scrape_and_leaves_the_metrics_alone(s):
    scrapes = []

    def complete():
        """A scrape in which no source failed: on a busy machine the device of the tunnel may answer
        late.
        """
        scrapes.append(s.node.scrape())
        sources = scrapes[-1].find("wgsocks_exporter_collector_success") + scrapes[-1].find(
            "wgsocks_exporter_source_success"
        )
        return all(value for _, _, value in sources) and scrapes[-1]

    def series(metrics):
        return {(name, *sorted(labels.items())) for name, labels, _ in metrics.samples}

    before = wait_until(complete, 10, "a complete scrape")
    for _ in range(20):
        fetch()
    count = len(scrapes)
    after = wait_until(complete, 10, "a complete scrape")
    equal(
        after.value("promhttp_metric_handler_requests_total", code="200"),
        before.value("promhttp_metric_handler_requests_total", code="200") + len(scrapes) - count,
        "scrapes",
    )
    equal(series(before) ^ series(after), set(), "series in one scrape only")


def test_few_proxies(s):
    s.page.open()
    equal(s.page.summary(), "All 3 proxies work")
    equal(set(s.page.rows()), set(NAMES))
    equal(
        s.page.run(
            "return [...document.querySelectorAll('article h2 span')].map(e => "
            "e.textContent).sort()"
        ),
        sorted(NAMES),
        "names in the cards",
    )
    s.page.check("few")
    s.page.open(detail(LONG))
    s.page.check("long-name")
    s.page.open(detail(SALMON))
    equal(s.page.run("return document.querySelector('article h2 span').textContent"), SALMON)
    equal(
        s.page.run("return document.querySelectorAll('article h2 b').length"),
        1,
        "tags that the name brought along",
    )


def test_without_scripts(s):
    s.page.chromium.scripts(False)
    try:
        s.page.open(width=360)
        tree = s.page.chromium.devtools("Accessibility.getFullAXTree")["nodes"]
        words = " ".join(
            node.get("name", {}).get("value", "")
            for node in tree
            if node["role"]["value"] == "StaticText"
        )
        for wanted in (
            "All 3 proxies work",
            "Open connections",
            "Completed requests per minute",
            "Reload to update",
            "Exporter",
            CRAB,
            LONG,
            SALMON,
        ):
            assert wanted in words, f"{wanted} is not to be read: {words[:500]}"
        equal(sum(node["role"]["value"] == "button" for node in tree), 0, "buttons that do nothing")
        roles = {node["role"]["value"] for node in tree}
        assert {"table", "rowheader", "columnheader", "heading", "main", "banner"} <= roles, roles
        s.page.chromium.screenshot(PICTURES / "no-script-360.png")
    finally:
        s.page.chromium.scripts(True)


def test_auto_refresh_keeps_focus_and_scroll(s):
    s.page.open(detail(CRAB), height=300)
    place = s.page.run(
        "window.marker = 1; document.querySelector('details').open = false; "
        "document.querySelector('#pause').focus(); scrollTo(0, 60); return scrollY"
    )
    assert place, "there is nothing to scroll"
    before = s.page.facts()["Clients"][1][0]
    s.lab.traffic("25 connect", seed=5, proxies=[s.lab.proxies[0]]).finish()
    wait_until(lambda: s.page.facts()["Clients"][1][0] == before + 25, 20, "the new number")
    equal(
        s.page.run(
            "return [window.marker, document.querySelector('details').open, "
            "document.activeElement.id, scrollY]"
        ),
        [1, False, "pause", place],
        "marker, closed details, focus, scroll",
    )
    s.page.run("document.querySelector('#pause').click()")
    stood = s.page.run("return document.querySelector('time').dateTime")
    begun = time.monotonic()
    wait_until(lambda: time.monotonic() - begun > 6, 10, "more than the interval")
    equal(
        s.page.run(
            "return [document.querySelector('time').dateTime, "
            "document.querySelector('#pause').textContent]"
        ),
        [stood, "Resume"],
        "paused",
    )
    s.page.run("document.querySelector('#pause').click()")
    wait_until(
        lambda: s.page.run("return document.querySelector('time').dateTime") != stood,
        10,
        "it goes on",
    )
    equal(s.page.run("return document.activeElement.id"), "pause", "the focus")


def test_faulty_proxies_come_first_with_a_reason(s):
    proxy = s.lab.proxies[2]
    proxy.delete_tunnel()
    s.wait_level(SALMON, "Tunnel down")
    equal(s.page.summary(), "1 of 3 proxies has a problem")
    equal(next(iter(s.page.rows())), SALMON, "the first row")
    equal(
        s.page.run("return document.querySelector('article h2 span').textContent"),
        SALMON,
        "the first card",
    )
    assert f"{SALMON}: The interface wg0 is missing or down" in s.page.reasons()[0], (
        s.page.reasons()
    )
    assert "VpnTunnelDown" in s.page.run("return document.querySelector('article').textContent")
    assert s.page.run("return document.title").startswith("1 of 3 proxies has a problem")
    equal(s.metrics(SALMON).value("vpn_connection_status"), 0)
    s.page.check("down")
    proxy.create_tunnel()
    s.wait_level(SALMON, "Works")

    proxy.stop_dante()
    s.wait_level(SALMON, "SOCKS server down")
    assert any(
        "No SOCKS server is listening: new clients are refused." in reason
        for reason in s.page.reasons()
    ), s.page.reasons()
    proxy.start_dante()
    s.wait_level(SALMON, "Works")


def test_failing_requests(s):
    s.lab.traffic("60 refused", seed=7, proxies=[s.lab.proxies[2]]).finish()
    s.wait_level(SALMON, "Requests failing")
    reason = next(reason for reason in s.page.reasons() if "failed (" in reason)
    assert "connection_refused" in reason, reason
    s.page.check("failing")


def test_leaks(s):
    proxy = s.lab.proxies[1]
    proxy.ip(f"route add {AROUND}")
    try:
        s.lab.traffic("12 connect expect=any", seed=8, proxies=[s.lab.proxies[1]]).finish()
        s.settle()
    finally:
        proxy.run(["ip", "route", "del", *AROUND.split()], check=False)
    leaked = s.metrics(LONG).value("proxy_leaked_connections_total")
    assert leaked, "nothing leaked"
    s.wait_level(LONG, "Leaks")
    assert any(
        f"{leaked} connections bypassed the tunnel" in reason for reason in s.page.reasons()
    ), s.page.reasons()
    s.page.open(detail(LONG))
    equal(s.page.facts()["Leaks"][1][0], leaked)
    s.page.check("leak")


def test_the_charts_outlive_the_collector(s):
    s.page.open(detail(CRAB))
    before = s.page.facts()
    s.node.kill()
    s.node.wait_watched(len(NAMES))
    s.page.open(detail(CRAB))
    after = s.page.facts()
    equal(after["Clients"], before["Clients"], "clients")
    assert re.search(r"of [1-9]", after["Failed, last 5 minutes"][0]), after
    assert s.page.run("return document.querySelectorAll('path.line').length") == 2
    assert "collector <data value=1>1</data>" in fetch()[1], "the restart"


def test_a_silent_collector(s):
    """Stop the supervisor too: it would kill a stopped collector."""
    children = s.node.children()
    pids = [s.node.process.pid, children["wgsocks-collect"]]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        begun = time.monotonic()
        s.page.open()
        took = time.monotonic() - begun
        assert s.page.summary().startswith("The collector does not answer."), s.page.summary()
        assert took < 10, took
        equal(set(s.page.rows()), set(NAMES), "the last state")
        assert any(
            re.search(r"last known state, \d+ s ago, without numbers", reason)
            for reason in s.page.reasons()
        ), s.page.reasons()
        s.page.check("silent")
    finally:
        for pid in reversed(pids):
            os.kill(pid, signal.SIGCONT)
    wait_until(lambda: "collector does not answer" not in fetch()[1], 30, "the collector")


def test_two_hundred_proxies(s, record_property):
    with LightProxies() as light:
        light.begin(200 - len(NAMES))
        s.node.wait_watched(200, 60)
        s.page.open()
        size = len(fetch()[1].encode())
        assert size <= LIMIT, f"{size} bytes"
        equal(len(s.page.rows()), 200, "rows")
        # Light proxies have no WireGuard device, so they need attention; proxies with more problems
        # come before them.
        summary = s.page.summary()
        assert re.fullmatch(
            r"\d+ of 200 proxies need attention|"
            r"\d+ of 200 proxies ha(s a problem|ve problems), \d+ need attention",
            summary,
        ), summary
        s.page.check("two-hundred", looks=((360, True), (1280, False)))

        s.page.chromium.look()
        s.page.run(
            "const f = document.querySelector('#seek'); f.focus(); f.value = 'crab-17'; "
            "f.dispatchEvent(new Event('input', {bubbles: true}))"
        )
        wanted = [f"crab-{n}" for n in range(197) if "crab-17" in f"crab-{n}"]
        equal(sorted(s.page.rows()), sorted(wanted), "what the filter leaves")
        stamp = s.page.run("return document.querySelector('time').dateTime")
        wait_until(
            lambda: s.page.run("return document.querySelector('time').dateTime") != stamp,
            20,
            "a renewal",
        )
        equal(sorted(s.page.rows()), sorted(wanted), "the filter after it")
        equal(
            s.page.run("return [document.activeElement.id, document.querySelector('#seek').value]"),
            ["seek", "crab-17"],
            "focus and value",
        )
        s.page.run(
            "const f = document.querySelector('#seek'); f.value = ''; f.dispatchEvent(new "
            "Event('input', {bubbles: true}))"
        )
        s.page.run("document.querySelector('thead button').click()")
        names = list(s.page.rows())
        equal(
            [n for n in names if n.startswith("crab-")],
            [f"crab-{n}" for n in range(197)],
            "sorted by name",
        )
        equal(s.page.run("return document.querySelector('thead th').ariaSort"), "ascending")
        answer, compressed = fetch(headers={"Accept-Encoding": "gzip"}, decode=bytes)
        equal(answer.getheader("Content-Encoding"), "gzip")
        equal(
            gzip.decompress(compressed).decode().count("<tr>"),
            fetch()[1].count("<tr>"),
            "rows, compressed or not",
        )
        times = []
        for _ in range(10):
            begun = time.monotonic()
            fetch()
            times.append(time.monotonic() - begun)
        s.page.open(detail("crab-7"))
        equal(s.page.run("return document.querySelector('article h2 span').textContent"), "crab-7")
        record_property(
            "note",
            f"{size} bytes, {len(compressed)} compressed, median {sorted(times)[5] * 1000:.1f} ms",
        )


def test_page_of_a_sidecar(s):
    """The page of a sidecar shows its proxy in full."""
    proxy = s.lab.proxies[0]
    sidecar = Sidecar(proxy, CRAB, "--no-collector.compat")
    try:
        s.page.chromium.look()
        s.page.chromium.open(f"http://{proxy.addr4}:9090/")
        equal(s.page.summary(), f"{CRAB} works")
        equal(
            s.page.run(
                "return [document.querySelectorAll('table').length, "
                "document.querySelector('article details').open]"
            ),
            [0, True],
            "no table, all facts",
        )
        text = s.page.run("return document.querySelector('main').innerText")
        assert "No charts" in text and "--no-collector.compat" in text and "sidecar" in text, text
        equal(s.page.facts()["Requests"][1][0], sidecar.scrape().sum("proxy_requests_total"))
        s.page.check("sidecar")
    finally:
        sidecar.stop()


def test_it_says_when_nobody_answers(s):
    s.page.open()
    s.node.stop()
    live = wait_until(
        lambda: (
            (text := s.page.run("return document.querySelector('#live').textContent")).startswith(
                "No answer"
            )
            and text
        ),
        30,
        "the page to notice",
    )
    assert "the data below is outdated" in live, live
    s.page.chromium.complaints()
