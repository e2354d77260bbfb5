# SPDX-License-Identifier: Apache-2.0
"""The agent finds, names and counts every proxy, and releases those that end."""

import json
import pathlib
import re
import signal
import subprocess

import pytest
from checks import equal
from leftovers import attached
from logfmt import records
from node import PINS, Node, World, check_views
from pod_cgroup import POD_UID, Cgroup
from sidecar import BINARY, Sidecar
from sockslab import PATIENCE, wait_until
from sockslab.traffic import sum_tallies
from truth import MIXED, Before, change, check_all, settle, shared

pytestmark = pytest.mark.in_lab


def test_every_proxy_is_found_named_and_counted(world, agent):
    equal(agent.names(), ["crab-0", "crab-1", "crab-2"], "names")
    views = world.views(agent)
    befores = [Before(view) for view in views]
    check_views(
        views, befores, world.lab.traffic(*MIXED, seed=81, concurrency=48, deadline=120).finish()
    )
    equal(agent.probe("/readyz")[0], 200, "/readyz")
    equal(agent.probe("/readyz?proxy=crab-1")[0], 200, "/readyz of one")
    equal(agent.probe("/readyz?proxy=shrimp")[0], 404, "/readyz of none")
    equal(agent.scrape().value("wgsocks_exporter_proxies"), 3, "proxies")


def test_a_proxy_that_begins_later(record_property):
    with World(proxies=2) as world:
        late = world.lab.proxies[1]
        late.stop_dante()
        node = Node(wait_for=1)
        late.dante.start(wait=False)
        seconds = wait_until_timed(lambda: "crab-1" in node.watched())
        view = node.view(late, "crab-1")
        before = Before(view)
        tally = world.lab.traffic("40 connect", "5 refused", proxies=[late], seed=82).finish()
        check_views([view], [before], tally)
        record_property("note", f"watched {seconds * 1e3:.0f} ms after danted was started")


def wait_until_timed(condition):
    import time

    begun = time.monotonic()
    wait_until(condition, 10, "it")
    return time.monotonic() - begun


@pytest.mark.parametrize("world", [2], indirect=True)
def test_dante_goes_the_proxy_stays_and_ends_with_its_namespace(world, agent):
    first, second = world.lab.proxies
    first.stop_dante()
    wait_until(
        lambda: agent.scrape().value("proxy_listener_up", proxy_name="crab-0") == 0,
        5,
        "listener_up 0",
    )
    equal(agent.names(), ["crab-0", "crab-1"], "names while dante is away")
    equal(agent.probe("/readyz?proxy=crab-0")[0], 503, "/readyz")
    first.start_dante()
    wait_until(
        lambda: agent.scrape().value("proxy_listener_up", proxy_name="crab-0") == 1,
        5,
        "listener_up 1",
    )
    view = agent.view(first, "crab-0")
    before = Before(view)
    check_views(
        [view], [before], world.lab.traffic("30 connect", proxies=[first], seed=83).finish()
    )
    second.ns.close()
    wait_until(lambda: agent.names() == ["crab-0"], 10, "the series of the other to end")
    equal(agent.scrape().find("proxy_requests_total", proxy_name="crab-1"), [], "nothing is left")
    slots = [entry["value"] for entry in dump("proxies") if entry["value"]["netns_inode"]]
    equal(len(slots), 1, "slots in use")


def dump(name):
    path = next(pathlib.Path(PINS).glob(f"*/node/{name}"))
    found = json.loads(
        subprocess.run(
            ["bpftool", "--json", "map", "dump", "pinned", str(path)],
            check=True,
            capture_output=True,
        ).stdout
    )
    return [entry.get("formatted", entry) for entry in found]


def test_two_proxies_with_one_name():
    with World(proxies=3, dante_env=lambda index: {"PROXY_NAME": "crab"}):
        node = Node(wait_for=3)
        names = node.names()
        equal(names[0], "crab", "the oldest")
        for name in names[1:]:
            equal(name[:5] + "#" * len(name[5:]), "crab@########", "the others")
        node.stop()
        equal(Node(wait_for=3).names(), names, "after a restart")


