# SPDX-License-Identifier: Apache-2.0
"""Families of the legacy exporter about the last minutes, compared with clients, the link and a
delayed target.
"""

import os
import signal
import statistics
import time

import pytest
from checks import equal
from sidecar import Sidecar
from sockslab import wait_until
from truth import settle

pytestmark = pytest.mark.in_lab


@pytest.fixture(scope="module")
def lab_options():
    return {"connect_timeout": 6}


FAMILIES = (
    "proxy_success_rate_percent",
    "proxy_latency_ms",
    "proxy_download_speed_mbps",
    "proxy_avg_connection_duration_seconds",
)


class Fresh:
    """An exporter whose counts are 0, and its proxy."""

    def __init__(self, lab, *arguments):
        self.proxy = lab.proxies[0]
        self.sidecar = Sidecar(self.proxy, "golden-crab", *arguments)

    def __enter__(self):
        return self.sidecar

    def __exit__(self, *_):
        if self.sidecar.process.poll() is None:
            self.sidecar.stop()


def kill_collector(sidecar, away=0.0):
    """Kill it; stop the supervisor for `away` seconds, so that only the BPF programs count."""

    def children():
        return [pid for name, pid in sidecar.children().items() if name == "wgsocks-collector"[:15]]

    (collector,) = children()
    if away:
        os.kill(sidecar.process.pid, signal.SIGSTOP)
    os.kill(collector, signal.SIGKILL)
    if away:
        end = time.monotonic() + away
        wait_until(lambda: time.monotonic() >= end, away + 5, "the time that the collector is away")
        os.kill(sidecar.process.pid, signal.SIGCONT)
    wait_until(lambda: children() not in ([], [collector]), 10, "a new collector")
    sidecar.wait_ready()


def near(value, truth, share, what):
    if not abs(value - truth) <= share * truth:
        raise AssertionError(f"{what}: {value} instead of {truth} (within {share:.0%})")


def test_values_before_the_first_request(lab):
    with Fresh(lab) as sidecar:
        metrics = sidecar.scrape()
        equal(metrics.value("proxy_success_rate_percent"), 100, "success rate without requests")
        equal(metrics.value("proxy_download_speed_mbps"), 0, "speed")
        equal(
            metrics.find("proxy_latency_ms")
            + metrics.find("proxy_avg_connection_duration_seconds"),
            [],
            "without connects",
        )
        equal(metrics.value("wgsocks_exporter_collector_success", collector="compat"), 1, "success")


def test_the_success_rate_is_the_tallys(lab, record_property):
    with Fresh(lab) as sidecar:
        tallies = []
        for round_ in range(3):
            tallies.append(
                lab.traffic(
                    f"{90 - 40 * round_} connect",
                    f"{7 * round_} refused",
                    "5 blocked",
                    seed=20 + round_,
                ).finish()
            )
            metrics = settle(sidecar)
            successful = sum(tally["successful"] for tally in tallies)
            failed = sum(tally["failed"] for tally in tallies)
            near(
                metrics.value("proxy_success_rate_percent"),
                100 * successful / (successful + failed),
                1e-12,
                f"round {round_}",
            )
            if round_ < 2:
                kill_collector(sidecar, away=3.0 * round_)
        record_property("note", f"{successful} of {successful + failed}")


