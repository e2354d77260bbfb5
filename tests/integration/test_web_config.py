# SPDX-License-Identifier: Apache-2.0
"""--web.config.file: TLS, each policy for client certificates, passwords, headers, the rate limit;
and reloads without a restart.
"""

import http.client
import multiprocessing
import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import threading
import time

import pytest
from checks import equal
from exporter import BINARY, read, status
from sockslab import wait_until
from web_config import (
    FOLDER,
    Authority,
    Web,
    anyone,
    ask,
    basic,
    bcrypt,
    files,  # noqa: F401 - a fixture
    trusting,
    value,
    write,
)

pytestmark = pytest.mark.in_netns

OURS, OTHERS = Authority("ours"), Authority("others")
SERVER, EC_SERVER = OURS.issue("server"), OURS.issue("ec-server", key="P-256")
CLIENT = OURS.issue(
    "client",
    sans="DNS:prometheus.example,email:ops@example.org,URI:spiffe://lab/prometheus,IP:192.0.2.7",
    usage="clientAuth",
)
STRANGER = OTHERS.issue("stranger", sans="DNS:prometheus.example", usage="clientAuth")
EXPIRED_CLIENT = OURS.issue("expired-client", usage="clientAuth", until="20200201000000Z")
NOT_FOR_CLIENTS = OURS.issue("not-for-clients", usage="serverAuth")


def tls_config(name, extra="", server=SERVER):
    return write(
        name, f"tls_server_config:\n  cert_file: {server[0]}\n  key_file: {server[1]}\n{extra}"
    )


def refused(port, context):
    """Whether a client with this context is refused; with TLS 1.3 it learns that only when it
    reads.
    """
    try:
        ask(port, "/-/healthy", tls=context)
    except (OSError, http.client.HTTPException):
        return True
    return False


def test_tls():
    with Web(tls_config("tls.yml")) as web:
        answer = ask(web.port, tls=trusting(OURS))
        equal(answer.status, 200)
        equal(value(answer.body, "wgsocks_exporter_web_config_last_reload_successful"), 1)
        expiry = ssl.cert_time_to_seconds(
            subprocess.run(
                ["openssl", "x509", "-noout", "-enddate", "-in", SERVER[0]],
                capture_output=True,
                text=True,
                check=True,
            )
            .stdout.strip()
            .split("=")[1]
        )
        equal(
            value(answer.body, "wgsocks_exporter_web_certificate_expiry_timestamp_seconds"), expiry
        )
        equal(
            abs(
                value(
                    answer.body, "wgsocks_exporter_web_config_last_reload_success_timestamp_seconds"
                )
                - time.time()
            )
            < 60,
            True,
            "a time of now",
        )
        equal(refused(web.port, trusting(OTHERS)), True, "a client that trusts others")
        try:
            ask(web.port)
            raise AssertionError("an answer to plain HTTP")
        except (OSError, http.client.HTTPException):
            pass
        after = ask(web.port, tls=trusting(OURS)).body
        equal(
            value(after, 'wgsocks_exporter_web_requests_refused_total{reason="tls"}') >= 2,
            True,
            "connections without a request are counted",
        )


def test_file_reader_has_no_network_and_web_opens_no_file():
    with Web(tls_config("rights.yml")) as web:
        pids = web.children()
        files = web.part("webconfig")
        equal(status(pids["web"])["CapEff"].strip(), "0000000000000000", "rights of web")
        equal(status(pids["web"])["Seccomp"].strip(), "2", "its filter")
        equal(status(pids["web"])["Uid"].split()[0], "65534", "its user")
        for task in os.listdir(f"/proc/{pids['web']}/task"):
            equal(
                status(f"{pids['web']}/task/{task}")["Seccomp"].strip(),
                "2",
                "the filter of each thread",
            )
        kept = int(status(files)["CapEff"], 16)
        equal(
            kept & ~sum(1 << bit for bit in (1, 2, 6, 7, 8)),
            0,
            "rights of files beyond reading and changing its child's user",
        )
        sockets = [os.readlink(f"/proc/{files}/fd/{fd}") for fd in os.listdir(f"/proc/{files}/fd")]
        equal([name for name in sockets if name.startswith("socket:")], [], "sockets of files")


