# SPDX-License-Identifier: Apache-2.0
"""monitoring/grafana: its texts are true, and a real Prometheus over a lab with traffic and faults
answers every query of every panel.
"""

import html
import json
import math
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]

from checks import equal
from dashboard_world import CLIENTS, EXPECTED, IN_DEPTH, NAMES, DashboardWorld
from draw_dashboards import noted, titles_of
from drawing.asks import Dashboard, Prometheus
from drawing.page import show
from pages import commands

pytestmark = [
    pytest.mark.in_lab,
    pytest.mark.skipif(
        not shutil.which("prometheus"), reason="no prometheus (Debian's package prometheus)"
    ),
]


installing = []


def outside():
    """Download from PyPI and npm, which the lab cannot reach; npm takes a minute, in which the lab
    runs its faults.
    """
    subprocess.run([GRAFANA / "generate", "--fetch"], check=False)
    installing.append(
        subprocess.Popen(
            ["sh", "-c", '"$0" >&2; echo $?', GRAFANA / "drawing" / "page.py"],
            stdout=subprocess.PIPE,
            text=True,
        )
    )


@pytest.fixture(scope="module")
def world():
    with World() as made:
        yield made


GRAFANA = ROOT / "monitoring" / "grafana"
PAGES = sorted((GRAFANA / "dashboards").glob("*.json"))

# Families that are on no panel, and why.
NOT_SHOWN = {
    "wgsocks_exporter_listener_events_skipped_total": "a log line names the proxy; nothing is lost",
    "wgsocks_exporter_web_config_last_reload_successful": "only with --web.config.file",
    "wgsocks_exporter_web_config_last_reload_success_timestamp_seconds": "only with "
    "--web.config.file",
    "wgsocks_exporter_web_certificate_expiry_timestamp_seconds": "only with --web.config.file",
    "wgsocks_exporter_web_requests_refused_total": "only with --web.config.file",
}


def page_name(path):
    """For ids: with "leak" for leaks, so that `-k leaks` chooses test_leaks.py alone."""
    return path.stem.removesuffix("s")


def panels(path):
    return [
        panel
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]
        if panel["type"] != "row"
    ]


def expressions(path):
    return [target["expr"] for panel in panels(path) for target in panel["targets"]]


def test_the_dashboards_are_the_generators():
    with tempfile.TemporaryDirectory() as folder:
        made = subprocess.run(
            [GRAFANA / "generate", folder], capture_output=True, text=True, check=False
        )
        if made.returncode and "No matching distribution" in made.stderr:
            pytest.skip("PyPI has no grafana-foundation-sdk for us")
        equal(made.returncode, 0, f"monitoring/grafana/generate: {made.stderr}")
        equal(
            [path.name for path in sorted(pathlib.Path(folder).glob("*"))],
            [path.name for path in PAGES],
            "dashboards",
        )
        for path in PAGES:
            if (pathlib.Path(folder) / path.name).read_text(encoding="utf-8") != path.read_text(
                encoding="utf-8"
            ):
                raise AssertionError(f"{path.name} is not what monitoring/grafana/generate makes")


