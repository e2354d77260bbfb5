# SPDX-License-Identifier: Apache-2.0
"""Generates two months of samples for proxies that did not run, and the series that the recording
rules derive from them.

Only the samples are generated. A real Prometheus evaluates the expressions of the rules, and the
results are stored as if evaluated at that time.
"""

import contextlib
import json
import math
import pathlib
import re
import subprocess
import time
import urllib.parse
import urllib.request

from sockslab import PATIENCE, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
RECORDING = ROOT / "monitoring" / "prometheus" / "rules" / "recording.yml"
HOUR, DAY = 3600, 86400


def rules(group):
    """[(record, expression)] of a group of recording.yml."""
    text = re.search(
        rf"- name: {group}\n(.*?)(?=\n  - name: |\Z)",
        RECORDING.read_text(encoding="utf-8"),
        re.DOTALL,
    )[1]
    return re.findall(r"- record: (\S+)\n +expr: ([^>\n].*)", text)


def wave(at, seed):
    """The load at a time, 0.2 to 1.3: a daily and a weekly cycle, and an irregular part."""
    hour, day = at / HOUR % 24, at / DAY
    weekend = 0.6 if int(day + 3) % 7 >= 5 else 1
    return (
        weekend
        * (0.7 + 0.4 * math.sin((hour - 8) / 24 * 2 * math.pi))
        * (1 + 0.12 * math.sin(day * 1.7 + seed) + 0.05 * math.sin(at / 5000 + seed))
    )


class Past:
    """The history of one proxy.

    - requests: requests an hour
    - failing: share of failed requests
    - size: bytes a request
    - days: length of the history
    - down: the hours ago in which the tunnel was down
    - leaks: the hours ago in which the tunnel leaked
    """

    def __init__(self, labels, requests, failing=0.01, size=200_000, days=62, down=(), leaks=()):
        self.labels, self.requests, self.failing, self.size, self.days, self.down, self.leaks = (
            labels,
            requests,
            failing,
            size,
            days,
            down,
            leaks,
        )
        self.seed = sum(map(ord, labels["proxy_name"]))

    def samples(self, now, until):
        now = now // HOUR * HOUR  # each day begins with a sample
        text = ",".join(f'{name}="{value}"' for name, value in self.labels.items())
        counters = dict.fromkeys(
            (
                "proxy_requests_failed_total",
                "proxy_requests_successful_total",
                "proxy_client_connections_total",
                "proxy_bytes_transferred_total",
                "proxy_leaked_connections_total",
                "proxy_leaked_dns_queries_total",
            ),
            0,
        )
        for at in range(now - self.days * DAY, until, HOUR // 2):
            ago = (now - at) / HOUR
            down = any(begin >= ago > end for begin, end in self.down)
            asked = self.requests / 2 * wave(at, self.seed)
            failed = asked * (1 if down else self.failing)
            for name, more in (
                ("proxy_requests_failed_total", failed),
                ("proxy_requests_successful_total", asked - failed),
                ("proxy_client_connections_total", asked * 1.1),
                ("proxy_bytes_transferred_total", (asked - failed) * self.size),
            ):
                counters[name] += int(more)
            if any(begin >= ago > end for begin, end in self.leaks):
                counters["proxy_leaked_connections_total"] += 3
                counters["proxy_leaked_dns_queries_total"] += 1
            for name, value in counters.items():
                yield f"{name}{{{text}}} {value} {at}"
            total = sum(counters[f"proxy_requests_{end}_total"] for end in ("failed", "successful"))
            yield f'proxy_requests_total{{{text},command="connect"}} {total} {at}'
            yield f"vpn_connection_status{{{text}}} {0 if down else 1} {at}"
            yield f'proxy_cost_per_gigabyte{{{text},currency="EUR"}} 0.05 {at}'
        for at in range(max(now - self.days * DAY, now - 8 * DAY), until, HOUR // 12):
            active = max(1, round(self.requests / 400 * wave(at, self.seed)))
            yield f"proxy_active_connections{{{text}}} {active} {at}"


class Database:
    """A data folder of Prometheus, and a Prometheus on it."""

    def __init__(self, folder, port=9091):
        self.folder, self.port = pathlib.Path(folder), port
        self.folder.mkdir(parents=True)
        self.process = None

    def write(self, lines):
        path = self.folder / "samples"
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(line + "\n" for line in lines)
            file.write("# EOF\n")
        done = subprocess.run(
            [
                "promtool",
                "tsdb",
                "create-blocks-from",
                "openmetrics",
                "--max-block-duration=1440h",
                "-q",
                path,
                self.folder / "data",
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise AssertionError(f"promtool tsdb create-blocks-from: {done.stderr}")
        path.unlink()

    def start(self, configuration="global: {}\n"):
        (self.folder / "prometheus.yml").write_text(configuration, encoding="utf-8")
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                [
                    "prometheus",
                    f"--config.file={self.folder}/prometheus.yml",
                    f"--storage.tsdb.path={self.folder}/data",
                    "--storage.tsdb.retention.time=400d",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                ],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        wait_until(self.answers, 30, "Prometheus to answer")

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(30 * PATIENCE)
            self.process = None

    def answers(self):
        with contextlib.suppress(OSError):
            return self.ask("query", query="vector(1)")
        return None

    def ask(self, what, **how):
        with urllib.request.urlopen(
            f"http://127.0.0.1:{self.port}/api/v1/{what}",
            data=urllib.parse.urlencode(how, doseq=True).encode(),
            timeout=60 * PATIENCE,
        ) as answer:
            return json.load(answer)["data"]

    def value(self, expression):
        """The single number of a result, or None."""
        found = self.ask("query", query=expression)["result"]
        return float(found[0]["value"][1]) if found else None


def recorded(database, group, begin, end, step, which=""):
    """The samples that the rules of the group would have recorded at these times."""
    for name, expression in rules(group):
        if which and name != which:
            continue
        for series in database.ask(
            "query_range", query=expression, start=begin, end=end, step=step
        )["result"]:
            labels = ",".join(
                f'{key}="{value}"' for key, value in series["metric"].items() if key != "__name__"
            )
            for at, value in series["values"]:
                yield f"{name}{{{labels}}} {value} {int(at)}"


def write(database, pasts):
    """Until half an hour ago, at whole hours; later samples are real."""
    now = int(time.time())
    until = now - HOUR // 2
    begin = (now - 62 * DAY) // HOUR * HOUR
    steps = (
        ("wgsocks-hours", HOUR, "", begin),
        (
            "wgsocks-proxy",
            HOUR // 6,
            "proxy:active_connections:avg5m",
            now // HOUR * HOUR - 8 * DAY,
        ),
        ("wgsocks-weeks", HOUR, "", begin),
    )
    database.write(line for past in pasts for line in past.samples(now, until))
    for batch in (steps[:2], steps[2:]):
        database.start()
        lines = [
            line
            for group, step, which, since in batch
            for line in recorded(database, group, since, until, step, which)
        ]
        database.stop()
        database.write(lines)