def test_inline_pem():
    text = "tls_server_config:\n"
    for key, path in (("cert", SERVER[0]), ("key", SERVER[1]), ("client_ca", OURS.certificate)):
        text += f"  {key}: |\n" + "".join(f"    {line}\n" for line in path.read_text().splitlines())
    with Web(write("inline.yml", text + "  client_auth_type: RequireAndVerifyClientCert\n")) as web:
        equal(ask(web.port, tls=trusting(OURS, CLIENT)).status, 200)
        equal(refused(web.port, trusting(OURS)), True, "without a certificate")


POLICIES = {
    # policy → accepted certificates, of: none, ours, stranger, expired, not for clients
    "NoClientCert": (True, True, True, True, True),
    "RequestClientCert": (True, True, True, True, True),
    "RequireAnyClientCert": (False, True, True, True, True),
    "VerifyClientCertIfGiven": (True, True, False, False, False),
    "RequireAndVerifyClientCert": (False, True, False, False, False),
}


def test_client_certificate_policies():
    clients = (None, CLIENT, STRANGER, EXPIRED_CLIENT, NOT_FOR_CLIENTS)
    for policy, welcome in POLICIES.items():
        ca = "" if policy == "NoClientCert" else f"  client_ca_file: {OURS.certificate}\n"
        with Web(tls_config("policy.yml", f"  client_auth_type: {policy}\n{ca}")) as web:
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                for client, expected in zip(clients, welcome, strict=True):
                    context = anyone()
                    context.minimum_version = context.maximum_version = version
                    if client:
                        context.load_cert_chain(*client)
                    equal(
                        not refused(web.port, context),
                        expected,
                        f"{policy}, {version.name}, {client and client[0].stem}",
                    )


def test_client_allowed_sans():
    for san, expected in (
        ("prometheus.example", True),
        ("ops@example.org", True),
        ("spiffe://lab/prometheus", True),
        ("192.0.2.7", True),
        ("prometheus.exampl", False),
        ("example.org", False),
        ("192.0.2.70", False),
    ):
        extra = (
            f"  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: "
            f"{OURS.certificate}\n  client_allowed_sans: [nobody.example, '{san}']\n"
        )
        with Web(tls_config("sans.yml", extra)) as web:
            equal(not refused(web.port, trusting(OURS, CLIENT)), expected, san)


def spoken(port, version=None, ciphers=None):
    """The negotiated version and suite; None if negotiation fails."""
    context = anyone()
    context.set_ciphers((ciphers or "ALL") + ":@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    if version:
        context.minimum_version = context.maximum_version = version
    try:
        with (
            socket.create_connection(("127.0.0.1", port), 5) as raw,
            context.wrap_socket(raw) as client,
        ):
            return client.version(), client.cipher()[0]
    except (ssl.SSLError, ConnectionError):
        return None


V = ssl.TLSVersion


def test_versions():
    order = [(V.TLSv1, "TLS10"), (V.TLSv1_1, "TLS11"), (V.TLSv1_2, "TLS12"), (V.TLSv1_3, "TLS13")]
    for low, high in (
        ("TLS12", "TLS13"),
        ("TLS13", "TLS13"),
        ("TLS12", "TLS12"),
        ("TLS10", "TLS11"),
        ("TLS11", "TLS13"),
    ):
        with Web(
            tls_config("versions.yml", f"  min_version: {low}\n  max_version: {high}\n")
        ) as web:
            for version, name in order:
                equal(
                    bool(spoken(web.port, version)), low <= name <= high, f"{low} to {high}: {name}"
                )


def test_cipher_suites():
    suites = {
        "TLS_ECDHE_{}_WITH_AES_128_CBC_SHA": "ECDHE-{}-AES128-SHA",
        "TLS_ECDHE_{}_WITH_AES_256_CBC_SHA": "ECDHE-{}-AES256-SHA",
        "TLS_ECDHE_{}_WITH_AES_128_GCM_SHA256": "ECDHE-{}-AES128-GCM-SHA256",
        "TLS_ECDHE_{}_WITH_AES_256_GCM_SHA384": "ECDHE-{}-AES256-GCM-SHA384",
        "TLS_ECDHE_{}_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-{}-CHACHA20-POLY1305",
    }
    for kind, server in (("RSA", SERVER), ("ECDSA", EC_SERVER)):
        for high in ("TLS12", "TLS13"):
            for chosen, wanted in suites.items():
                with Web(
                    tls_config(
                        "suites.yml",
                        f"  max_version: {high}\n  cipher_suites: [{chosen.format(kind)}]\n",
                        server,
                    )
                ) as web:
                    found = {
                        name
                        for name in suites.values()
                        if spoken(web.port, V.TLSv1_2, name.format(kind))
                    }
                    equal(found, {wanted}, f"{kind} {high} {chosen}")
                    if high == "TLS13":
                        equal(spoken(web.port, V.TLSv1_3)[0], "TLSv1.3", "TLS 1.3 beside any list")
    order = (
        "  max_version: TLS12\n  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, "
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]\n"
    )
    with Web(tls_config("order.yml", order)) as web:
        equal(
            spoken(web.port, V.TLSv1_2, "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384")[
                1
            ],
            "ECDHE-RSA-AES256-GCM-SHA384",
            "the server's order",
        )