def test_names_without_a_variable():
    with World(proxies=1, dante_env=None) as world:
        node = Node(wait_for=1)
        cookie = netns_cookie(world.lab.proxies[0])
        equal(node.names(), [f"{cookie:016x}"], "the cookie of the namespace")


def netns_cookie(proxy):
    import struct

    with proxy.ns.socket() as sock:
        return struct.unpack("Q", sock.getsockopt(1, 71, 8))[0]


def test_pods_without_the_API():
    """Namespace, name and uid come from the cgroup of the process and the folders of kubelet; a pod
    cannot impersonate another.
    """
    subprocess.run(["mount", "-t", "tmpfs", "logs", "/var/log"], check=True)
    cgroup = Cgroup()
    with World(proxies=2, dante_env=None) as world:
        pod, other = world.lab.proxies
        try:
            cgroup.take(pod.dante.processes())
            pathlib.Path("/var/log/pods", f"shop_proxy-7d9c_{POD_UID}").mkdir(parents=True)
            pathlib.Path("/var/log/pods", "not-a-pod").mkdir()
            node = Node(env={"NODE_NAME": "worker-3"}, wait_for=2)
            equal(node.names(), sorted(["proxy-7d9c", f"{netns_cookie(other):016x}"]), "names")
            found = node.scrape().find("proxy_kubernetes_info")
            equal(
                [labels for _, labels, _ in found],
                [
                    {
                        "proxy_name": "proxy-7d9c",
                        "proxy_namespace": "shop",
                        "proxy_pod": "proxy-7d9c",
                        "proxy_pod_uid": POD_UID,
                        "proxy_node": "worker-3",
                    }
                ],
                "proxy_kubernetes_info",
            )
        finally:
            cgroup.leave(pod.dante.processes())
            subprocess.run(["umount", "/var/log"], check=False)


def test_more_proxies_than_are_watched():
    with World() as world:
        node = Node("--proxies.max=2", wait_for=2)
        metrics = node.scrape()
        equal(metrics.value("wgsocks_exporter_proxies"), 2, "watched")
        wait_until(
            lambda: node.scrape().value("wgsocks_exporter_proxies_unwatched") == 1,
            5,
            "the third to be told of",
        )
        first = world.lab.proxies[[f"crab-{i}" in node.names() for i in range(3)].index(True)]
        first.ns.close()
        wait_until(
            lambda: (
                len(node.watched()) == 2
                and node.scrape().value("wgsocks_exporter_proxies_unwatched") == 0
            ),
            15,
            "room for the third",
        )


@pytest.mark.parametrize("world", [2], indirect=True)
def test_the_tunnel_comes_goes_and_returns(world, agent, record_property):
    """Bytes are exactly the sum over all devices that existed."""
    proxy = world.lab.proxies[0]
    view = agent.view(proxy, "crab-0")
    before = Before(view)
    tallies, moved = [], -sum(before.link[key] for key in ("rx_bytes", "tx_bytes"))
    for _ in range(3):
        tallies.append(world.lab.traffic("20 connect", proxies=[proxy], seed=84).finish())
        settle(view)
        link = proxy.inner_stats()
        moved += link["rx_bytes"] + link["tx_bytes"]
        proxy.delete_tunnel()
        wait_until(lambda: view.scrape().value("vpn_interface_up") == 0, 5, "wg0 to be gone")
        equal(change(before, view.scrape(), "proxy_bytes_transferred_total"), moved, "bytes")
        proxy.create_tunnel()
        wait_until(
            lambda: view.scrape().find("wgsocks_exporter_attach_mode", interface="wg0"),
            5,
            "wg0 to be attached",
        )
        wait_until(lambda: proxy.wg_show()["handshake"], 10, "a handshake")
        proxy.stop_dante()
        proxy.start_dante()
    after = view.scrape()
    equal(
        change(before, after, "proxy_requests_successful_total"),
        sum_tallies(tallies)["successful"],
        "successful",
    )
    unwatched = after.value("vpn_interface_unwatched_seconds_total")
    equal(0 < unwatched < 0.3 * PATIENCE, True, f"unwatched for {unwatched} s")
    record_property("note", f"unwatched for {unwatched / 3 * 1e3:.1f} ms each time")


