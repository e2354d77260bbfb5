# SPDX-License-Identifier: Apache-2.0
"""The collector under faults, and its cleanup. Each case has its own proxy."""

import fcntl
import os
import pathlib
import re
import select
import signal
import subprocess
import sys
import time

import pytest
from checks import equal, same
from leftovers import attached, pins
from logfmt import records
from sidecar import BINARY, ROOT, Sidecar, fetch, join_underlay, kill_all
from sockslab import PATIENCE, Lab, wait_until
from truth import MIXED, Before, check_all, check_bytes, settle

pytestmark = pytest.mark.in_lab

KEPT = {  # capabilities(7): what the collector may keep; collector.c has the reasons
    "bpf": 39,
    "perfmon": 38,
    "net_admin": 12,
    "sys_ptrace": 19,
    "dac_read_search": 2,
}


class World:
    """A lab of one proxy; its root has an address in the network of the proxy."""

    def __init__(self, **keywords):
        self.lab = Lab(proxies=1, connect_timeout=6, **keywords)

    def __enter__(self):
        self.lab.__enter__()
        join_underlay()
        self.proxy = self.lab.proxies[0]
        return self

    def __exit__(self, *what):
        kill_all()
        return self.lab.__exit__(*what)


def capability_sets(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return {
        line.split(":")[0]: line.split()[1]
        for line in status.splitlines()
        if line.startswith(("Cap", "Seccomp:", "NoNewPrivs"))
    }


def test_capabilities_of_each_process():
    with World() as world:
        sidecar = Sidecar(world.proxy, "crab", "--proxy.port=1080")
        children = sidecar.children()
        equal(sorted(children), ["wgsocks-collect", "wgsocks-health", "wgsocks-web"], "children")
        for name in ("wgsocks-health", "wgsocks-web"):
            sets = capability_sets(children[name])
            same(
                sets,
                {
                    "CapPrm": "0" * 16,
                    "CapEff": "0" * 16,
                    "CapInh": "0" * 16,
                    "CapBnd": "0" * 16,
                    "CapAmb": "0" * 16,
                    "Seccomp": "2",
                    "NoNewPrivs": "1",
                },
                name,
            )
        three = f"{sum(1 << KEPT[c] for c in ('bpf', 'perfmon', 'net_admin')):016x}"
        same(
            capability_sets(children["wgsocks-collect"]),
            {"CapPrm": three, "CapEff": three, "CapBnd": three, "NoNewPrivs": "1"},
            "collector",
        )
        sidecar.stop()
        discovering = Sidecar(world.proxy, "crab")
        equal(
            capability_sets(discovering.children()["wgsocks-collect"])["CapEff"],
            f"{sum(1 << n for n in KEPT.values()):016x}",
            "a collector that has to discover",
        )


def test_as_a_container_with_three_capabilities():
    """The container sees neither the processes nor the mounts of dante; the port comes from the
    variable of the legacy exporter.
    """
    with World(ports=(1090,)) as world:
        sidecar = Sidecar(
            world.proxy,
            "crab",
            env={"SOCKS5_PORT": "1090"},
            container=True,
            capabilities=["bpf", "perfmon", "net_admin"],
        )
        equal(sidecar.scrape().value("proxy_listener_up"), 1, "listener")
        before = Before(sidecar)
        tally = world.lab.traffic(*MIXED, concurrency=48, seed=21).finish()
        check_all([before], tally)
        equal(sidecar.scrape().value("wgsocks_exporter_pinned"), 1, "pinned")


def test_several_listener_ports_are_discovered():
    with World(ports=(1080, 2080, 3128)) as world:
        sidecar = Sidecar(world.proxy, "crab")
        before = Before(sidecar)
        total = 0
        for port in world.proxy.ports:
            tally = world.lab.traffic("50 connect", "5 refused", port=port, seed=port).finish()
            total += tally["requests_total"]
        equal(
            settle(sidecar).sum("proxy_requests_total")
            - before.metrics.sum("proxy_requests_total"),
            total,
            "requests on all ports",
        )


def test_a_tunnel_that_comes_later_goes_and_returns():
    with World(tunnel=False) as world:
        proxy = world.proxy
        sidecar = Sidecar(proxy, "crab", wait=False)
        metrics = wait_until(lambda: _try(sidecar.scrape), 10, "a scrape without a tunnel")
        same(
            {
                name: metrics.value(name)
                for name in (
                    "proxy_info",
                    "vpn_connection_status",
                    "vpn_interface_up",
                    "proxy_listener_up",
                )
            },
            {
                "proxy_info": 1,
                "vpn_connection_status": 0,
                "vpn_interface_up": 0,
                "proxy_listener_up": 0,
            },
            "without tunnel and dante",
        )
        equal(sidecar.probe("/livez")[0], 200, "/livez")
        status, reasons = sidecar.probe("/readyz")
        equal(status, 503, f"/readyz {reasons}")
        proxy.create_tunnel()
        proxy.start_dante()
        sidecar.wait_ready()
        wait_until(lambda: sidecar.probe("/readyz")[0] == 200, 5, "ready")
        before = Before(sidecar)
        world.lab.traffic("100 connect", "10 transfer down=100000", seed=22).finish()
        after = settle(sidecar)
        check_bytes(before, after)
        bytes_before = after.value("proxy_bytes_transferred_total")

        proxy.delete_tunnel()
        wait_until(
            lambda: sidecar.scrape().value("vpn_connection_status") == 0,
            5,
            "the tunnel to be seen as gone",
        )
        equal(sidecar.probe("/readyz")[0], 503, "/readyz without the tunnel")
        equal(
            sidecar.scrape().value("proxy_bytes_transferred_total"),
            bytes_before,
            "bytes while it is gone",
        )
        proxy.create_tunnel()
        sidecar.wait_ready()
        equal(sidecar.scrape().value("vpn_connection_status"), 1, "back")
        before = Before(sidecar)
        if before.metrics.value("proxy_bytes_transferred_total") < bytes_before:
            raise AssertionError("the bytes fell when the tunnel came back")
        world.lab.traffic("100 connect", seed=23).finish()
        check_bytes(before, settle(sidecar))


def _try(function):
    try:
        return function()
    except (OSError, AssertionError):
        return None


def test_dante_that_comes_and_goes():
    with World() as world:
        sidecar = Sidecar(world.proxy, "crab")
        world.proxy.stop_dante()
        wait_until(
            lambda: sidecar.scrape().value("proxy_listener_up") == 0,
            5,
            "the listener to be seen as gone",
        )
        equal(sidecar.scrape().value("proxy_info"), 1, "proxy_info")
        equal(sidecar.probe("/readyz")[0], 503, "/readyz")
        world.proxy.start_dante()
        wait_until(
            lambda: sidecar.scrape().value("proxy_listener_up") == 1, 5, "the listener to be back"
        )
        equal(sidecar.probe("/readyz")[0], 200, "/readyz")


def test_a_server_on_an_unconfigured_port():
    """dante starts after the exporter, on an unknown port, with clients at once; then it changes
    its port.
    """
    with World(ports=(3128,)) as world:
        proxy = world.proxy
        proxy.stop_dante()
        sidecar = Sidecar(proxy, "crab", wait=False)
        wait_until(lambda: _try(sidecar.scrape), 10, "a scrape")
        proxy.start_dante()
        before = Before(sidecar)
        check_all([before], world.lab.traffic("50 connect", "5 refused", seed=41).finish())
        equal(sidecar.scrape().value("proxy_listener_up"), 1, "listener")
        proxy.stop_dante()
        wait_until(
            lambda: sidecar.scrape().value("proxy_listener_up") == 0,
            5,
            "the listener to be seen as gone",
        )
        proxy.ports.clear()
        proxy.listen_on(4128)
        before = Before(sidecar)
        traffic = world.lab.traffic("40 connect", "7 hold", port=4128, seed=42)
        traffic.wait_quiet()
        wait_until(
            lambda: sidecar.scrape().value("proxy_active_connections") == proxy.ss().clients == 7,
            5,
            "7 active, against ss",
        )
        traffic.release()
        check_all([before], traffic.finish())
        equal(sidecar.scrape().value("proxy_listener_up"), 1, "listener on the new port")


def test_many_tunnels_one_after_another():
    """More tunnel names than tunnel indices: each tunnel is watched, and the proxy's bytes keep
    rising.
    """
    with World() as world:
        proxy = world.proxy
        sidecar = Sidecar(proxy, "crab", "--proxy.interface=*g[0-9]*")
        total = sidecar.scrape().value("proxy_bytes_transferred_total")
        for n in range(1, 7):
            proxy.ip(
                f"link add xg{n} type veth peer name peer{n}",
                f"address add 10.66.{n}.1/24 dev xg{n}",
                f"link set peer{n} up",
                f"link set xg{n} up",
            )
            wait_until(
                lambda i=n: sidecar.scrape().find("vpn_interface_up", interface=f"xg{i}"),
                5,
                f"xg{n}",
            )
            before = sidecar.scrape().value("proxy_bytes_transferred_total")
            proxy.run(["ping", "-c", "1", "-W", "1", "-b", f"10.66.{n}.255"], check=False)
            if sidecar.scrape().value("proxy_bytes_transferred_total") < before:
                raise AssertionError("the bytes fell")
            proxy.ip(f"link del xg{n}")
            wait_until(
                lambda i=n: (
                    not sum(
                        s[2] for s in sidecar.scrape().find("vpn_interface_up", interface=f"xg{i}")
                    )
                ),
                5,
                f"no xg{n}",
            )
        if sidecar.scrape().value("proxy_bytes_transferred_total") < total:
            raise AssertionError("the bytes fell")


def test_a_redirected_port_is_a_loss():
    """nft redirects inside the namespace: the packets have another port than the socket, so
    dialogues cannot be read.
    """
    with World() as world:
        world.proxy.run(
            ["nft", "-f", "-"],
            input="table inet t { chain c { type nat hook prerouting priority -100; "
            "tcp dport 1081 redirect to :1080; }; }",
        )
        sidecar = Sidecar(world.proxy, "crab")
        tally = world.lab.traffic("10 connect", port=1081, seed=43).finish()
        equal(tally["successful"], 10, "successful, say the clients")
        after = settle(sidecar)
        equal(after.value("proxy_client_connections_total"), 10, "connections")
        equal(after.value("wgsocks_exporter_events_lost_total", cause="parse"), 10, "losses")


TROUBLE = {
    "no BTF": (["mount", "-t", "tmpfs", "none", "/sys/kernel/btf"], {}, "BTF"),
    "no capability": ([], {"capabilities": []}, "capabilities"),
    # The kernel release at that time; loading fails because of the missing BTF.
    "old kernel": (
        ["mount", "-t", "tmpfs", "none", "/sys/kernel/btf"],
        {"under": ["setarch", os.uname().machine, "--uname-2.6"]},
        "5.15 or newer",
    ),
}


def trouble(setup, where, word):
    """One log line states it, metrics show it, probes succeed."""
    with World() as world:
        if setup:
            world.proxy.run(setup)
        sidecar = Sidecar(world.proxy, "crab", wait=False, stderr=subprocess.PIPE, **where)
        wait_until(lambda: _try(lambda: sidecar.probe("/startupz")[0] == 200), 10, "/startupz")
        metrics = wait_until(lambda: _try(sidecar.scrape), 5, "a scrape")
        equal(metrics.by("wgsocks_exporter_program_up", "program")["state"], 0, "program_up")
        success = metrics.by("wgsocks_exporter_collector_success", "collector")
        success.pop("wireguard")  # needs no program
        equal(set(success.values()), {0}, "collector_success")
        equal(metrics.find("proxy_requests_total"), [], "samples of what cannot be read")
        equal(metrics.value("proxy_info"), 1, "proxy_info")
        equal(
            metrics.value("vpn_connection_status"),
            1,
            "vpn_connection_status, which needs no program",
        )
        equal(sidecar.probe("/livez")[0], 200, "/livez")
        start = wait_until(lambda: _try(sidecar.scrape), 5, "another scrape")
        equal(
            start.value("wgsocks_exporter_process_restarts_total", process="collector"),
            0,
            "restarts",
        )
        sidecar.process.send_signal(signal.SIGTERM)
        lines = sidecar.process.communicate(timeout=5 * PATIENCE)[1].decode().splitlines()
        found = [line for line in lines if "level=error" in line]
        equal(len(found), 1, f"error lines {found}")
        if word not in found[0]:
            raise AssertionError(f"{word} is not in {found[0]}")


def test_no_BTF():
    trouble(*TROUBLE["no BTF"])


def test_old_kernel():
    trouble(*TROUBLE["old kernel"])


def test_no_capability():
    trouble(*TROUBLE["no capability"])


def test_no_bpffs():
    with World() as world:
        sidecar = Sidecar(
            world.proxy,
            "crab",
            container=True,
            bpffs=False,
            stderr=subprocess.PIPE,
            env={"SOCKS5_PORT": "1080"},
        )
        equal(sidecar.scrape().value("wgsocks_exporter_pinned"), 0, "pinned")
        before = Before(sidecar)
        check_all([before], world.lab.traffic("100 connect", "10 refused", seed=24).finish())
        sidecar.process.send_signal(signal.SIGTERM)
        lines = sidecar.process.communicate(timeout=5 * PATIENCE)[1].decode().splitlines()
        equal(len([line for line in lines if "bpffs" in line]), 1, "lines about bpffs")
        equal(attached(world.proxy), [], "left behind")


def test_read_only_sys():
    """Like a container without rights on bpffs: nothing is pinned, everything is counted."""
    with World() as world:
        readonly = 'mount -o remount,ro /sys/fs/bpf && mount -o remount,ro,bind /sys && exec "$@"'
        sidecar = Sidecar(
            world.proxy,
            "crab",
            under=["sh", "-c", readonly, "sh"],
            container=True,
            stderr=subprocess.PIPE,
            env={"SOCKS5_PORT": "1080"},
        )
        equal(sidecar.scrape().value("wgsocks_exporter_pinned"), 0, "pinned")
        before = Before(sidecar)
        check_all([before], world.lab.traffic("100 connect", "10 refused", seed=25).finish())
        sidecar.process.send_signal(signal.SIGTERM)
        lines = sidecar.process.communicate(timeout=5 * PATIENCE)[1].decode().splitlines()
        equal(
            len([line for line in lines if "Read-only file system" in line]),
            1,
            f"lines about it: {lines}",
        )
        equal(len([line for line in lines if "level=error" in line]), 0, f"errors: {lines}")
        equal(attached(world.proxy), [], "left behind")


def test_a_log_without_reader():
    """With a full pipe as standard error, only log lines are lost; the first line that fits reports
    the loss.
    """
    with World() as world:
        reader, writer = os.pipe()
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
        os.write(writer, b"x" * 4096)
        sidecar = Sidecar(world.proxy, "crab", stderr=writer, env={"SOCKS5_PORT": "1080"})
        equal(sidecar.probe("/readyz")[0], 200, "/readyz")
        equal(len(os.read(reader, 4096)), 4096, "what filled the pipe")
        os.kill(sidecar.children()["wgsocks-web"], signal.SIGKILL)
        os.set_blocking(reader, False)
        said = []

        def lost_is_said():
            if select.select([reader], [], [], 0)[0]:
                said.append(os.read(reader, 4096).decode())
            return "log lines lost" in "".join(said)

        wait_until(lost_is_said, 5, "a line that says what was lost")
        os.set_blocking(writer, False)
        try:
            while os.write(writer, b"x"):
                pass
        except BlockingIOError:
            pass
        equal(sidecar.stop(timeout=1), 0, "status")
        os.close(reader)
        os.close(writer)


def test_standard_descriptors_closed_and_no_proc():
    """A file that it opens must not become its log; without /proc it continues."""
    with World() as world:
        shell = 'mount -t tmpfs none /proc; exec "$0" <&- >&- 2>&-'
        process = world.proxy.popen(
            ["sh", "-c", shell, BINARY],
            env={"PROXY_NAME": "crab", "SOCKS5_PORT": "1080"},
            container=True,
        )
        try:
            wait_until(
                lambda: _try(lambda: fetch(world.proxy.addr4, 9999, "/readyz")[0] == 200),
                5,
                "/readyz",
            )
            status, body = wait_until(
                lambda: _try(lambda: fetch(world.proxy.addr4, 9090)), 5, "a scrape"
            )
            equal(status, 200, "/metrics")
            equal("proxy_info{" in body, True, "a snapshot")
        finally:
            process.terminate()
            equal(process.wait(3 * PATIENCE), 0, "status")


NAMES = {
    'a"b\\c\nd': 'a"b\\c\nd',
    "n" * 300: "n" * 300,
    b"x\xff\xfey": "x\ufffd\ufffdy",
    "käse-🦀": "käse-🦀",
}


def test_names_of_every_shape():
    with World() as world:
        for given, shown in NAMES.items():
            sidecar = Sidecar(world.proxy, given, env={"SOCKS5_PORT": "1080"})
            equal(sidecar.scrape().find("proxy_info")[0][1], {"proxy_name": shown}, "proxy_info")
            equal(sidecar.probe("/readyz")[0], 200, "/readyz")
            sidecar.stop()


def test_SIGTERM_leaves_nothing():
    for mode in ("tcx", "clsact"):
        with World() as world:
            sidecar = Sidecar(world.proxy, "crab", f"--bpf.attach={mode}")
            equal(set(sidecar.scrape().by("wgsocks_exporter_attach_mode", "mode")), {mode}, "mode")
            equal(
                bool(attached(world.proxy) and pins(world.proxy)),
                True,
                "attached and pinned before",
            )
            world.lab.traffic("50 connect", seed=25).finish()
            sidecar.stop(timeout=1)
            equal(attached(world.proxy), [], f"attached after ({mode})")
            equal(pins(world.proxy), [], f"pinned after ({mode})")


def test_detach_after_kill():
    for mode in ("tcx", "clsact"):
        with World() as world:
            sidecar = Sidecar(world.proxy, "crab", f"--bpf.attach={mode}")
            sidecar.stop(signal.SIGKILL)
            equal(
                bool(attached(world.proxy) and pins(world.proxy)), True, f"left by kill -9 ({mode})"
            )
            world.proxy.run([str(ROOT / "build" / "wgsocks_exporter"), "--detach"])
            equal(attached(world.proxy), [], f"attached after --detach ({mode})")
            equal(pins(world.proxy), [], f"pinned after --detach ({mode})")


def test_kill_of_the_collector_loses_no_count():
    with World() as world:
        sidecar = Sidecar(world.proxy, "crab")
        before = Before(sidecar)
        traffic = world.lab.traffic(
            "4000 connect",
            "200 refused",
            "100 transfer",
            "30 hold",
            concurrency=64,
            seed=26,
            deadline=90,
        )
        for _ in range(5):
            pid = wait_until(lambda: sidecar.children().get("wgsocks-collect"), 5, "the collector")
            requests = sidecar.scrape().sum("proxy_requests_total")
            os.kill(pid, signal.SIGKILL)
            wait_until(
                lambda p=pid: sidecar.children().get("wgsocks-collect", p) != p,
                2,
                "another collector",
            )
            wait_until(
                lambda r=requests: _try(lambda: sidecar.scrape().sum("proxy_requests_total") >= r),
                5,
                "counts that go on",
            )
        traffic.wait_quiet()
        wait_until(
            lambda: (
                sidecar.scrape().value("proxy_active_connections") == world.proxy.ss().clients == 30
            ),
            10,
            "30 active, against ss",
        )
        traffic.release()
        tally = traffic.finish()
        check_all([before], tally)
        equal(
            sidecar.scrape().value("wgsocks_exporter_process_restarts_total", process="collector"),
            5,
            "restarts",
        )


def test_kill_of_the_whole_exporter_loses_no_count():
    with World() as world:
        sidecar = Sidecar(world.proxy, "crab")
        before = Before(sidecar)
        traffic = world.lab.traffic(
            "3000 connect", "200 refused", concurrency=64, seed=27, deadline=90
        )
        for _ in range(3):
            sidecar.stop(signal.SIGKILL)
            sidecar = Sidecar(world.proxy, "crab")
        before.sidecar = sidecar
        check_all([before], traffic.finish())


def test_a_tunnel_recreated_while_unwatched(record_property):
    """The counts of the device include bytes from before attach, so the exporter adds them; a
    metric has the uncounted time.
    """
    with World() as world:
        sidecar = Sidecar(world.proxy, "crab")
        world.lab.traffic("20 connect", seed=31).finish()
        settle(sidecar)
        before = sidecar.scrape()
        equal(before.value("vpn_interface_unwatched_seconds_total"), 0, "unwatched before")
        sidecar.stop(signal.SIGKILL)
        world.proxy.delete_tunnel()
        world.proxy.create_tunnel()
        wait_until(lambda: world.proxy.wg_show()["handshake"], 10, "a handshake")
        world.proxy.stop_dante()
        world.proxy.start_dante()
        world.lab.traffic("50 connect", "5 transfer", seed=32).finish()
        sidecar = Sidecar(world.proxy, "crab")
        world.lab.traffic("20 connect", seed=33).finish()
        settle(sidecar)
        link = world.proxy.inner_stats()
        after = sidecar.scrape()
        equal(
            after.value("proxy_bytes_transferred_total")
            - before.value("proxy_bytes_transferred_total"),
            link["rx_bytes"] + link["tx_bytes"],
            "bytes, against the new device",
        )
        unwatched = after.value("vpn_interface_unwatched_seconds_total")
        equal(0 < unwatched < 60, True, f"unwatched for {unwatched} s")
        world.proxy.delete_tunnel()
        wait_until(lambda: sidecar.scrape().value("vpn_interface_up") == 0, 5, "wg0 to be gone")
        begun = time.monotonic()
        world.proxy.create_tunnel()
        wait_until(
            lambda: sidecar.scrape().find("wgsocks_exporter_attach_mode", interface="wg0"),
            5,
            "wg0 to be attached",
        )
        around = time.monotonic() - begun
        more = sidecar.scrape().value("vpn_interface_unwatched_seconds_total") - unwatched
        equal(0 < more < around, True, f"unwatched for {more} s, within {around} s")
        record_property("note", f"{unwatched:.1f} s while away, {more * 1e3:.1f} ms while there")


def run_variant(variant, **keywords):
    import sidecar as module

    module.BINARY = str(ROOT / "build" / variant / "wgsocks_exporter")
    try:
        with World(**keywords) as world:
            yield world, Sidecar(world.proxy, "crab")
    finally:
        module.BINARY = str(ROOT / "build" / "wgsocks_exporter")


def test_a_widened_recursion_window(record_property):
    """With a slow program, softirqs interrupt it, and the second copy sees the events that the
    first misses.
    """
    for world, sidecar in run_variant("slow"):
        for seed in range(28, 34):  # until an interrupt hits: that is chance
            before = Before(sidecar)
            check_all(
                [before],
                world.lab.traffic(
                    "6000 connect",
                    "300 refused",
                    "100 transfer",
                    concurrency=128,
                    seed=seed,
                    deadline=120,
                ).finish(),
            )
            misses = sidecar.scrape().by("wgsocks_exporter_recursion_misses_total", "program")
            if misses["state_a"] + misses["state_b"]:
                record_property("note", f"{misses['state_a']} and {misses['state_b']} misses")
                return
        raise AssertionError("the recursion guard did not strike: this proves nothing")


def test_a_full_session_map():
    """With 64 sessions, each further connection counts as one loss; all others stay exact."""
    for world, sidecar in run_variant("small"):
        before = Before(sidecar)
        traffic = world.lab.traffic("100 hold", concurrency=100, seed=29)
        traffic.wait_quiet()
        full = sidecar.scrape()
        equal(full.value("proxy_active_connections"), 64, "active")
        equal(full.value("wgsocks_exporter_map_entries", map="sessions"), 64, "entries")
        equal(full.value("wgsocks_exporter_map_max_entries", map="sessions"), 64, "max entries")
        equal(full.value("wgsocks_exporter_events_lost_total", cause="insert"), 36, "lost")
        equal(full.sum("proxy_requests_total"), 64, "requests of those that are seen")
        traffic.release()
        traffic.finish()
        settle(sidecar)
        before = Before(sidecar)
        check_all(
            [before],
            world.lab.traffic("200 connect", "20 refused", concurrency=8, seed=30).finish(),
        )


def test_nothing_else_is_counted():
    """Scrapes, probes, connects of other processes and another proxy do not count for the proxy."""
    with World() as world:
        sidecar = Sidecar(world.proxy, "crab")
        before = sidecar.scrape()
        for _ in range(20):
            fetch(world.proxy.addr4, 9090, "/metrics")
            sidecar.probe("/readyz")
        world.proxy.run(
            [
                sys.executable,
                "-c",
                (
                    "import socket; "
                    f"[socket.create_connection(('{world.proxy.addr4}', 9090)).close() "
                    "for _ in range(20)]"
                ),
            ]
        )
        after = sidecar.scrape()
        for name in (
            "proxy_client_connections_total",
            "proxy_upstream_connects_total",
            "proxy_active_connections",
            "proxy_bytes_transferred_total",
        ):
            equal(after.sum(name) - before.sum(name), 0, name)


def log_of(sidecar):
    sidecar.process.send_signal(signal.SIGTERM)
    return sidecar.process.communicate(timeout=10)[1].decode()


def epolls(pid):
    """The number of epoll instances of a process."""
    return sum(
        os.readlink(fd) == "anon_inode:[eventpoll]"
        for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir()
    )


def test_events_that_cannot_be_read_are_tried_again():
    """The second epoll instance of a collector is that of its ring buffers."""
    with World() as world:
        sidecar = Sidecar(
            world.proxy,
            "crab",
            "--collector.destinations",
            "--destinations.label=name",
            stderr=subprocess.PIPE,
        )
        old = sidecar.children()["wgsocks-collect"]
        with subprocess.Popen(
            [
                "strace",
                "-f",
                "-qq",
                "-o",
                "/dev/null",
                "-p",
                str(sidecar.process.pid),
                "--inject=epoll_create1:error=EMFILE:when=2",
            ]
        ) as tracer:
            wait_until(
                lambda: (
                    "TracerPid:\t0"
                    not in pathlib.Path(f"/proc/{sidecar.process.pid}/status").read_text()
                ),
                10,
                "the tracer",
            )
            os.kill(old, signal.SIGKILL)
            wait_until(
                lambda: sidecar.children().get("wgsocks-collect", old) != old,
                10,
                "another collector",
            )
            collector = sidecar.children()["wgsocks-collect"]
            sidecar.wait_ready()
            wait_until(
                lambda: _try(lambda: epolls(collector) == 2), 10, "the epoll of the ring buffers"
            )
            tracer.terminate()
        before = Before(sidecar)
        check_all([before], world.lab.traffic("50 connect", "10 refused", seed=31).finish())
        equal(sidecar.children()["wgsocks-collect"], collector, "the collector")
        equal(
            [
                (each["msg"], each.get("error"), each.get("action"))
                for each in records(log_of(sidecar), msg=re.compile("events of the BPF programs"))
            ],
            [
                ("cannot read events of the BPF programs", "Too many open files", "retry"),
                ("reading events of the BPF programs", None, None),
            ],
        )


def test_a_failing_epoll_wait_ends_with_an_error():
    with World() as world:
        sidecar = Sidecar(world.proxy, "crab", stderr=subprocess.PIPE)
        old = sidecar.children()["wgsocks-collect"]
        with subprocess.Popen(
            [
                "strace",
                "-qq",
                "-o",
                "/dev/null",
                "-p",
                str(old),
                "--inject=?epoll_wait,epoll_pwait:error=EBADF:when=1",
            ]
        ):
            wait_until(
                lambda: sidecar.children().get("wgsocks-collect", old) != old,
                10,
                "another collector",
            )
        log = log_of(sidecar)
        equal(
            len(
                records(
                    log,
                    process="collector",
                    msg="cannot wait for events",
                    error="Bad file descriptor",
                )
            ),
            1,
            log,
        )
        assert records(log, msg="process ended", child="collector", status="1", action="restart"), (
            log
        )


def test_verifier_log_is_printed_once():
    """Without PERFMON the kernel rejects a packet program: the log has its name and the end of the
    verifier's log.
    """
    with World() as world:
        sidecar = Sidecar(
            world.proxy,
            "crab",
            "--log.level=debug",
            container=True,
            capabilities=["bpf", "net_admin"],
            wait=False,
            stderr=subprocess.PIPE,
            env={"SOCKS5_PORT": "1080"},
        )
        log = ""
        while log.count("failed to load BPF skeleton") < 2:  # the second time nothing is logged
            log += sidecar.process.stderr.readline().decode()
        log += log_of(sidecar)
        equal(
            len(
                records(
                    log,
                    level="error",
                    msg="cannot start the BPF programs",
                    step="load",
                    action="retry",
                )
            ),
            1,
            log,
        )
        output = records(
            log, level="error", msg="verifier output", program=re.compile("^dialogue_")
        )
        assert 2 <= len(output) <= 20, log
        assert "processed " in output[-1]["detail"], output
