# SPDX-License-Identifier: Apache-2.0
"""Shared by all suites: private namespaces for modules that need them, and fixtures for the lab, a
proxy, a sidecar and an agent."""

import collections

import namespaces
import pytest
from node import Node, World
from sidecar import Sidecar, join_underlay, kill_all
from sockslab import PATIENCE, Lab

# The slowest files come first, so that none runs alone at the end of a parallel run.
LONGEST = [
    f"test_{name}.py"
    for name in (
        "dashboards",
        "alerts",
        "install",
        "collector",
        "demo",
        "traffic",
        "charts",
        "page",
        "web_bad_input",
        "node_identity",
        "wireguard",
        "zero_gap",
        "many",
        "dns",
        "docs",
        "truth",
        "node",
        "supervisor",
        "reasons",
        "chart_rights",
        "rules",
        "compat",
        "odd_networks",
        "leaks",
        "destinations",
        "segments",
        "handshakes",
        "web_config",
    )
]


def pytest_collection_modifyitems(items):
    items.sort(
        key=lambda item: (
            LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST)
        )
    )


def pytest_addoption(parser):
    parser.addoption(
        "--lines", action="store_true", help="a line for each test, as tests/run reads it"
    )


@pytest.hookimpl(trylast=True)  # after pytest-timeout has read its option
def pytest_configure(config):
    try:
        config._env_timeout = float(config.getini("timeout")) * PATIENCE  # of pytest-timeout
    except ValueError:
        raise pytest.UsageError(
            "this pytest has no pytest-timeout: use Debian's, /usr/bin/python3 -m pytest"
        ) from None
    config.pluginmanager.register(namespaces.Plugin(), "namespaces")
    if config.getoption("lines") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Lines(), "lines")


class Lines:
    """Print "ok NAME", "not ok NAME: reason" or "skip NAME: reason" for each test, and "# FILE: N
    tests, T s" after each file."""

    def __init__(self):
        self.left, self.took, self.count, self.verdicts = (
            collections.Counter(),
            collections.Counter(),
            collections.Counter(),
            {},
        )
        self.crashed = set()

    def _begin(self, ids):
        if not self.left:
            self.left = collections.Counter(name.split("::")[0] for name in ids)

    def pytest_collection_finish(self, session):
        self._begin([item.nodeid for item in session.items])

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids):
        self._begin(ids)

    def pytest_sessionfinish(self):
        """Reports the tests that did not run because a test ended their worker."""
        for file, count in self.left.items():
            if count > 0:
                print(f"not ok {file}: {count} tests did not run", flush=True)

    def pytest_report_teststatus(self, report):
        """No progress letters: the lines replace them."""
        return (
            (report.outcome, "", report.outcome.upper())
            if report.when == "call" or not report.passed
            else ("", "", "")
        )

    def pytest_collectreport(self, report):
        if report.failed:
            print(f"not ok {report.nodeid}: {_reason(report)}", flush=True)

    def pytest_runtest_logreport(self, report):
        name, file = report.nodeid, report.nodeid.split("::")[0]
        self.took[file] += report.duration
        if report.when == "call" or not report.passed:
            worst = self.verdicts.get(name)
            if worst is None or (worst[0] == "ok" and report.failed):
                self.verdicts[name] = (
                    {"passed": "ok", "failed": "not ok", "skipped": "skip"}[report.outcome],
                    report,
                )
        crashed = report.when == "???"  # its xdist worker died in this test
        if report.when != "teardown" and not (crashed and name not in self.crashed):
            return
        if crashed:
            self.crashed.add(name)
        verdict, of = self.verdicts.pop(name)
        end = f" ({of.duration:.2f} s)" if verdict == "ok" else f": {_reason(of)}"
        shown = name.replace(": ", ":")  # the reason follows ": "
        print(f"{verdict} {shown}{end}", flush=True)
        for what, value in report.user_properties:
            print(f"# {shown}: {what}: {value}", flush=True)
        self.count[file] += 1
        self.left[file] -= 1
        if not self.left[file]:
            print(f"# {file}: {self.count[file]} tests, {self.took[file]:.1f} s", flush=True)


def _reason(report):
    """The reason of a failure or skip, in one line."""
    longrepr = report.longrepr
    if hasattr(report, "wasxfail"):
        text = f"expected to fail: {report.wasxfail}"
    elif isinstance(longrepr, tuple):
        text = longrepr[2].removeprefix("Skipped: ")
    else:
        crash = getattr(longrepr, "reprcrash", None)
        text = crash.message if crash else str(longrepr)
    return " ".join(text.split())[:1000]


# A module may define lab_options or sidecar_options, which are passed to Lab and Sidecar.


@pytest.fixture(scope="module")
def lab_options():
    return {}


@pytest.fixture(scope="module")
def lab(lab_options):
    """A lab of one proxy; its root has an address in the network of the proxies."""
    with Lab(**{"proxies": 1, **lab_options}) as made:
        join_underlay()
        try:
            yield made
        finally:
            kill_all()


@pytest.fixture
def proxy(lab):
    return lab.proxies[0]


@pytest.fixture(scope="module")
def sidecar_options():
    return ["--proxy.port=1080"]


@pytest.fixture(scope="module")
def sidecar(lab, sidecar_options):
    """A sidecar of the first proxy, for the whole module."""
    return Sidecar(lab.proxies[0], "crab", *sidecar_options)


@pytest.fixture
def world(request):
    """A lab of three proxies (or the number in the test's parameter), named crab-0, crab-1, …; its
    root is their host."""
    with World(getattr(request, "param", 3)) as made:
        yield made


@pytest.fixture
def agent(world):
    """The agent of that host, once it watches all proxies."""
    return Node(wait_for=len(world.lab.proxies))