def test_the_mean_duration_is_the_clients(lab, record_property):
    """Connections with known lifetimes, opened and closed by this test; the collector is killed
    meanwhile.
    """
    with Fresh(lab) as sidecar:
        lifetimes = []
        for seconds in (0.3, 1.0, 1.7):
            clients = [lab.clients.ns.socket() for _ in range(5)]
            begun = []
            for client in clients:
                client.connect((sidecar.proxy.addr4, 1080))
                begun.append(time.monotonic())
            wait_until(lambda b=begun, s=seconds: time.monotonic() - b[0] >= s, 5, "the lifetime")
            for client, at in zip(clients, begun, strict=True):
                client.close()
                lifetimes.append(time.monotonic() - at)
            metrics = settle(sidecar)
            truth = statistics.mean(lifetimes)
            mean = metrics.value("proxy_avg_connection_duration_seconds")
            if not truth - 0.02 <= mean <= truth + 0.25:  # dante closes a little later
                raise AssertionError(f"{mean} s instead of {truth} s")
            equal(
                metrics.value("proxy_connection_duration_seconds_sum") / len(lifetimes) - mean
                < 1e-6,
                True,
                "the mean of the histogram",
            )
            kill_collector(sidecar)
        record_property("note", f"{mean:.3f} s, by the clients {truth:.3f} s")


# The first SYN of each connect is dropped: TCP retransmits it after 1 s (RFC 6298).
DELAY = """
table inet delay {
	set once { type ipv4_addr . inet_service; flags dynamic; size 65535; timeout 60s; }
	chain input {
		type filter hook input priority -1;
		tcp flags & (syn | ack) == syn ip saddr . tcp sport != @once \
			add @once { ip saddr . tcp sport } drop
	}
}
"""


def test_the_latency_is_that_of_most_connects(lab, record_property):
    notes = []
    for quick, slow, low, high in ((30, 0, 0, 100), (15, 25, 1000, 2500), (25, 15, 0, 100)):
        with Fresh(lab) as sidecar:
            if quick:
                lab.traffic(f"{quick} connect", seed=31).finish()
            kill_collector(sidecar)
            if slow:
                lab.inet.run(["nft", "-f", "-"], input=DELAY)
                try:
                    lab.traffic(f"{slow} connect", seed=32).finish()
                finally:
                    lab.inet.run(["nft", "delete", "table", "inet", "delay"])
            metrics = settle(sidecar)
            latency = metrics.value("proxy_latency_ms")
            if not low <= latency <= high:
                raise AssertionError(
                    f"{latency} ms with {slow} delayed and {quick} others: not within {low} and "
                    f"{high}"
                )
            counts = {
                float(s[1]["le"]): s[2]
                for s in metrics.find("proxy_upstream_connect_duration_seconds_bucket")
            }
            equal(max(counts.values()), quick + slow, "connects")
            near(latency, quantile(counts) * 1e3, 1e-9, "histogram_quantile")
            notes.append(f"{latency:.1f} ms")
    record_property("note", ", ".join(notes))


def quantile(counts):
    """histogram_quantile(0.5, …) of Prometheus, over cumulative buckets."""
    rank, low, below = max(counts.values()) / 2, 0.0, 0
    for bound, count in sorted(counts.items()):
        if count >= rank:
            return (
                low
                if bound == float("inf")
                else low + (bound - low) * (rank - below) / (count - below)
            )
        low, below = bound, count
    raise AssertionError("empty")


def busiest(samples, width=10.0):
    """Bounds of the most bytes in `width` whole seconds, from link samples (time before, time
    after, total).

    The phase of the seconds is unknown, so bytes within width - 1 seconds are in one window."""
    pairs = [(i, j) for j in range(len(samples)) for i in range(j)]
    least = max(
        samples[j][2] - samples[i][2]
        for i, j in pairs
        if samples[j][1] - samples[i][0] <= width - 1
    )
    most = max(
        samples[j][2] - samples[i][2]
        for i, j in pairs
        if samples[j - 1][0] - samples[i + 1][1] <= width
    )
    return least, most


