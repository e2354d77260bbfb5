# SPDX-License-Identifier: Apache-2.0
"""Bytes by destination, name and country, compared with nft counters of each address at the other
end and with the link.
"""

import contextlib
import itertools
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import tempfile
import threading

import pytest

TESTS = pathlib.Path(__file__).resolve().parents[1]

import mmdb
from checks import equal
from logfmt import records
from sidecar import Sidecar, join_underlay, kill_all
from sockslab import PATIENCE, Lab, addresses, wait_until
from sockslab.sockets import link_stats

pytestmark = [
    pytest.mark.in_lab,
    pytest.mark.alone(
        "its witness, the link, does not count what a full queue of the tunnel drops"
    ),
]

HOSTS4 = [f"10.99.1.{n}" for n in range(1, 9)]
HOSTS6 = [f"fd99::1:{n}" for n in range(1, 5)]
HOSTS = HOSTS4 + HOSTS6
WAYS = (("receive", "rx_bytes"), ("transmit", "tx_bytes"))
PORT = 7007


def names_of(prefix):
    return [f"{prefix}_{host.replace('.', '_').replace(':', '_')}" for host in HOSTS]


def witness_rules():
    """nft counters of each address: before reassembly at input, after segmentation at output."""
    lines = ["table inet witness {"]
    lines += [f"counter {name} {{ }}" for name in names_of("in") + names_of("out")]
    for hook, prefix, field in (
        ("prerouting priority -500", "in", "daddr"),
        ("postrouting priority 500", "out", "saddr"),
    ):
        lines += [f"chain {prefix}_chain {{", f"type filter hook {hook};"]
        lines += [
            f"{'ip6' if ':' in host else 'ip'} {field} {host} counter name {name}"
            for host, name in zip(HOSTS, names_of(prefix))
        ]
        lines.append("}")
    return "\n".join([*lines, "}"])


class World:
    """One proxy, and a peer with many addresses, each of which echoes on PORT."""

    def __enter__(self):
        self.stack = contextlib.ExitStack()
        self.lab = self.stack.enter_context(Lab(proxies=1))
        join_underlay()
        self.proxy = self.lab.proxies[0]
        # No GSO, so that nft counts at output the packets on the wire.
        self.lab.inet.ip(
            *[f"address add {host}/{128 if ':' in host else 32} dev wg0" for host in HOSTS],
            "link set wg0 gso_max_segs 1",
        )
        self.lab.inet.run(["nft", "-f", "-"], input=witness_rules())
        self.server = self.lab.inet.ns.socket(socket.AF_INET6, socket.SOCK_STREAM)
        self.server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.server.bind(("::", PORT))
        self.server.listen(64)
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        kill_all()
        self.server.close()
        self.stack.close()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                client = self.server.accept()[0]
                with client, contextlib.suppress(OSError):
                    (want,) = struct.unpack(">I", client.recv(4, socket.MSG_WAITALL))
                    while client.recv(65536):
                        pass
                    client.sendall(bytes(want))

    def exchange(self, host, up=1000, down=2000):
        """A connection from the namespace of the proxy: bytes to send, bytes to receive."""
        with self.proxy.ns.socket(
            socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM
        ) as client:
            client.connect((host, PORT))
            client.sendall(struct.pack(">I", down) + bytes(up))
            client.shutdown(socket.SHUT_WR)
            got = 0
            while data := client.recv(65536):
                got += len(data)
            equal(got, down, f"from {host}")

    def datagram(self, host, size):
        """Send a datagram; above the MTU it is fragmented. The only answer is ICMP."""
        with self.proxy.ns.socket(
            socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM
        ) as client:
            client.sendto(bytes(size), (host, 9))

    def ping(self, host):
        with self.proxy.ns.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as raw:
            raw.settimeout(5 * PATIENCE)
            raw.sendto(struct.pack(">BBHHH", 8, 0, 0xF7FF - 0x2A, 0x2A, 0), (host, 0))
            while raw.recvfrom(2000)[1][0] != host:
                pass

    def witness(self):
        """host → (received, transmitted) by the proxy."""
        text = self.lab.inet.run(["nft", "list", "counters", "table", "inet", "witness"]).stdout
        found = {
            name: int(n)
            for name, n in re.findall(r"counter (\w+) \{\s*packets \d+ bytes (\d+)", text)
        }
        return {
            host: (found[out], found[into])
            for host, into, out in zip(HOSTS, names_of("in"), names_of("out"))
        }

    def lost(self):
        """Bytes lost between the two ends, in both directions, as on a busy machine: nft counts at
        the end of the peer.
        """
        peer, own = link_stats(self.lab.inet.ns, "wg0"), self.proxy.link_stats("wg0")
        return peer["tx_bytes"] - own["rx_bytes"], own["tx_bytes"] - peer["rx_bytes"]

    def sidecar(self, *arguments, **options):
        return Sidecar(
            self.proxy,
            "crab",
            "--proxy.port=1080",
            "--collector.destinations",
            *arguments,
            **options,
        )

    def check_sums(self, metrics, family="proxy_destination", since=(0, 0)):
        """The sum over destinations equals the bytes of the tunnel, by the exporter and by the
        link.
        """
        link = self.proxy.link_stats("wg0")
        for (way, short), before in zip(WAYS, since):
            equal(
                metrics.sum(f"{family}_{way}_bytes_total"),
                metrics.sum(f"vpn_interface_{way}_bytes_total"),
                f"{way}, sum against the tunnel",
            )
            equal(
                metrics.sum(f"{family}_{way}_bytes_total"),
                link[short] - before,
                f"{way}, sum against the link",
            )

    def link(self):
        link = self.proxy.link_stats("wg0")
        return link["rx_bytes"], link["tx_bytes"]


