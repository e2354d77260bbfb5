# SPDX-License-Identifier: Apache-2.0
"""The package on a machine with two real proxies under traffic, from installation to purge. See
`run` for its requirements.
"""

import contextlib
import http.client
import os
import pathlib
import re

import pytest
from busy import Busy, rises
from checks import equal
from leftovers import attached
from machine import enter_machine, repack
from node import Node, check_views
from refused import refused
from sidecar import Metrics, fetch, join_underlay
from sockslab import Lab, enter, wait_until
from truth import Before

ROOT = pathlib.Path(__file__).resolve().parents[3]
pytestmark = [
    pytest.mark.in_own,
    pytest.mark.timeout(400),
    pytest.mark.skipif(bool(refused()), reason=f"this machine refuses BPF ({refused()})"),
]
PACKAGE, FOLDER = (os.environ.get(name) for name in ("DEB_PACKAGE", "DEB_FOLDER"))
remote = None


def outside():
    assert PACKAGE and FOLDER, "start it by tests/env/deb/run"


def enter_own():
    """Into a lab in the machine's PID namespace, whose processes its agent therefore sees."""
    global remote
    remote = enter_machine(FOLDER)
    enter()


@pytest.fixture(scope="module")
def world():
    with Lab(
        proxies=PROXIES, connect_timeout=2, dante_env=lambda index: {"PROXY_NAME": f"crab-{index}"}
    ) as lab:
        join_underlay()
        yield World(remote, lab, repack(PACKAGE, OTHER, ROOT / "build/slow/wgsocks_exporter"))


PROXIES = 2
OTHER = "0.1.0+other"
UNIT = "wgsocks_exporter"
SIDECAR = "wgsocks_exporter@golden-crab"
SETTINGS = "/etc/default/wgsocks_exporter"
# whether it is enabled is a setting, too
LINK = "/etc/systemd/system/multi-user.target.wants/wgsocks_exporter.service"
SIDECARS = {"net_admin", "sys_ptrace", "dac_read_search", "perfmon", "bpf"}
NODE = {
    "net_admin",
    "net_broadcast",
    "sys_ptrace",
    "sys_admin",
    "dac_read_search",
    "perfmon",
    "bpf",
}
# of user and rights, which the supervisor's children need to give them up
CHANGES = {"kill", "setuid", "setgid", "setpcap"}
# Files that dpkg, systemd or the clock change on any machine.
VOLATILE = (
    "/var/lib/dpkg/",
    "/var/log/",
    "/var/cache/",
    "/var/lib/systemd/",
    "/etc/machine-id",
    "/tmp/",
    "/var/tmp/",
    "/var/lib/dbus",
)


class Service(Node):
    """The agent that systemd runs on the machine."""

    def __init__(self, remote):
        self.remote = remote

    def scrape(self, path="/metrics", port=9090):
        status, body = self.remote.in_network(fetch, "127.0.0.1", port, path)
        if status != 200:
            raise AssertionError(f"{path} answered {status}")
        return Metrics(body)


class Instance:
    """The sidecar that systemd runs in a proxy's namespace, as truth.py takes one."""

    name = "golden-crab"

    def __init__(self, proxy):
        self.proxy = proxy

    def scrape(self):
        status, body = fetch(self.proxy.addr4, 9090)
        equal(status, 200, "the answer to a scrape")
        return Metrics(body)

    def watched(self):
        with contextlib.suppress(OSError, AssertionError, http.client.HTTPException):
            return self.scrape().find("proxy_client_connections_total", proxy_name=self.name)


