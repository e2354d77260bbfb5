# SPDX-License-Identifier: Apache-2.0
"""Runs build/traffic in the namespace of the clients."""

import json
import select
import subprocess
import time

from . import addresses, build
from .wait import PATIENCE, LabError


def proxy_argument(proxy, address=None, port=None):
    parts = [address or proxy.addr4, str(port or proxy.ports[0]), *(proxy.auth or ())]
    return "--proxy=" + ",".join(parts)


class Traffic:
    """A running traffic generator. Tallies are dicts; see README.md.

    kinds: "COUNT NAME [KEY=VALUE | FLAG]..." as `build/traffic --kinds` explains. proxies: which of
    the lab's, all by default; ipv6: connect over IPv6; each: every proxy gets each count, not
    its share. sources: connect from each client address in turn, or from those in a list.
    """

    def __init__(
        self,
        lab,
        kinds,
        proxies=None,
        concurrency=64,
        seed=1,
        deadline=60,
        ipv6=False,
        each=False,
        port=None,
        sources=False,
    ):
        argv = [
            build.program("traffic"),
            "--control",
            f"--concurrency={concurrency}",
            f"--seed={seed}",
            f"--deadline={deadline * PATIENCE:.0f}",
        ]
        if each:
            argv.append("--each")
        if sources:
            if sources is True:
                sources = addresses.CLIENTS6 if ipv6 else addresses.CLIENTS4
            argv += [f"--source={source}" for source in sources]
        self.proxies = list(lab.proxies if proxies is None else proxies)
        argv += [
            proxy_argument(proxy, proxy.addr6 if ipv6 else None, port) for proxy in self.proxies
        ]
        self.process = lab.clients.popen(
            [*argv, "--", *kinds],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self._text = b""

    def _next(self, timeout):
        timeout *= PATIENCE
        deadline = time.monotonic() + timeout
        while b"\n" not in self._text:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                self.kill()
                raise LabError(f"traffic said nothing for {timeout} s")
            data = self.process.stdout.read1(1 << 20)
            if not data:
                raise LabError(f"traffic ended with {self.process.wait()}")
            self._text += data
        line, _, self._text = self._text.partition(b"\n")
        tally = json.loads(line)
        tally["by_proxy"] = list(tally["proxies"].values())
        return tally

    def wait_quiet(self, timeout=120):
        """The tally after all connections but the held ones have ended; "held" is their number."""
        return self._next(timeout)

    def release(self):
        """End the held connections."""
        self.process.stdin.write(b"release\n")
        self.process.stdin.flush()

    def finish(self, timeout=120, planned=True):
        """End the held connections; the last tally.

        LabError if an outcome differs from the plan of its kind. With planned=False, only the tally
        shows it.
        """
        self.process.stdin.close()
        while True:
            tally = self._next(timeout)
            if "event" not in tally:
                break
        self.process.wait(10 * PATIENCE)
        self.process.stdout.close()
        if planned and tally["unexpected_total"]:
            raise LabError(f"traffic saw {tally['unexpected']}")
        return tally

    def kill(self):
        self.process.kill()
        self.process.wait()


def sum_tallies(tallies):
    """The sum of tallies (nested dicts of numbers; other values are dropped)."""
    total = {}
    for tally in tallies:
        for key, value in tally.items():
            if isinstance(value, dict) and key not in ("proxies", "latency_seconds", "unexpected"):
                total[key] = sum_tallies([total.get(key, {}), value])
            elif isinstance(value, (int, float)) and key not in (
                "requests_per_second",
                "duration_seconds",
            ):
                total[key] = total.get(key, 0) + value
    return total