def shown(metrics, label="destination", family="proxy_destination"):
    """label's value → (received, transmitted)."""
    ways = [metrics.by(f"{family}_{way}_bytes_total", label) for way, _ in WAYS]
    equal(sorted(ways[0]), sorted(ways[1]), "both directions have the same series")
    return {name: (ways[0][name], ways[1][name]) for name in ways[0]}


def quiet(world, sidecar):
    """Metrics of a moment without traffic."""

    def attempt():
        before, metrics, after = world.link(), sidecar.scrape(), world.link()
        return before == after and metrics

    return wait_until(attempt, 10, "a moment without a packet")


def series_of(sidecar, *hosts):
    return wait_until(
        lambda: (m := sidecar.scrape()) and set(hosts) <= set(shown(m)) and m,
        4,
        f"series of {hosts}",
    )


class Poller:
    """Scrapes continuously: no series may fall or vanish, and there are never more than allowed."""

    def __init__(self, sidecar, most):
        self.sidecar, self.most, self.wrong, self.rounds = sidecar, most, [], 0
        self.last, self.end = {}, threading.Event()
        self.thread = threading.Thread(target=self._run)

    def _run(self):
        while not self.end.wait(0.02):
            try:
                metrics = self.sidecar.scrape()
            except (OSError, AssertionError):
                continue
            now = {
                (way, name): value
                for way, _ in WAYS
                for name, value in metrics.by(
                    f"proxy_destination_{way}_bytes_total", "destination"
                ).items()
            }
            if not now:  # the collector is restarting
                continue
            self.rounds += 1
            self.wrong += [
                f"{key}: {value} after {self.last[key]}"
                for key, value in now.items()
                if value < self.last.get(key, 0)
            ]
            self.wrong += [f"{key} is gone" for key in self.last if key not in now]
            if len(now) > 2 * (self.most + 1):
                self.wrong.append(f"{len(now) // 2} series")
            self.last = now

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.end.set()
        self.thread.join()

    def check(self):
        equal(self.wrong[:3], [], f"of {self.rounds} scrapes")
        equal(self.rounds > 10, True, "scrapes")