class World:
    """The machine from within, and a lab of proxies below it that its agent sees."""

    def __init__(self, remote, lab, other):
        self.remote, self.lab, self.other = remote, lab, other
        self.run = remote.run
        self.service = Service(remote)
        self.first = self.files()
        self.views = [self.service.view(proxy, f"crab-{proxy.index}") for proxy in lab.proxies]

    def state(self, unit=UNIT):
        return self.run("systemctl", "is-active", unit, check=False).strip()

    def main_pid(self, unit=UNIT):
        return int(self.run("systemctl", "show", "-P", "MainPID", unit))

    def install(self, package):
        self.run("dpkg", "--force-confold", "-i", f"/source/{os.path.relpath(package)}")

    def version(self):
        return self.run("dpkg-query", "-W", "-f", "${Version}", "wgsocks-exporter")

    def pins(self):
        return self.run("find", "/sys/fs/bpf", "-mindepth", "1", "!", "-name", "*.debug").split()

    def files(self):
        every = self.run("find", "/", "-xdev", "!", "-type", "d").splitlines()
        return {path for path in every if not path.startswith(VOLATILE)}

    def added(self):
        """The files added since the first installation."""
        return sorted(self.files() - self.first)

    def rights(self, unit=UNIT):
        """{process name: names of its effective capabilities}"""
        script = (
            "for p in $(cat /sys/fs/cgroup$(systemctl show -P ControlGroup $1)/cgroup.procs); do "
            "echo $(cat /proc/$p/comm) $(grep CapEff /proc/$p/status); done"
        )
        lines = self.run("sh", "-c", script, "sh", unit).splitlines()
        return {line.split()[0]: capabilities(int(line.split()[2], 16)) for line in lines}

    def count(self, change, others=()):
        """Run traffic during `change`: every count equals those of the clients and the kernel."""
        befores = [Before(view) for view in self.views]
        beside = [Before(view) for view in others]
        busy = Busy(self.lab)
        try:
            before = self.service.scrape().sum("proxy_requests_total")
            rises(self.service, before + 100)
            change()
            rises(self.service, before + 400)
        finally:
            tally = busy.finish()
        check_views(self.views, befores, tally)
        check_views(others, beside, tally)
        return f"{tally['requests_total']} requests"


def capabilities(mask):
    header = pathlib.Path("/usr/include/linux/capability.h").read_text()
    names = {
        int(line.split()[2]): line.split()[1]
        for line in header.splitlines()
        if line.startswith("#define CAP_") and line.split()[2].isdigit()
    }
    return {names[bit].removeprefix("CAP_").lower() for bit in names if mask >> bit & 1}


def test_installs_and_starts(world):
    world.install(PACKAGE)
    equal(world.state(), "active", "the service")
    equal(world.run("systemctl", "is-enabled", UNIT).strip(), "enabled", "at boot")
    equal(world.service.wait_watched(PROXIES), ["crab-0", "crab-1"], "the proxies")
    equal([pin for pin in world.pins() if pin.endswith("/node")] != [], True, "pins")
    world.run(
        "sh",
        "-c",
        "man -w wgsocks_exporter 2>/dev/null || test -s /usr/share/man/man8/wgsocks_exporter.8.gz",
    )
    world.run("test", "-s", "/usr/share/wgsocks_exporter/prometheus/rules/alerts.yml")
    journal = world.run("journalctl", "-u", UNIT, "-o", "cat")
    equal(
        [line for line in journal.splitlines() if "level=warn" in line or "level=error" in line],
        [],
        "complaints in the journal",
    )


def test_each_process_has_its_rights_and_no_other(world):
    equal(
        world.rights(),
        {
            "wgsocks_exporte": NODE | CHANGES,
            "wgsocks-collect": NODE,
            "wgsocks-health": set(),
            "wgsocks-web": set(),
        },
    )


def test_the_exposure_is_what_the_documents_say(world):
    documents = (ROOT / "docs" / "install.md").read_text()
    for unit in (UNIT, "wgsocks_exporter@"):
        said = re.search(rf"`{unit}.service` \| ([\d.]+)", documents)[1]
        last = (
            world.run(
                "systemd-analyze",
                "security",
                "--no-pager",
                "--offline=true",
                f"/lib/systemd/system/{unit}.service",
                check=False,
            )
            .strip()
            .splitlines()[-1]
        )
        equal(re.search(r"([\d.]+) \w+", last)[1], said, f"{unit}: {last}")


def test_a_restart_loses_no_count(world, record_property):
    record_property("note", world.count(lambda: world.run("systemctl", "restart", UNIT)))