def test_curves():
    names = {"X25519": "X25519", "CurveP256": "P-256", "CurveP384": "P-384", "CurveP521": "P-521"}
    for chosen in names:
        with Web(tls_config("curves.yml", f"  curve_preferences: [{chosen}]\n")) as web:
            for name, curve in names.items():
                done = subprocess.run(
                    ["openssl", "s_client", "-connect", f"127.0.0.1:{web.port}", "-groups", curve],
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    check=False,
                )
                equal(done.returncode == 0, name == chosen, f"{chosen}: {name}")


def test_headers():
    headers = {
        "X-Frame-Options": "deny",
        "X-Content-Type-Options": "nosniff",
        "Strict-Transport-Security": "max-age=3600",
        "X-XSS-Protection": "1; mode=block",
        "Content-Security-Policy": "default-src 'self'",
    }
    text = "http_server_config:\n  headers:\n" + "".join(
        f'    {name}: "{content}"\n' for name, content in headers.items()
    )
    with Web(write("headers.yml", text), secure=False) as web:
        for path, expected in (("/metrics", 200), ("/", 200), ("/none", 404)):
            answer = ask(web.port, path)
            equal(answer.status, expected)
            for name, content in headers.items():
                # the page has different headers
                if (path, name) != ("/", "Content-Security-Policy"):
                    equal(answer.headers.get_all(name), [content], f"{path}: {name}")
        assert "script-src 'sha256-" in ask(web.port, "/").headers["Content-Security-Policy"]
        equal(
            value(ask(web.port).body, "wgsocks_exporter_web_certificate_expiry_timestamp_seconds"),
            None,
            "an expiry without TLS",
        )


def test_passwords():
    users = {"alice": "secret", "bob": "a:b ü", "eve": "x" * 72}
    text = "basic_auth_users:\n" + "".join(
        f"  {name}: {bcrypt(word)}\n" for name, word in users.items()
    )
    with Web(write("users.yml", text), secure=False) as web:
        for path in ("/metrics", "/", "/-/healthy", "/none"):
            answer = ask(web.port, path)
            equal((answer.status, answer.headers["WWW-Authenticate"][:6]), (401, "Basic "), path)
        for name, word in users.items():
            equal(ask(web.port, headers=basic(name, word)).status, 200, name)
        for header in (
            "Basic",
            "Basic ",
            "Basic !!!!",
            "Basic YWxpY2U=",
            "Bearer c2VjcmV0",
            "Basic " + "A" * 4000,
        ):
            equal(ask(web.port, headers={"Authorization": header}).status, 401, header[:20])
        for name, word in (
            ("alice", "Secret"),
            ("alice", ""),
            ("", ""),
            ("Alice", "secret"),
            ("alice", "secret\0"),
            ("mallory", "secret"),
        ):
            equal(ask(web.port, headers=basic(name, word)).status, 401, f"{name} with {word!r}")
        refused_by = ask(web.port, headers=basic("alice", "secret")).body
        equal(
            value(refused_by, 'wgsocks_exporter_web_requests_refused_total{reason="no_password"}'),
            5,
            "the four, and the one that waited for the start",
        )
        equal(
            value(refused_by, 'wgsocks_exporter_web_requests_refused_total{reason="password"}'), 12
        )