def test_kills_and_restarts_lose_no_count(world, agent):
    views = world.views(agent)
    befores = [Before(view) for view in views]
    traffic = world.lab.traffic(
        *shared("4000 connect", "200 refused", "100 transfer"),
        concurrency=64,
        seed=85,
        deadline=120,
    )
    for _ in range(4):
        pid = agent.kill()
        wait_until(
            lambda p=pid: agent.children().get("wgsocks-collect", p) != p, 2, "another collector"
        )
        agent.wait_watched(3)
    for how in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL):
        agent.stop(how)
        agent = Node(wait_for=3)
        for view in views:
            view.agent = agent
    check_views(views, befores, traffic.finish())


def test_detach_leaves_nothing():
    modes = {"clsact"}
    with World(proxies=1):
        modes |= set(Node(wait_for=1).scrape().by("wgsocks_exporter_attach_mode", "mode"))
    for mode in sorted(modes):
        with World(proxies=2) as world:
            # not the exporter's
            world.lab.proxies[1].run(["tc", "qdisc", "add", "dev", "eth0", "clsact"])
            node = Node(f"--bpf.attach={mode}", wait_for=2)
            node.stop(signal.SIGKILL)
            node = Node(f"--bpf.attach={mode}", wait_for=2)
            equal(set(node.scrape().by("wgsocks_exporter_attach_mode", "mode")), {mode}, "mode")
            equal(all(attached(proxy) for proxy in world.lab.proxies), True, "attached")
            running = subprocess.run(
                [BINARY, "--mode=node", "--detach"], check=False, capture_output=True, text=True
            )
            equal(running.returncode, 1, "while it runs")
            node.stop()
            equal(
                all(attached(proxy) for proxy in world.lab.proxies), True, "attached after SIGTERM"
            )
            subprocess.run([BINARY, "--mode=node", "--detach"], check=True, capture_output=True)
            equal(
                [attached(proxy) for proxy in world.lab.proxies],
                [[], []],
                f"attached after --detach ({mode})",
            )
            equal(
                [clsacts(proxy) for proxy in world.lab.proxies],
                [[], ["eth0"]],
                f"qdiscs after --detach ({mode})",
            )
            equal(
                [str(path) for path in pathlib.Path(PINS).rglob("*")]
                if pathlib.Path(PINS).exists()
                else [],
                [],
                "pins",
            )


def clsacts(proxy):
    """Interfaces with a clsact qdisc."""
    lines = proxy.run(["tc", "qdisc", "show"]).stdout.splitlines()
    return [line.split()[4] for line in lines if line.startswith("qdisc clsact")]


PASSER = 'int pass(void *skb) __attribute__((section("tc"))); int pass(void *skb) { return -1; }\n'


def foreign(proxy):
    """Foreign tc filters on eth0, and how often each has run."""
    shown = proxy.run(
        [
            "sh",
            "-c",
            (
                "tc filter show dev eth0 ingress; tc filter show dev eth0 egress; "
                "tc qdisc show dev eth0"
            ),
        ]
    ).stdout
    others = [line for line in shown.splitlines() if "passer" in line or line.startswith("qdisc")]
    ids = [match[1] for line in others if (match := re.search(r" id (\d+) ", line))]
    return others, [
        json.loads(proxy.run(["bpftool", "--json", "prog", "show", "id", number]).stdout).get(
            "run_cnt", 0
        )
        for number in ids
    ]


def at_rest(proxy):
    """The same after traffic has stopped, since they are read one after another."""
    return wait_until(
        lambda: (first := foreign(proxy)) == foreign(proxy) and first,
        10,
        "a moment without a packet",
    )