def test_the_speed_of_one_transfer_is_its_bytes(lab, record_property):
    """A transfer of less than eight seconds is in one window of ten seconds and stays in it;
    compared with the link.
    """
    with Fresh(lab) as sidecar:
        before = sidecar.proxy.link_stats("wg0")["rx_bytes"]
        tally = lab.traffic("4 transfer down=6000000", seed=41).finish()
        equal(tally["payload"]["down"], 24000000, "payload")
        settle(sidecar)
        received = sidecar.proxy.link_stats("wg0")["rx_bytes"] - before
        end = time.monotonic() + 1.1
        wait_until(lambda: time.monotonic() > end, 5, "the second to end")
        speed = sidecar.scrape().value("proxy_download_speed_mbps")
        near(speed, received * 8 / 10 / 1e6, 1e-9, "speed")
        kill_collector(sidecar, away=2.5)
        equal(
            sidecar.scrape().value("proxy_download_speed_mbps"),
            speed,
            "after the collector was away",
        )
        record_property("note", f"{speed:.2f} Mbit/s over 10 s")


def test_the_speed_is_that_of_the_busiest_ten_seconds(lab, record_property):
    """A transfer of twenty seconds with bursts; the collector is killed between them. Compared with
    samples of the link.
    """
    with Fresh(lab) as sidecar:
        samples, started = [], time.monotonic()
        plan = [(0, 200000), (4, 3000000), (6, 3000000), (8, 3000000), (19, 4000000)]
        running, killed = [], False

        def step():
            now = time.monotonic() - started
            total = sidecar.proxy.link_stats("wg0")["rx_bytes"]
            samples.append((now, time.monotonic() - started, total))
            while plan and plan[0][0] <= now:
                running.append(
                    lab.traffic(f"2 transfer down={plan.pop(0)[1]}", seed=50 + len(plan))
                )
            return now > 20

        def over():
            nonlocal killed
            if not killed and time.monotonic() - started > 7:
                killed = True
                kill_collector(sidecar)
            return step()

        wait_until(over, 60, "twenty seconds", every=0.02)
        for traffic in running:
            traffic.finish()
        settle(sidecar)
        step()
        speed = sidecar.scrape().value("proxy_download_speed_mbps")
        least, most = (total * 8 / 10 / 1e6 for total in busiest(samples))
        assert least <= speed <= most, f"{speed} Mbit/s, by the link from {least} to {most}"
        record_property("note", f"{speed:.3f} Mbit/s, by the link from {least:.3f} to {most:.3f}")


def test_disabled_collector_keeps_nothing(lab):
    with Fresh(lab):
        pass  # its exit removes the pins of the previous attempt
    with Fresh(lab) as sidecar:
        lab.traffic("10 transfer down=100000", "5 refused", seed=61).finish()
        settle(sidecar)
        equal(sidecar.scrape().value("proxy_success_rate_percent") < 100, True, "on")
        equal(pinned(sidecar, "rates"), True, "pinned while on")
        sidecar.process.kill()
        sidecar.process.wait()
    with Fresh(lab, "--no-collector.compat") as sidecar:
        metrics = sidecar.scrape()
        equal([name for name in FAMILIES if metrics.find(name)], [], "families")
        equal(
            "compat" in metrics.by("wgsocks_exporter_collector_success", "collector"),
            False,
            "success of compat",
        )
        equal(pinned(sidecar, "rates"), False, "still pinned")
        equal(metrics.value("proxy_requests_successful_total"), 10, "the counters go on")
        sidecar.process.kill()
        sidecar.process.wait()
    with Fresh(lab) as sidecar:
        metrics = sidecar.scrape()
        equal(metrics.value("proxy_requests_failed_total"), 5, "the counters go on")
        equal(
            metrics.value("proxy_success_rate_percent"),
            100,
            "what is older than the ring is no part of it",
        )
        equal(metrics.value("proxy_download_speed_mbps"), 0, "speed")
        equal(
            metrics.find("proxy_latency_ms")
            + metrics.find("proxy_avg_connection_duration_seconds"),
            [],
            "older connects",
        )


def pinned(sidecar, name):
    listed = sidecar.proxy.run(["sh", "-c", f"ls /sys/fs/bpf/wgsocks/v*/*/{name}"], check=False)
    return listed.returncode == 0
