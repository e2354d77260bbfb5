# SPDX-License-Identifier: Apache-2.0
"""Negotiation of OpenMetrics and gzip, checked with the parser of prometheus_client; and a real
Prometheus with each scrape protocol.
"""

import contextlib
import gzip
import json
import pathlib
import re
import shutil
import socket
import subprocess
import threading
import urllib.parse

import pytest
from checks import equal
from sockslab import PATIENCE, wait_until
from web_config import FOLDER, Authority, Web, ask, bcrypt, files, write  # noqa: F401 (a fixture)

pytestmark = pytest.mark.in_netns

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
TEXT = "text/plain; version=0.0.4; charset=utf-8"
# Accept headers of Prometheus 2.20, 2.42, 3.4, 3.4 with native histograms, and others.
ACCEPTS = {
    "application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1": TEXT,
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1": OPENMETRICS,
    "application/openmetrics-text;"
    "version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;"
    "q=0.3,*/*;q=0.2": OPENMETRICS,
    "application/vnd.google.protobuf;"
    "proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,"
    "application/openmetrics-text;"
    "version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2": OPENMETRICS,
    "text/plain;version=0.0.4;q=1,*/*;q=0.1": TEXT,
    "text/plain;q=0.9, application/openmetrics-text;q=0.8": TEXT,
    "application/openmetrics-text;q=0": TEXT,
    "*/*": TEXT,
    "": TEXT,
}


def parsed(body):
    checker = pathlib.Path(__file__).with_name("openmetrics_check")
    done = subprocess.run(
        [checker], input=body.decode(), capture_output=True, text=True, check=False
    )
    if "No module named 'prometheus_client'" in done.stderr:
        pytest.skip("no prometheus_client (package python3-prometheus-client)")
    equal(done.returncode, 0, done.stderr[-400:])
    return json.loads(done.stdout)


def samples(text):
    """{series: value} of the text format, spelt like openmetrics_check."""
    found = {}
    for name, labels, number in re.findall(r"^(\w+)(?:\{(.*)\})? (\S+)$", text, re.MULTILINE):
        pairs = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels))
        pairs = {
            key: re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], text)
            for key, text in pairs.items()
        }
        if "le" in pairs and pairs["le"] != "+Inf":
            pairs["le"] = repr(float(pairs["le"]))
        found[f"{name}{json.dumps(pairs, sort_keys=True)}"] = float(number)
    return found


def test_formats():
    with Web(None, secure=False) as web:
        for accept, expected in ACCEPTS.items():
            answer = ask(web.port, headers={"Accept": accept})
            equal((answer.status, answer.headers["Content-Type"]), (200, expected), accept)
            equal(answer.body.endswith(b"# EOF\n"), expected == OPENMETRICS, accept)


def test_the_reference_parser_reads_the_same(record_property):
    with Web(None, '--proxy.name=cr"ab\\golden\nnew line, é', secure=False) as web:
        wait_until(lambda: b"\nproxy_info{" in ask(web.port).body, 10, "the collector")
        families = parsed(ask(web.port, headers={"Accept": "application/openmetrics-text"}).body)
        older = ask(web.port).body.decode()
        ours = {
            series: number for family in families.values() for series, number in family[2].items()
        }
        equal(set(ours) - set(samples(older)), set(), "series of OpenMetrics alone")
        equal(set(samples(older)) - set(ours), set(), "series of the older format alone")
        types = dict(re.findall(r"^# TYPE (\w+) (\w+)$", older, re.MULTILINE))
        equal(
            {
                name + "_total" * (kind == "counter"): kind
                for name, (kind, _, _) in families.items()
            },
            types,
        )
        for name, (kind, unit, _) in families.items():
            equal(
                unit,
                next((word for word in ("seconds", "bytes") if name.endswith("_" + word)), ""),
                f"{name}: unit",
            )
        equal([name for name in families if name.endswith("_created")], [], "what nobody measured")
        subprocess.run(
            ["promtool", "check", "metrics"], input=older.encode(), check=False, capture_output=True
        )
    record_property("note", f"{len(families)} families, {len(ours)} series")