def test_filters_of_others_stay():
    """Foreign filters before and after the exporter's, in both directions, stay and see each packet
    through start, kill -9, restart and --detach.
    """
    source, statistics = (
        pathlib.Path("/run/passer.c"),
        pathlib.Path("/proc/sys/kernel/bpf_stats_enabled"),
    )
    source.write_text(PASSER)
    subprocess.run(
        ["clang", "-O2", "-target", "bpf", "-c", str(source), "-o", "/run/passer.o"], check=True
    )
    former = statistics.read_text()
    statistics.write_text("1")
    try:
        for mode in ("auto", "clsact"):
            filters_stay(mode)
    finally:
        statistics.write_text(former)


def filters_stay(mode):
    with World(proxies=1) as world:
        proxy = world.lab.proxies[0]
        passer = pathlib.Path(f"/proc/{proxy.ns.pid}/root/run/passer.o")
        passer.write_bytes(pathlib.Path("/run/passer.o").read_bytes())
        proxy.run(["tc", "qdisc", "add", "dev", "eth0", "clsact"])
        for direction in ("ingress", "egress"):
            for priority in ("5", "50000"):
                proxy.run(
                    [
                        "tc",
                        "filter",
                        "add",
                        "dev",
                        "eth0",
                        direction,
                        "prio",
                        priority,
                        "bpf",
                        "da",
                        "obj",
                        "/run/passer.o",
                        "sec",
                        "tc",
                    ]
                )
        before = foreign(proxy)[0]
        equal(len(before), 6, f"theirs: {before}")
        for phase in ("start", "restart", "detached"):
            if phase != "detached":
                node = Node(f"--bpf.attach={mode}", wait_for=1)
            seen = at_rest(proxy)[1]
            world.lab.traffic("30 connect", seed=88).finish()
            others, runs = at_rest(proxy)
            equal(others, before, f"{phase}, {mode}")
            moved = [after - earlier for after, earlier in zip(runs, seen)]
            equal(min(moved) > 100, True, f"they still run: {moved}, {phase}, {mode}")
            equal(
                [moved[0], moved[2]],
                [moved[1], moved[3]],
                f"before ours and after: {phase}, {mode}",
            )
            if phase == "start":
                node.stop(signal.SIGKILL)
            elif phase == "restart":
                node.stop()
                subprocess.run([BINARY, "--mode=node", "--detach"], check=True, capture_output=True)
        equal(foreign(proxy)[0], before, f"after --detach, {mode}")


def test_a_second_agent_waits():
    log = pathlib.Path("/run/second.log")
    with World(proxies=1), log.open("w", encoding="utf-8") as errors:
        node = Node(wait_for=1)
        second = subprocess.Popen(
            [BINARY, "--mode=node", "--web.listen-address=:9091", "--health.listen-address=:9998"],
            stderr=errors,
        )
        wait_until(
            lambda: records(
                log.read_text(encoding="utf-8"),
                msg=re.compile("^another running exporter holds the pins"),
                instance="node",
                action="wait",
            ),
            10,
            "its line",
        )
        equal(node.scrape(port=9091).find("proxy_requests_total"), [], "it counts nothing")
        node.stop()
        wait_until(lambda: node.scrape(port=9091).find("proxy_requests_total"), 40, "it takes over")
        second.terminate()
        equal(second.wait(5 * PATIENCE), 0, "its end")


def test_sidecars_and_an_agent_side_by_side():
    with World(proxies=2) as world:
        sidecars = [Sidecar(proxy, f"own-{proxy.index}") for proxy in world.lab.proxies]
        node = Node(wait_for=2)
        views = world.views(node)
        befores = [Before(view) for view in views] + [Before(sidecar) for sidecar in sidecars]
        tally = world.lab.traffic("300 connect", "30 refused", "20 transfer", seed=86).finish()
        tally["by_proxy"] = tally["by_proxy"] * 2
        check_views(views + sidecars, befores, tally)
        node.stop()
        subprocess.run([BINARY, "--mode=node", "--detach"], check=True, capture_output=True)
        befores = [Before(sidecar) for sidecar in sidecars]
        check_all(befores, world.lab.traffic("100 connect", seed=87).finish())