def test_each_address_against_its_own_counters():
    with World() as world:
        since = world.link()
        sidecar = world.sidecar()
        for host in HOSTS:
            world.exchange(host, 0, 0)
        series_of(sidecar, *HOSTS)
        for _ in range(3):
            before, truth, lost = shown(quiet(world, sidecar)), world.witness(), world.lost()
            for i, host in enumerate(HOSTS):
                world.exchange(host, 5000 * i + 1, 300000 - 7001 * i)
                world.datagram(host, 100 + 900 * i)
            for host in HOSTS4:
                world.ping(host)
            metrics = quiet(world, sidecar)
            after, seen = shown(metrics), world.witness()
            if world.lost() == lost:
                break
        for host in HOSTS:
            mine = tuple(b - a for a, b in zip(before[host], after[host]))
            equal(
                mine, tuple(b - a for a, b in zip(truth[host], seen[host])), f"{host}, against nft"
            )
            equal(mine[0] > 200000, True, f"{host} moved something")
        world.check_sums(metrics, since=since)
        equal(metrics.sum("wgsocks_exporter_events_lost_total"), 0, "losses")


def spray(world, count, size):
    """Send a datagram to each of this many addresses, in batches that fit the queue of the tunnel,
    so that none is lost.
    """
    with world.proxy.ns.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for first in range(0, count, 200):
            sent = world.proxy.link_stats("wg0")["tx_packets"]
            for n in range(first, min(first + 200, count)):
                sender.sendto(bytes(size), (f"10.{100 + (n >> 16)}.{n >> 8 & 255}.{n & 255}", 9))
            wait_until(
                lambda s=sent: world.proxy.link_stats("wg0")["tx_packets"] >= s + 200,
                10,
                "the tunnel to send",
                every=0.001,
            )
            yield first