def test_a_password_costs_one_bcrypt(record_property):
    """By the CPU time of the hashing thread, since the elapsed time depends on the machine."""
    with Web(
        write("cost.yml", f"basic_auth_users:\n  alice: {bcrypt('secret', 12)}\n"), secure=False
    ) as web:
        web_pid = web.part("web")
        hasher = next(
            int(task) for task in os.listdir(f"/proc/{web_pid}/task") if int(task) != web_pid
        )

        def hashing(name, word, status):
            before = int(read(f"/proc/{web_pid}/task/{hasher}/schedstat").split()[0])
            equal(
                ask(web.port, "/-/healthy", headers=basic(name, word), timeout=60).status,
                status,
                f"{name}, {word}",
            )
            return (int(read(f"/proc/{web_pid}/task/{hasher}/schedstat").split()[0]) - before) / 1e6

        first = hashing("alice", "secret", 200)
        again = [hashing("alice", "secret", 200) for _ in range(20)]
        equal(max(again) < first / 20, True, f"{first:.0f} ms, then up to {max(again):.1f}")
        known = min(hashing("alice", f"wrong{i}", 401) for i in range(3))
        unknown = min(hashing(f"nobody{i}", "secret", 401) for i in range(3))
        equal(
            0.7 < known / unknown < 1.4,
            True,
            f"a wrong password {known:.0f} ms, a user who is not there {unknown:.0f}",
        )
        equal(hashing("alice", "wrong0", 401) < first / 20, True, "the same wrong password again")
    record_property("note", f"{first:.0f} ms of CPU, then {max(again):.2f}")


def wrong_passwords(port, end, tell):
    """100 different passwords a second; the statuses of the answers."""
    answers, threads = [], []
    while not end.is_set():
        word = f"wrong{len(threads)}"
        threads.append(
            threading.Thread(
                target=lambda word=word: answers.append(
                    ask(port, headers=basic("alice", word)).status
                )
            )
        )
        threads[-1].start()
        end.wait(0.01)
    for thread in threads:
        thread.join()
    tell.send(answers)