def test_gzip():
    with Web(None, secure=False) as web:
        for header, expected in (
            ("gzip", "gzip"),
            ("gzip, deflate, br", "gzip"),
            ("deflate, gzip;q=0.5", "gzip"),
            ("*", "gzip"),
            ("x-gzip", "gzip"),
            ("gzip;q=0", None),
            ("identity", None),
            ("br", None),
            ("gzip;q=0.1, identity;q=0.5", None),
            (None, None),
        ):
            for accept in ("text/plain", "application/openmetrics-text"):
                headers = {"Accept": accept, **({"Accept-Encoding": header} if header else {})}
                answer = ask(web.port, headers=headers)
                equal(answer.headers["Content-Encoding"], expected, f"{header}")
                body = gzip.decompress(answer.body) if expected else answer.body
                equal(body.startswith(b"# HELP proxy_info "), True, f"{header}: {body[:40]}")
                equal(int(answer.headers["Content-Length"]), len(answer.body))
                if expected:
                    equal(
                        len(answer.body) * 4 < len(body),
                        True,
                        f"{len(answer.body)} of {len(body)} bytes",
                    )
        equal(
            ask(web.port, method="HEAD", headers={"Accept-Encoding": "gzip"}).headers[
                "Content-Encoding"
            ],
            "gzip",
            "HEAD",
        )


def test_all_forms_at_once():
    """Each of many simultaneous clients gets the format that it requested."""
    with Web(None, secure=False) as web:
        wrong = []

        def one(number):
            accept, encoding = (
                ("text/plain", "application/openmetrics-text")[number % 2],
                ("identity", "gzip")[number // 2 % 2],
            )
            answer = ask(web.port, headers={"Accept": accept, "Accept-Encoding": encoding})
            body = gzip.decompress(answer.body) if encoding == "gzip" else answer.body
            if answer.status != 200 or body.endswith(b"# EOF\n") != (number % 2 == 1):
                wrong.append((number, answer.status, body[-20:]))

        for _ in range(5):
            crowd = [threading.Thread(target=one, args=(number,)) for number in range(32)]
            for each in crowd:
                each.start()
            for each in crowd:
                each.join()
        equal(wrong, [])


class Relay:
    """A relay between Prometheus and a port that records the headers of requests and responses."""

    def __init__(self, port, to):
        self.to, self.seen = to, b""
        self.listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client = self.listener.accept()[0]
                server = socket.create_connection(("127.0.0.1", self.to))
                for one, other in ((client, server), (server, client)):
                    threading.Thread(target=self._pass, args=(one, other), daemon=True).start()

    def _pass(self, one, other):
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                self.seen += data
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)


class Prometheus:
    def __init__(self, config, port=9201):
        if not shutil.which("prometheus"):
            pytest.skip("no Prometheus here")
        self.port = port
        path = write("prometheus.yml", config)
        self.log = open(FOLDER / "prometheus.log", "wb")  # noqa: SIM115 - closed with it
        self.process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={path}",
                f"--storage.tsdb.path={FOLDER}/data",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stderr=self.log,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20 * PATIENCE)
        self.log.close()

    def get(self, path):
        try:
            return json.loads(ask(self.port, path).body)["data"]
        except (OSError, ValueError):
            return None

    def query(self, query):
        data = self.get("/api/v1/query?" + urllib.parse.urlencode({"query": query}))
        return (
            {each["metric"].get("job"): float(each["value"][1]) for each in data["result"]}
            if data
            else {}
        )


def job(name, target, extra=""):
    return f"- job_name: {name}\n  static_configs: [{{targets: ['{target}']}}]\n{extra}"


