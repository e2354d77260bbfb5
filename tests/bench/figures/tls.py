# SPDX-License-Identifier: Apache-2.0
"""TLS: scrapes over a connection that is kept alive, with OpenMetrics and gzip; the same under a
flood of wrong passwords; memory.
"""

import contextlib
import ctypes
import os
import socket
import ssl
import subprocess
import tempfile

from . import programs, table
from .machine import priority
from .memory import private_copy, used
from .processes import Exporter
from .spread import median, quantile

ROUNDS, COUNT = 8, 400
LIMIT_P50_MS, LIMIT_FLOOD_P99_MS, LIMIT_PSS_MIB = 1.0, 20.0, 8.0
WRONG, SECONDS = 100, 10
LOGIN = "prometheus:secret"


def configuration(folder):
    """A certificate as they are today, a password of the usual cost."""
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-keyout",
            f"{folder}/key.pem",
            "-out",
            f"{folder}/cert.pem",
            "-days",
            "2",
            "-subj",
            "/CN=bench",
        ],
        check=True,
        capture_output=True,
    )
    crypt = ctypes.CDLL("libcrypt.so.1").crypt
    crypt.restype = ctypes.c_char_p
    hashed = crypt(LOGIN.split(":")[1].encode(), b"$2b$10$abcdefghijklmnopqrstuu").decode()
    path = os.path.join(folder, "web.yml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(
            f"tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\nbasic_auth_users:\n  "
            f"prometheus: {hashed}\n"
        )
    return path


class TlsExporter(Exporter):
    def get(self, path, port=None):
        if port:
            return super().get(path, port)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        answer = b""
        with (
            contextlib.suppress(OSError),
            self.space.socket(socket.AF_INET, socket.SOCK_STREAM) as raw,
        ):
            raw.settimeout(5)
            raw.connect(("127.0.0.1", self.port))
            with context.wrap_socket(raw) as client:
                client.sendall(
                    f"GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Basic "
                    f"cHJvbWV0aGV1czpzZWNyZXQ=\r\nConnection: close\r\n\r\n".encode()
                )
                while data := client.recv(1 << 16):
                    answer += data
        return answer.decode()


def ask(bench, exporter):
    found = bench.run(exporter.space, "https", exporter.METRICS, "/metrics", COUNT, 1, 0, LOGIN)
    if found["failed"]:
        raise OSError(f"{found['failed']} of {COUNT} scrapes failed")
    return found


def paced(bench, exporter):
    """Scrapes, a hundred a second: their latencies in ms."""
    found = bench.run(
        exporter.space, "https", exporter.METRICS, "/metrics", (SECONDS - 2) * 100, 1, 100, LOGIN
    )
    if found["failed"]:
        raise OSError(f"{found['failed']} scrapes failed")
    return [us / 1000 for us in found["us"]]


def flooded(bench, exporter):
    """The same while wrong passwords come, at their rate."""
    flood = exporter.space.popen(
        [
            programs.path("https"),
            str(exporter.METRICS),
            "/metrics",
            str(WRONG * SECONDS),
            "20",
            str(WRONG),
            "prometheus:wrong#",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    scrapes = paced(bench, exporter)
    wrong = programs.parse(flood.communicate(timeout=60)[0])
    if wrong["failed"]:
        raise OSError(f"{wrong['failed']} wrong passwords got another answer")
    return scrapes, len(wrong["us"]) / wrong["seconds"]


def tls(bench):
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        flag = f"--web.config.file={configuration(folder)}"
        with priority(), TlsExporter(bench.proxy, flag) as exporter:
            rounds = [ask(bench, exporter) for _ in range(ROUNDS)]
            alone = paced(bench, exporter)
            under, rate = flooded(bench, exporter)
        with (
            tempfile.TemporaryDirectory() as copy,
            TlsExporter(bench.proxy, flag, **private_copy(programs.EXPORTER, copy)) as exporter,
        ):
            pss, each = used(exporter)
    p50 = [quantile(one["us"], 0.5) / 1000 for one in rounds]
    first = max(one["us"][0] for one in rounds) / 1000
    bench.raw["tls"] = {
        "p50": p50,
        "alone": alone,
        "flooded": under,
        "rate": rate,
        "pss": pss,
        "each": each,
    }
    return [
        table.row(
            "scrape, kept-alive TLS with gzip, p50",
            median(p50),
            LIMIT_P50_MS,
            "ms",
            f"{rounds[0]['bytes'] / 1024:.1f} KiB; with the handshake {first:.1f}",
            [min(p50), max(p50)],
            3,
        ),
        table.row(
            f"the same under {rate:.0f} wrong passwords a second, p99",
            quantile(under, 0.99),
            LIMIT_FLOOD_P99_MS,
            "ms",
            f"p50 {quantile(under, 0.5):.2f}; p99 without them {quantile(alone, 0.99):.2f}",
            [min(under), max(under)],
            2,
            hidden=quantile(alone, 0.99) > LIMIT_FLOOD_P99_MS / 2,
        ),
        table.row(
            "PSS of all five processes with TLS, nothing shared with others",
            pss,
            LIMIT_PSS_MIB,
            "MiB",
        ),
    ]