def scrape_times(port, headers, seconds):
    """Sorted durations of scrapes over one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    took, begun = [], time.monotonic()
    while time.monotonic() - begun < seconds:
        start = time.monotonic()
        connection.request("GET", "/metrics", headers=headers)
        response = connection.getresponse()
        response.read()
        took.append(time.monotonic() - start)
        equal(response.status, 200)
        time.sleep(0.005)
    return sorted(took)


@pytest.mark.alone("compares latencies of scrapes, without and with a flood of wrong passwords")
def test_wrong_passwords_cannot_stall_scrapes(record_property):
    with Web(
        write("flood.yml", f"basic_auth_users:\n  alice: {bcrypt('secret')}\n"), secure=False
    ) as web:
        right = basic("alice", "secret")
        equal(ask(web.port, headers=right).status, 200)
        alone = scrape_times(web.port, right, 2)
        told, tell = multiprocessing.Pipe(duplex=False)
        end = multiprocessing.Event()
        flood = multiprocessing.Process(target=wrong_passwords, args=(web.port, end, tell))
        flood.start()
        took = scrape_times(web.port, right, 5)
        # A client at another address with a new password is checked too.
        elsewhere = http.client.HTTPConnection(
            "127.0.0.1", web.port, source_address=("127.0.0.2", 0)
        )
        begun = time.monotonic()
        elsewhere.request("GET", "/-/healthy", headers=basic("alice", "wrong from elsewhere"))
        equal(elsewhere.getresponse().status, 401, "another client's turn")
        one_check = time.monotonic() - begun
        end.set()
        answers = told.recv()
        flood.join()
        p99, p99_alone = (each[len(each) * 99 // 100] for each in (took, alone))
        equal(set(answers), {401, 429}, "the flood's answers: wrong, and too many of them")
        equal(len(answers) > 200, True, f"{len(answers)} wrong passwords in 5 s")
        # A scrape that waits for passwords takes at least as long as one check. tests/bench
        # measures the time.
        equal(
            p99 <= max(one_check, 3 * p99_alone),
            True,
            f"p99 {p99 * 1000:.1f} ms, {p99_alone * 1000:.1f} without them, one check "
            f"{one_check * 1000:.1f}",
        )
    record_property(
        "note",
        f"{len(answers) / 5:.0f} wrong ones a second, p99 {p99 * 1000:.1f} ms over {len(took)} "
        f"scrapes",
    )


def test_rate_limit():
    with Web(write("rate.yml", "rate_limit:\n  interval: 1h\n  burst: 5\n"), secure=False) as web:
        statuses = [ask(web.port, "/-/healthy").status for _ in range(8)]
        equal(statuses[-4:], [429] * 4)
        equal(statuses.count(200) in (3, 4), True, f"{statuses} with what the start took")


def reload_count(web, **where):
    return value(
        ask(web.port, **where).body,
        "wgsocks_exporter_web_config_last_reload_success_timestamp_seconds",
    )


def test_reload_as_kubernetes_does_it():
    """Update the files like kubelet: they are links through the link ..data, which is swapped."""
    folder = FOLDER / "secret"
    folder.mkdir()

    def version(name, server, extra=""):
        (folder / name).mkdir()
        (folder / name / "tls.crt").write_bytes(server[0].read_bytes())
        (folder / name / "tls.key").write_bytes(server[1].read_bytes())
        (folder / name / "tls.key").chmod(0o400)
        (folder / name / "web.yml").write_text(
            f"tls_server_config:\n  cert_file: tls.crt\n  key_file: tls.key\n{extra}"
        )
        os.symlink(name, folder / "..new")
        os.rename(folder / "..new", folder / "..data")

    def served(web):
        with (
            socket.create_connection(("127.0.0.1", web.port), 5) as raw,
            anyone().wrap_socket(raw) as client,
        ):
            return client.getpeercert(binary_form=True)

    def der(path):
        return ssl.PEM_cert_to_DER_cert(path.read_text())

    version("..1", SERVER)
    for name in ("tls.crt", "tls.key", "web.yml"):
        os.symlink(f"..data/{name}", folder / name)
    with Web(folder / "web.yml") as web:
        children = web.children()
        equal(served(web), der(SERVER[0]))
        kept = http.client.HTTPSConnection("127.0.0.1", web.port, context=anyone())
        kept.request("GET", "/metrics")
        kept.getresponse().read()
        version("..2", EC_SERVER, "http_server_config:\n  headers:\n    X-Frame-Options: deny\n")
        wait_until(lambda: served(web) == der(EC_SERVER[0]), 5, "the new certificate")
        equal(ask(web.port, tls=anyone()).headers["X-Frame-Options"], "deny")
        try:
            kept.request("GET", "/metrics")
            equal(kept.getresponse().headers["Connection"], "close", "a connection of before")
        except (OSError, http.client.HTTPException):
            pass  # it was closed
        equal(web.children(), children, "nobody was started again")
        # First with a password, then plain HTTP, then TLS again.
        version("..3", SERVER, f"basic_auth_users:\n  alice: {bcrypt('secret')}\n")
        wait_until(
            lambda: ask(web.port, tls=anyone()).status == 401, 5, "a password to be asked for"
        )
        equal(ask(web.port, tls=anyone(), headers=basic("alice", "secret")).status, 200)
        (folder / "..4").mkdir()
        (folder / "..4" / "web.yml").write_text("")
        os.symlink("..4", folder / "..new")
        os.rename(folder / "..new", folder / "..data")
        web.wait_served("http")
        equal(ask(web.port).status, 200, "plain HTTP")
        version("..5", SERVER)
        web.wait_served("https", 4)
        equal(ask(web.port, tls=trusting(OURS)).status, 200, "TLS again")
        equal(web.children(), children, "nobody was started again")


def test_the_page_of_the_docs():
    page = (pathlib.Path(__file__).resolve().parents[2] / "docs" / "web-config.md").read_text(
        encoding="utf-8"
    )
    ours, prometheus = re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    command = re.search(r"^perl .*$", page, re.MULTILINE)[0].replace(
        "the password", "from the page"
    )
    made = subprocess.run(
        command, shell=True, capture_output=True, text=True, check=True
    ).stdout.strip()
    folder = FOLDER / "page"
    folder.mkdir()
    for name, path in (
        ("tls.crt", SERVER[0]),
        ("tls.key", SERVER[1]),
        ("ca.crt", OURS.certificate),
        ("client.crt", CLIENT[0]),
        ("client.key", CLIENT[1]),
    ):
        (folder / name).write_bytes(path.read_bytes())
    (folder / "password").write_text("x")
    (folder / "prometheus.yml").write_text(prometheus)
    subprocess.run(
        ["promtool", "check", "config", folder / "prometheus.yml"], check=True, capture_output=True
    )
    (folder / "web.yml").write_text(re.sub(r"\$2y\$.*", made, ours))
    with Web(folder / "web.yml") as web:
        equal(
            ask(
                web.port, tls=trusting(OURS, CLIENT), headers=basic("prometheus", "from the page")
            ).status,
            200,
        )
        (folder / "web.yml").write_text(ours)
        web.wait_served("https", 2)
        equal(web.records(level="error"), [], "the hash of the page is one")
    for name in re.findall(r"`(wgsocks_exporter_web_\w+)", page):
        equal(
            name
            in subprocess.run(
                [BINARY, "--help-metrics"], capture_output=True, text=True, check=True
            ).stdout,
            True,
            name,
        )


def test_restarts_of_its_processes():
    with Web(tls_config("restart.yml")) as web:
        for name in ("web", "webconfig"):
            pid = web.part(name)
            os.kill(pid, 9)
            equal(ask(web.port, tls=trusting(OURS)).status, 200, f"after {name} was killed")
        # The last valid configuration is kept for a web process that starts while the file is
        # invalid.
        write("restart.yml", "tls_server_config: 5\n")
        web.wait_records(
            msg="invalid web configuration",
            path=re.compile("restart.yml$"),
            error=re.compile("^line 1"),
        )
        os.kill(web.children()["web"], 9)
        answer = ask(web.port, tls=trusting(OURS))
        equal(
            (
                answer.status,
                value(answer.body, "wgsocks_exporter_web_config_last_reload_successful"),
            ),
            (200, 0),
        )


def test_SIGHUP_reloads_the_file():
    """A reload updates the time of the last reload even without a change. An invalid file is
    reported and changes nothing.
    """
    with Web(tls_config("hup.yml")) as web:
        before, children, files = (
            reload_count(web, tls=trusting(OURS)),
            web.children(),
            web.part("webconfig"),
        )
        os.kill(web.pid, signal.SIGHUP)
        wait_until(lambda: reload_count(web, tls=trusting(OURS)) > before, 10, "another reload")
        equal(
            len(
                web.records(
                    process="supervisor", msg="reloading web configuration", signal="Hangup"
                )
            ),
            1,
            web.log(),
        )
        write("hup.yml", "tls_server_config: 5\n")
        os.kill(web.pid, signal.SIGHUP)
        web.wait_records(
            msg="invalid web configuration",
            path=re.compile("hup.yml$"),
            error=re.compile("^line 1"),
        )
        answer = ask(web.port, tls=trusting(OURS))
        equal(
            (
                answer.status,
                value(answer.body, "wgsocks_exporter_web_config_last_reload_successful"),
            ),
            (200, 0),
        )
        equal((web.children(), web.part("webconfig")), (children, files), "processes")