def test_a_hundred_thousand_addresses_and_a_collector_that_is_killed(record_property):
    most = 40
    with World() as world:
        since = world.link()
        sidecar = world.sidecar(f"--destinations.max={most}")
        heavy = iter(HOSTS)
        with Poller(sidecar, most) as poller:
            for first in spray(world, 100000, 100):
                if first % 25000 == 12400:
                    os.kill(
                        wait_until(
                            lambda s=sidecar: s.children().get("wgsocks-collect"),
                            5,
                            "the collector",
                        ),
                        signal.SIGKILL,
                    )
                if first % 10000 == 5000:
                    world.exchange(next(heavy), 10, 1500000)
            wait_until(lambda: "wgsocks-collect" in sidecar.children(), 5, "the collector")
            wait_until(sidecar.ready, 10, "metrics")
            host = HOSTS[11]
            world.exchange(host, 10, 3000000)
            series_of(sidecar, host)
        poller.check()
        metrics = quiet(world, sidecar)
        light = [name for name in shown(metrics) if re.match(r"10\.10\d\.", name)]
        equal(len(light) <= most // 4, True, f"{len(light)} light ones have series")
        equal(
            [host for host in HOSTS[:10] if host not in shown(metrics)],
            [],
            "heavy ones without series",
        )
        world.check_sums(metrics, since=since)
        equal(
            metrics.value("wgsocks_exporter_process_restarts_total", process="collector"),
            4,
            "restarts",
        )
        record_property(
            "note",
            f"{len(light)} light of {len(shown(metrics)) - 1} series, {poller.rounds} scrapes, "
            f"{metrics.value('wgsocks_exporter_bpf_memory_bytes') / 2**20:.2f} MiB",
        )


def test_another_number_and_off_and_on_again_lose_no_byte():
    with World() as world:
        since = world.link()
        sidecar = world.sidecar("--destinations.max=30")
        for host in HOSTS:
            world.exchange(host)
        metrics = series_of(sidecar, *HOSTS)
        for host in HOSTS:
            world.exchange(host, 20000, 30000)
        for arguments, series in (
            (("--destinations.max=300",), len(HOSTS) + 1),
            (("--destinations.max=5",), 6),
            (("--no-collector.destinations",), 0),
            (("--destinations.max=5",), 6),
            ((), len(HOSTS) + 1),
        ):
            before = shown(quiet(world, sidecar))
            sidecar.stop(signal.SIGKILL)
            world.exchange(HOSTS[0], 1000, 2000)  # the BPF programs continue
            sidecar = world.sidecar(*arguments)
            for host in HOSTS:
                world.exchange(host, 30000, 2000)
            metrics = wait_until(
                lambda n=series, s=sidecar: (m := quiet(world, s)) and len(shown(m)) == n and m,
                5,
                f"{series} series with {arguments}, not {sorted(shown(sidecar.scrape()))}",
            )
            if series:
                world.check_sums(metrics, since=since)
            fallen = {
                name: (value, shown(metrics)[name])
                for name, value in before.items()
                if name in shown(metrics) and shown(metrics)[name] < value
            }
            equal(fallen, {}, f"fell with {arguments}")


def test_names_that_clients_asked_for():
    with World() as world:
        since = world.link()
        sidecar = world.sidecar("--destinations.label=name")
        kinds = (
            "30 connect addr=name",
            "10 connect addr=name6",
            "10 transfer down=100000 addr=name4",
            "10 refused",
        )
        world.lab.traffic(*kinds, seed=61).finish()
        world.exchange(HOSTS[0])
        series_of(sidecar, "target.lab", addresses.DNS4, HOSTS[0])
        world.lab.traffic(*kinds, seed=62).finish()
        metrics = quiet(world, sidecar)
        found = shown(metrics)
        for address in (addresses.TARGET4, addresses.TARGET6):
            equal(address in found, False, f"{address} beside its name")
        # An address has the name of its first lookup; the order is chance.
        equal(
            sum(count[0] for name, count in found.items() if name.endswith(".lab")) > 100000,
            True,
            f"names {sorted(found)}",
        )
        world.check_sums(metrics, since=since)


BESIDE = addresses.INET_UNDERLAY4, lambda world: world.lab.inet


@pytest.mark.parametrize(
    ("address", "run", "arguments"),
    [
        pytest.param(*BESIDE, (), id="beside the tunnel"),
        pytest.param("127.0.0.1", lambda world: world.proxy, (), id="on the host itself"),
        pytest.param(
            *BESIDE,
            ("--no-collector.dns", "--no-collector.leaks"),
            id="beside the tunnel, without the collectors of DNS and leaks",
        ),
    ],
)
def test_names_by_another_resolver(address, run, arguments):
    """A resolver outside the tunnel that only dante queries, and that answers at once."""
    with World() as world:
        world.lab.inet.stop_dns()
        records = [f"--host-record=target.lab,{addresses.TARGET4},{addresses.TARGET6}"]
        command = [
            "dnsmasq",
            "--no-daemon",
            "--conf-file=/dev/null",
            "--no-hosts",
            "--no-resolv",
            "--user=root",
            "--pid-file",
            "--bind-interfaces",
            "--address=/#/",
            "--cache-size=0",
            f"--listen-address={address}",
            "--log-facility=-",
            *records,
        ]
        resolver = run(world).popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            world.proxy.stop_dante()
            world.proxy.run(["sh", "-c", f"echo nameserver {address} >/etc/resolv.conf"])
            world.proxy.start_dante()
            since = world.link()
            sidecar = world.sidecar("--destinations.label=name", *arguments)
            world.lab.traffic("30 connect addr=name", seed=64).finish()
            series_of(sidecar, "target.lab")
            world.lab.traffic("5 transfer down=100000 addr=name", seed=65).finish()
            metrics = quiet(world, sidecar)
            equal(set(shown(metrics)) - {"other"}, {"target.lab"}, "names")
            equal(shown(metrics)["target.lab"][0] > 500000, True, "bytes")
            equal(metrics.sum("wgsocks_exporter_events_lost_total"), 0, "losses")
            world.check_sums(metrics, since=since)
        finally:
            resolver.kill()
            resolver.wait()


@contextlib.contextmanager
def database(content=None):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "country.mmdb"

        def put(data):
            other = path.with_suffix(".new")
            other.write_bytes(data)
            other.rename(path)

        if content:
            put(content)
        yield path, put


FIRST = {"10.99.0.0/16": "DE", "fd99::/32": "SE"}
SECOND = {
    "10.99.1.1/32": "FR",
    "10.99.1.2/31": "DE",
    "10.99.1.4/30": {"registered_country": {"iso_code": "NL"}},
    "fd99::/32": "x1",
}


def countries(metrics):
    return shown(metrics, "country", "proxy_destination_country")


def test_countries_and_another_database():
    with tempfile.TemporaryFile() as log, World() as world, database() as (path, put):
        since = world.link()
        sidecar = world.sidecar(f"--geoip.database={path}", stderr=log)

        def success():
            return sidecar.scrape().value("wgsocks_exporter_collector_success", collector="geoip")

        def country_of(*codes):
            return wait_until(
                lambda: (m := quiet(world, sidecar)) and set(codes) <= set(countries(m)) and m,
                6,
                f"{codes}, there is {countries(sidecar.scrape())}",
            )

        def traffic():
            for host in HOSTS:
                world.exchange(host, 3000, 40000)

        def check(metrics, before):
            world.check_sums(metrics, "proxy_destination_country", since)
            now = countries(metrics)
            equal(
                {
                    code: (v, now.get(code))
                    for code, v in before.items()
                    if not now.get(code) or any(b < a for a, b in zip(v, now[code]))
                },
                {},
                "fell",
            )
            return now

        traffic()
        metrics = series_of(sidecar, *HOSTS)
        equal(
            (success(), metrics.find("proxy_destination_country_receive_bytes_total")),
            (0, []),
            "a database that is missing",
        )
        put(mmdb.make(FIRST))
        metrics = country_of("DE", "SE", "other")
        equal(success(), 1, "success")
        start = check(metrics, {})
        traffic()
        metrics = quiet(world, sidecar)
        middle = check(metrics, start)
        by_address = shown(metrics)
        equal(
            middle["SE"],
            tuple(sum(by_address[host][way] for host in HOSTS6) for way in (0, 1)),
            "Sweden, by its addresses",
        )

        put(mmdb.make(SECOND))
        check(country_of("FR", "NL", "unknown"), middle)
        traffic()
        metrics = quiet(world, sidecar)
        end = check(metrics, middle)
        moved = tuple(b - a for a, b in zip(by_address[HOSTS[0]], shown(metrics)[HOSTS[0]]))
        equal(end["FR"], moved, "France has what its address moved since")
        equal(end["SE"], middle["SE"], "Sweden has what it had")

        put(b"no database at all")
        wait_until(lambda: success() == 0, 5, "a broken database to be seen")
        equal(
            sidecar.scrape().find("proxy_destination_country_receive_bytes_total"),
            [],
            "samples with a broken database",
        )
        path.unlink()
        traffic()
        put(mmdb.make(FIRST))
        wait_until(lambda: success() == 1, 5, "another database")
        with open(path, "r+b") as file:  # truncated in place: a reader that maps the file would die
            file.truncate(10)
        wait_until(lambda: success() == 0, 5, "the cut to be seen")
        put(mmdb.make(FIRST))
        wait_until(lambda: success() == 1, 5, "the last database")
        traffic()
        check(quiet(world, sidecar), end)
        equal(
            sidecar.scrape().value("wgsocks_exporter_process_restarts_total", process="collector"),
            0,
            "restarts",
        )
        log.seek(0)
        lines = [
            each["error"]
            for each in records(
                log.read().decode(),
                msg=re.compile("^cannot use GeoIP database"),
                path=str(path),
                action="retry",
            )
        ]
        equal(
            [
                bool(re.search(words, line))
                for words, line in itertools.zip_longest(
                    ("No such file", "not an MMDB", "No such file|not an MMDB", "not an MMDB"),
                    lines,
                    fillvalue="",
                )
            ][:2],
            [True, True],
            f"lines {lines}",
        )
        equal(len(lines) <= 5, True, f"a line for each: {lines}")


def test_a_database_without_destinations_is_logged():
    with (
        tempfile.TemporaryFile() as log,
        World() as world,
        database(mmdb.make(FIRST)) as (path, _put),
    ):
        sidecar = Sidecar(
            world.proxy, "crab", "--proxy.port=1080", f"--geoip.database={path}", stderr=log
        )
        metrics = sidecar.scrape()
        equal([name for name in metrics.names() if "destination" in name], [], "samples")
        equal(
            metrics.find("wgsocks_exporter_collector_success", collector="geoip"),
            [],
            "collector_success",
        )
        log.seek(0)
        text = log.read().decode()
        assert records(
            text,
            level="warn",
            setting="--geoip.database",
            reason="has no effect without --collector.destinations",
        ), text