def test_prometheus_scrapes_each_way(record_property):
    ours = Authority("authority")
    server, client = ours.issue("server"), ours.issue("client", usage="clientAuth")
    other = ours.issue("other", key="P-256")
    ours.make()
    pair = f"tls_server_config:\n  cert_file: {server[0]}\n  key_file: {server[1]}\n"
    users = f"basic_auth_users:\n  prometheus: {bcrypt('secret')}\n"
    verify = (
        f"  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: {ours.certificate}\n"
    )
    tls = f"  scheme: https\n  tls_config: {{ca_file: {ours.certificate}}}\n"
    mutual = (
        f"  scheme: https\n  tls_config: "
        f"{{ca_file: {ours.certificate}, cert_file: {client[0]}, key_file: {client[1]}}}\n"
    )
    login = "  basic_auth: {username: prometheus, password: secret}\n"
    jobs = [
        job("plain", "127.0.0.1:9090"),
        job("ipv6", "[::1]:9091"),
        job("second-address", "127.0.0.1:9092"),
        job("openmetrics-and-gzip", "127.0.0.1:9300"),
        job("tls", "127.0.0.1:9110", tls),
        job("tls-ipv6", "[::1]:9111", tls),
        job("client-certificate", "127.0.0.1:9120", mutual),
        job("password", "127.0.0.1:9130", login),
        job("everything", "127.0.0.1:9140", mutual + login),
        job("no-client-certificate", "127.0.0.1:9120", tls),
        job("wrong-password", "127.0.0.1:9130", login.replace("secret", "wrong")),
        job("not-trusted", "127.0.0.1:9110", "  scheme: https\n"),
    ]
    bad = {"no-client-certificate", "wrong-password", "not-trusted"}
    with contextlib.ExitStack() as stack:
        stack.enter_context(
            Web(
                None,
                "--web.listen-address=[::1]:9091",
                "--web.listen-address=127.0.0.1:9092",
                secure=False,
            )
        )
        stack.enter_context(
            Web(write("p1.yml", pair), "--web.listen-address=[::1]:9111", port=9110)
        )
        stack.enter_context(Web(write("p2.yml", pair + verify), port=9120))
        stack.enter_context(Web(write("p3.yml", users), port=9130, secure=False))
        last = stack.enter_context(Web(write("p4.yml", pair + verify + users), port=9140))
        relay = Relay(9300, 9090)
        prometheus = stack.enter_context(
            Prometheus(
                "global: {scrape_interval: 500ms, scrape_timeout: 500ms}\nscrape_configs:\n"
                + "".join(jobs)
            )
        )
        wait_until(
            lambda: len(prometheus.query("count_over_time(up[1m]) > 6")) == len(jobs),
            60,
            "some scrapes of each",
        )
        up = prometheus.query("max_over_time(up[1m])")
        equal({name for name, number in up.items() if not number}, bad, "who is down")
        names = prometheus.query("count by (job) ({__name__=~'proxy_.+'})")
        wait_until(
            lambda: (
                len(
                    set(
                        prometheus.query(
                            "count by (job) ({__name__=~'proxy_.+|wgsocks_.+'})"
                        ).values()
                    )
                )
                >= 1
            ),
            10,
            "series",
        )
        equal(set(names) & bad, set(), "series of those that are down")
        units = prometheus.get(
            "/api/v1/targets/metadata?"
            + urllib.parse.urlencode(
                {"metric": "process_cpu_seconds", "match_target": '{job="tls"}'}
            )
        )
        equal(
            [(each["type"], each["unit"]) for each in units],
            [("counter", "seconds")],
            "OpenMetrics's metadata, unit and all",
        )
        equal(
            b"\r\nContent-Encoding: gzip\r\n" in relay.seen
            and f"\r\nContent-Type: {OPENMETRICS}\r\n".encode() in relay.seen,
            True,
            "what passed the relay",
        )
        # Reload during scrapes: certificate, then headers, then the certificate again.
        for number, chosen in enumerate((other, server, other)):
            text = (
                f"tls_server_config:\n  cert_file: {chosen[0]}\n  key_file: {chosen[1]}\n"
                f"{verify}{users}http_server_config: "
                f"{{headers: {{X-XSS-Protection: '{number}'}}}}\n"
            )
            write("p4.yml", text)
            last.wait_served("https", number + 2)
            before = prometheus.query("count_over_time(up{job='everything'}[5m])")["everything"]
            wait_until(
                lambda before=before: (
                    prometheus.query("count_over_time(up{job='everything'}[5m])")["everything"]
                    >= before + 3
                ),
                20,
                "scrapes after it",
            )
        down = {
            name: number
            for name, number in prometheus.query(
                "count_over_time(up[5m]) - sum_over_time(up[5m])"
            ).items()
            if number and name not in bad
        }
        equal(down.get("everything", 0), 0, "scrapes of it that failed in a reload")
    record_property("note", f"{len(jobs) - len(bad)} ways in, {len(bad)} out")