def test_every_family_is_shown_or_has_its_reason():
    """One line for each missing family: put it on a panel, or into NOT_SHOWN above."""
    families = re.findall(
        r"^\| `(\w+)` \|", (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert len(families) > 70, families
    text = "\n".join(expression for path in PAGES for expression in expressions(path))
    used = {
        re.sub(r"_(bucket|count|sum)$", "", name)
        for name in re.findall(
            r"(?<![\w:])(?:proxy|vpn|wgsocks_exporter|process|promhttp)_\w+(?=[{\[])", text
        )
    }
    used |= set(re.findall(r"(?<![\w:])wgsocks_exporter_\w+", text))
    missing = [
        f"{name} is on no dashboard (monitoring/grafana/generator/pages) and not in NOT_SHOWN of "
        f"tests/integration/test_dashboards.py"
        for name in families
        if name not in used | set(NOT_SHOWN)
    ]
    equal(sorted(used - set(families)), [], "families that do not exist")
    equal(missing, [], "families")
    equal(sorted(set(NOT_SHOWN) & used), [], "in NOT_SHOWN, though they are shown")
    rules = "\n".join(
        path.read_text(encoding="utf-8")
        for path in (ROOT / "monitoring" / "prometheus" / "rules").glob("*.yml")
    )
    records = set(re.findall(r"(?<![\w:])(?:proxy|fleet|wgsocks):[\w:]+", text))
    equal(
        sorted(records - set(re.findall(r"record: (\S+)", rules))), [], "records that do not exist"
    )


def test_every_panel_says_what_it_is():
    uids = {}
    for path in PAGES:
        model = json.loads(path.read_text(encoding="utf-8"))
        uids[model["uid"]] = path.name
        assert model["description"] and "wgsocks" in model["tags"], path.name
        names = [variable["name"] for variable in model["templating"]["list"]]
        equal(names[:2], ["datasource", "job"], f"{path.name}: variables")
        assert {"namespace", "proxy"} <= set(names) or "instance" in names, f"{path.name}: {names}"
        link = model["links"][0]
        equal(
            (link["type"], link["includeVars"], link["keepTime"]),
            ("dashboards", True, True),
            f"{path.name}: links to the others",
        )
        titles = [panel["title"] for panel in model["panels"]]
        equal(
            sorted(title for title in set(titles) if titles.count(title) > 1),
            [],
            f"{path.name}: titles that are there twice",
        )
        for panel in panels(path):
            assert len(panel.get("description", "")) > 8, (
                f"{path.name}: {panel['title']} has no description"
            )
            assert (
                panel["type"] in ("table", "statetimeline", "state-timeline")
                or "unit" in panel["fieldConfig"]["defaults"]
                or "decimals" in panel["fieldConfig"]["defaults"]
                or panel["fieldConfig"]["defaults"].get("mappings")
                or panel["type"] == "stat"
            ), f"{path.name}: {panel['title']} has no unit"
    equal(len(uids), len(PAGES), "dashboards with a uid of their own")


def test_links_lead_somewhere():
    uids = {json.loads(path.read_text(encoding="utf-8"))["uid"] for path in PAGES}
    text = "\n".join(path.read_text(encoding="utf-8") for path in PAGES)
    for uid in set(re.findall(r'"url": "/d/([\w-]+)/', text)):
        assert uid in uids, uid
    for page in set(re.findall(r"\$\{runbooks\}/(\w+)\.md", text)):
        assert (ROOT / "docs" / "runbooks" / f"{page}.md").exists(), page


def test_joins_and_windows():
    """A join names the labels of a proxy; rate windows follow the scrape interval; each sum is over
    one series a proxy.
    """
    for path in PAGES:
        for expression in expressions(path):
            for labels in re.findall(r"\bon \(([^)]*)\)", expression):
                assert labels.replace(" ", "") in (
                    "job,instance,proxy_name",
                    "job,proxy_name",
                    "job,instance",
                    "alertname,subject",
                    "job,instance,map",
                ), f"{path.name}: on ({labels}) in {expression}"
            for window in re.findall(r"\brate\([^\[]*\[([^\]]*)\]", expression):
                equal(window, "$__rate_interval", f"{path.name}: window of a rate in {expression}")
            if path.stem != "exporter":
                assert (
                    not re.search(
                        r"sum(?: by \([^)]*\))? \(+(?:rate|increase)?\(*(?:proxy|vpn)_", expression
                    )
                    or "by (job, instance" in expression
                ), f"{path.name}: {expression}"


def shown(series):
    """Whether any data is visible."""
    return any(
        not math.isnan(value)
        for _labels, values in series
        for value in ([values] if isinstance(values, float) else [value for _at, value in values])
    )


@pytest.mark.parametrize("path", PAGES, ids=page_name)
def test_every_query_has_an_answer(world, path, record_property):
    dashboard = Dashboard(
        path, world.prometheus, *world.time(path), 1000, world.chosen(path), young=True
    )
    count, empty = 0, []
    for panel in dashboard.panels():
        for target, series in dashboard.run(panel, 120):
            count += 1
            if not shown(series):
                empty.append(f"{panel['title']} ({target['refId']}: {target['legendFormat']})")
    equal(empty, [], "panels without data")
    record_property("note", f"{count} queries")


def query_of(path, title, column=None):
    """The first value, or that of a column of a table."""
    panel = next(
        panel
        for panel in panels(GRAFANA / "dashboards" / f"{path}.json")
        if panel["title"] == title
    )
    ref = "A"
    if column:
        names = next(
            step["options"]["renameByName"]
            for step in panel["transformations"]
            if step["id"] == "organize"
        )
        ref = next(field for field, name in names.items() if name == column)[-1]
    return next(target["expr"] for target in panel["targets"] if target["refId"] == ref)


def test_nothing_counts_twice(world):
    """Each proxy has a sidecar and an agent; the panels show the numbers of one of them."""
    dashboard = Dashboard(
        GRAFANA / "dashboards" / "fleet.json",
        world.prometheus,
        *world.time(GRAFANA / "dashboards" / "fleet.json"),
        1000,
    )

    def ask(path, title, column=None):
        return world.prometheus.instant(
            dashboard.interpolate(query_of(path, title, column), 120), dashboard.end
        )

    both = {
        labels["proxy_name"]
        for labels, _value in world.prometheus.instant(
            "count by (proxy_name) (proxy_info) == 2", dashboard.end
        )
    }
    equal(sorted(both), sorted(set(NAMES) - {"sleepy-seal"}), "proxies that two exporters show")
    equal(ask("fleet", "Proxies")[0][1], len(NAMES), "proxies")
    for name, what in (
        ("proxy_bytes_transferred_total", "Bytes so far"),
        ("proxy_active_connections", "Active connections"),
    ):
        raw = {}
        for labels, value in world.prometheus.instant(name, dashboard.end):
            raw.setdefault(labels["proxy_name"], []).append(value)
        shown_now = {
            labels["proxy_name"]: value
            for labels, value in ask("proxy-pool-dashboard", "Proxy pool status", what)
        }
        equal(
            shown_now, {proxy: max(values) for proxy, values in raw.items()}, f"{name} in the table"
        )
    equal(
        ask("proxy-pool-dashboard", "Active connections")[0][1],
        sum(shown_now.values()),
        "connections of all",
    )
    # The sum of both would be twice the clients' rate.
    quiet = dashboard.interpolate(query_of("fleet", "Proxy status", "Requests/s"), 120).replace(
        "[4s]", "[20s]"
    )
    rates = {
        labels["proxy_name"]: value
        for labels, value in world.prometheus.instant(quiet, dashboard.end)
    }
    asked = sum(float(spec.split(",")[0]) for spec in CLIENTS["free-salmon"])
    assert 0.75 * asked < rates["free-salmon"] < 1.25 * asked, (
        f"free-salmon: {rates['free-salmon']} requests a second instead of {asked}"
    )


def test_first_panels_show_the_faults(world):
    path = GRAFANA / "dashboards" / "fleet.json"
    dashboard = Dashboard(path, world.prometheus, *world.time(path), 1000)
    first = {panel["title"]: dashboard.run(panel)[0][1] for panel in dashboard.panels()[:9]}
    assert first["Critical alerts"][0][1] >= 4 and first["Warnings"][0][1] >= 1, first
    equal(
        [
            first[title][0][1]
            for title in ("Proxies not usable", "Exporters down", "Proxies", "Not watched")
        ],
        [1, 1, len(NAMES), 0],
        "figures",
    )
    assert first["Leaked in 15 min"][0][1] > 0, first
    listed = {
        (labels["alertname"], labels["subject"].strip())
        for labels, _value in first["Firing alerts"]
    }
    silent = f"{world.proxies['sleepy-seal'].addr4}:9090 sleepy-seal-0"
    wanted = {(alert, name or silent) for alert, name in EXPECTED}
    equal(sorted(wanted - listed), [], "alerts that the table does not show")


def test_variables(world):
    path = GRAFANA / "dashboards" / "fleet.json"
    dashboard = Dashboard(path, world.prometheus, *world.time(path), 1000)
    equal(dashboard.values["job"], ["wgsocks"], "jobs")
    equal(dashboard.values["proxy"], sorted(NAMES), "proxies, that of the silent exporter too")
    namespaces = next(
        variable
        for variable in dashboard.model["templating"]["list"]
        if variable["name"] == "namespace"
    )
    # For a proxy that only an agent shows and that is in no pod, the namespace is that of the
    # agent.
    equal(dashboard.options(namespaces), ["monitoring", "vpn"], "namespaces")
    one = Dashboard(path, world.prometheus, *world.time(path), 1000, {"namespace": ["vpn"]})
    assert (
        IN_DEPTH in one.values["proxy"]
        and one.interpolate('proxy_info{proxy_name=~"$proxy|"}', 100).count("(") == 1
    ), one.values
    equal(
        Dashboard(
            path, world.prometheus, *world.time(path), 1000, {"namespace": ["elsewhere"]}
        ).values["proxy"],
        [],
        "proxies of another namespace",
    )
    equal(dashboard.interpolate("${__rate_interval} $__interval", 100000), "4s 1s", "intervals")


@pytest.mark.parametrize("path", PAGES, ids=page_name)
def test_a_picture(world, path):
    """The components of Grafana show every panel with data; docs/ has a picture with the same
    panels.
    """
    model = json.loads(path.read_text(encoding="utf-8"))
    texts = {html.unescape(text) for text in re.findall(r">([^<]+)<", world.page(model["uid"]))}
    equal(sorted({"No data", "NaN"} & texts), [], "panels without a value")
    equal(sorted(set(titles_of(model)) - texts), [], "panels that are not shown")
    kept = ROOT / "docs" / "dashboards" / f"{path.stem}.png"
    assert kept.stat().st_size <= 300_000, f"{kept} has {kept.stat().st_size} bytes"
    equal(
        noted(kept),
        titles_of(model),
        f"panels of {kept} (tests/integration/draw_dashboards.py docs/dashboards)",
    )


def test_commands_of_the_readme(world):
    world.wait_components()
    found = [line for block in commands(GRAFANA / "README.md") for line in block.lines]
    assert len(found) >= 3, found
    with tempfile.TemporaryDirectory() as folder:
        for name in ("monitoring", "docs"):
            shutil.copytree(ROOT / name, pathlib.Path(folder) / name)
        (pathlib.Path(folder) / "build" / "pictures").mkdir(parents=True)
        for name in ("grafana", "drawing"):
            if (ROOT / "build" / name).exists():
                (pathlib.Path(folder) / "build" / name).symlink_to(ROOT / "build" / name)
        shutil.copytree(GRAFANA / "dashboards", pathlib.Path(folder) / "build" / "my-dashboards")
        for command in found:
            done = subprocess.run(
                ["sh", "-ec", command.replace(":9090", ":9091")],
                cwd=folder,
                capture_output=True,
                text=True,
                check=False,
            )
            equal(done.returncode, 0, f"{command}: {done.stderr}")
        assert "git.mine.example/proxies/wgsocks_exporter/docs/runbooks" in (
            pathlib.Path(folder) / "build" / "my-dashboards" / "fleet.json"
        ).read_text(encoding="utf-8")
        equal(len(list((pathlib.Path(folder) / "build" / "pictures").glob("*.png"))), 2, "pictures")


class World(DashboardWorld):
    def __init__(self):
        super().__init__()
        self.installed, self.shown = None, {}

    def wait_components(self):
        self.installed = self.installed or installing[0].stdout.read().strip()
        if int(self.installed) == os.EX_UNAVAILABLE:
            pytest.skip("npm cannot install Grafana's components")
        equal(self.installed, "0", "drawing/page.py")

    def page(self, uid):
        """Write the HTML of one dashboard; Chromium renders all of them in parallel."""
        self.wait_components()
        if not self.shown:
            made = show(
                [
                    Dashboard(
                        path, self.prometheus, *self.time(path), 1000, self.chosen(path), young=True
                    )
                    for path in PAGES
                ]
            )
            _head, *parts = re.split(r'<main id="([\w-]+)"', made)
            self.shown = dict(zip(parts[::2], parts[1::2], strict=True))
        return self.shown[uid]

    def __enter__(self):
        super().__enter__()
        self.trouble()
        self.wait_trouble()
        self.prometheus = Prometheus("http://127.0.0.1:9091")
        return self

    def time(self, path):
        """The time range from the first scrape on; for history, two months."""
        end = time.time()
        return (end - 30 * 86400 if path.stem == "history" else self.begun - 2), end

    def chosen(self, path):
        return {"proxy": IN_DEPTH} if path.stem == "proxy" else {}