def test_an_upgrade_loses_no_count_and_keeps_settings(world, record_property):
    world.run("sh", "-c", f"echo WGSOCKS_LOG_FORMAT=json >>{SETTINGS}")
    pid, pins = world.main_pid(), world.pins()
    note = world.count(lambda: world.install(world.other))
    equal(world.version(), OTHER)
    equal(world.main_pid() not in (0, pid), True, "another process")
    equal(set(pins) - set(world.pins()), set(), "pins that are gone")
    equal(
        '"process":"' in world.run("journalctl", "-u", UNIT, "-o", "cat", "-n", "3"),
        True,
        "the setting",
    )
    record_property("note", note)


def test_a_setting_that_is_wrong_is_one_line_and_no_loop(world):
    world.run("sh", "-c", f"echo WGSOCKS_PROXIES_MAX=many >>{SETTINGS}")
    world.run("systemctl", "restart", UNIT, check=False)
    wait_until(lambda: world.state() == "failed", 10, "the service to fail")
    equal(world.run("systemctl", "show", "-P", "NRestarts", UNIT).strip(), "0", "restarts")
    equal(
        "WGSOCKS_PROXIES_MAX" in world.run("journalctl", "-u", UNIT, "-o", "cat", "-n", "5"),
        True,
        "its line",
    )
    world.run("sed", "-i", "/=many/d", SETTINGS)
    world.run("systemctl", "start", UNIT)
    world.service.wait_watched(PROXIES)


def test_an_instance_watches_one_namespace(world, record_property):
    """An instance runs next to the agent, in the named network namespace of a proxy.

    Its upgrade loses no count. Its stop removes all that it created.
    """
    proxy = world.lab.proxies[0]
    script = """
        for p in $(pgrep danted); do
            [ "$(readlink /proc/$p/ns/net)" = "net:[$1]" ] && break
        done
        mkdir -p /run/netns && touch /run/netns/golden-crab &&
            mount --bind /proc/$p/ns/net /run/netns/golden-crab
    """
    world.run("sh", "-ec", script, "sh", str(proxy.ns.net))
    before = world.pins()
    world.run("systemctl", "start", SIDECAR)
    view = Instance(proxy)
    wait_until(lambda: view.watched(), 20, "the instance to watch")
    equal(
        world.rights(SIDECAR),
        {
            "wgsocks_exporte": SIDECARS | CHANGES,
            "wgsocks-collect": SIDECARS,
            "wgsocks-health": set(),
            "wgsocks-web": set(),
        },
    )
    pid = world.main_pid(SIDECAR)

    def upgrade():
        world.install(PACKAGE)
        wait_until(
            lambda: world.main_pid(SIDECAR) not in (0, pid) and view.watched(),
            20,
            "the instance's other program",
        )

    note = world.count(upgrade, [view])
    world.run("systemctl", "stop", SIDECAR)
    equal(world.pins(), before, "pins once it is stopped")
    record_property("note", note)


def test_removal_leaves_nothing_but_settings(world):
    world.run("dpkg", "-r", "wgsocks-exporter")
    equal(world.pins(), [], "pins")
    equal(world.run("pgrep", "wgsocks", check=False), "", "processes")
    for proxy in world.lab.proxies:
        equal(attached(proxy), [], f"programs in {proxy.ns.name}")
    equal(world.added(), [SETTINGS, LINK], "files")
    equal("json" in world.run("cat", SETTINGS), True, "settings stay")


def test_purge_leaves_nothing(world):
    world.run("dpkg", "-P", "wgsocks-exporter")
    equal(world.added(), [], "files")
    equal("wgsocks" in world.run("systemctl", "list-unit-files", "--all"), False, "units")


def test_installs_and_purges_where_no_systemd_runs(world):
    """Like during the build of an image."""
    script = (
        f"mount -t tmpfs tmpfs /run && dpkg -i /source/{os.path.relpath(world.other)} && dpkg -P "
        f"wgsocks-exporter"
    )
    world.run("unshare", "--mount", "sh", "-ec", script)
    equal(world.added(), [], "files")
