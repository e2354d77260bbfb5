# SPDX-License-Identifier: Apache-2.0
"""An invalid --web.config.file: at start one log line and exit 2; later one log line, a metric, and
the old configuration stays active. And hostile clients.
"""

import os
import re
import resource
import socket
import ssl
import subprocess
import threading
import time

import pytest
from checks import equal
from exporter import BINARY, read
from logfmt import records
from sockslab import PATIENCE, wait_until
from web_config import (
    FOLDER,
    Authority,
    Web,
    anyone,
    ask,
    bcrypt,
    files,  # noqa: F401 - a fixture
    trusting,
    value,
    write,
)

pytestmark = pytest.mark.in_netns

OURS = Authority("ours")
SERVER, OTHER_SERVER = OURS.issue("server"), OURS.issue("other-server", key="P-256")
EXPIRED = OURS.issue("expired", until="20200201000000Z")
SUCCESS = "wgsocks_exporter_web_config_last_reload_successful"
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(9)
)
HANDSHAKES = 10000
HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(40)  # its beginning


def tls(cert=SERVER[0], key=SERVER[1], extra=""):
    return f"tls_server_config:\n  cert_file: {cert}\n  key_file: {key}\n{extra}"


NO_PEM, EMPTY, LARGE, FIFO, DIRECTORY = (
    FOLDER / name for name in ("no.pem", "empty.pem", "large.pem", "fifo", "directory")
)


@pytest.fixture(scope="module", autouse=True)
def odd_files(request):
    request.getfixturevalue("files")
    NO_PEM.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    EMPTY.write_text("")
    LARGE.write_text("x" * (1 << 21))
    os.mkfifo(FIFO)
    DIRECTORY.mkdir()


def of_cert(path, error):
    return {
        "msg": "cannot read file named in web configuration",
        "setting": "cert_file",
        "path": str(path),
        "error": error,
    }


def fields_of(why):
    """The fields of the log line: as given, or of a file that is refused for this reason."""
    return (
        why
        if isinstance(why, dict)
        else {
            "msg": "invalid web configuration",
            "path": re.compile("(bad|later).yml$"),
            "error": re.compile(re.escape(why)),
        }
    )


# The content of the file, and the reason in the log line.
BAD = {
    "unknown key": ("tls_server_configs: {}\n", "line 1: unknown key tls_server_configs"),
    "unknown key of TLS": (
        tls(extra="  certfile: x\n"),
        "line 4: tls_server_config: unknown key certfile",
    ),
    "unknown key of HTTP": (
        "http_server_config:\n  http3: true\n",
        "line 2: http_server_config: unknown key http3",
    ),
    "unknown key of the rate": (
        "rate_limit: {intervall: 1s}\n",
        "rate_limit: unknown key intervall",
    ),
    "a key twice": (tls(extra="  cert_file: x\n"), "line 4: duplicate key cert_file"),
    "tabs": (
        "tls_server_config:\n\tcert_file: x\n",
        "line 2: found character that cannot start any token",
    ),
    "alias bomb": (BOMB, "line 1: anchors and aliases are not supported"),
    "anchor": ("basic_auth_users: &u {}\n", "line 1: anchors and aliases are not supported"),
    "alias": ("basic_auth_users: *u\n", "anchors and aliases are not supported"),
    "tag": ("basic_auth_users: !!python/object:os.system {}\n", "line 1: tags are not supported"),
    "10 MB": (
        "#" * 79 + "\n" + ("#" * 79 + "\n") * 131072,
        {"msg": "cannot read web configuration", "error": "too large"},
    ),
    "deep": ("[" * 100000, "line 1: expected keys with values"),
    "binary": ("\x01\x02\x03", "control characters are not allowed"),
    "two documents": (
        "basic_auth_users: {}\n---\nbasic_auth_users: {}\n",
        "more than one document",
    ),
    "a list": ("- a\n", "line 1: expected keys with values"),
    "no certificate": ("tls_server_config:\n  key_file: x\n", "neither cert nor cert_file"),
    "no key": (f"tls_server_config:\n  cert_file: {SERVER[0]}\n", "neither key nor key_file"),
    "two certificates": (tls(extra="  cert: x\n"), "both cert and cert_file"),
    "certificate not there": (
        tls(cert="/nowhere/cert.pem"),
        of_cert("/nowhere/cert.pem", "No such file or directory"),
    ),
    "certificate is no PEM": (tls(cert=NO_PEM), "certificate and key: "),
    "certificate is empty": (tls(cert=EMPTY), "certificate and key: "),
    "certificate is large": (tls(cert=LARGE), of_cert(LARGE, "too large")),
    "certificate is a FIFO": (tls(cert=FIFO), of_cert(FIFO, "not a regular file")),
    "certificate is a folder": (tls(cert=DIRECTORY), of_cert(DIRECTORY, "not a regular file")),
    "certificate expired": (tls(*EXPIRED), "the certificate expired at 2020-02-01T00:00:00Z"),
    "key of another": (tls(key=OTHER_SERVER[1]), "the key does not match the certificate"),
    "authority is no PEM": (
        tls(extra=f"  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: {NO_PEM}\n"),
        "client_ca: ",
    ),
    "authority without a policy": (
        tls(extra=f"  client_ca_file: {OURS.certificate}\n"),
        "client_ca needs a client_auth_type",
    ),
    "policy without an authority": (
        tls(extra="  client_auth_type: RequireAndVerifyClientCert\n"),
        "needs client_ca",
    ),
    "unknown policy": (
        tls(extra="  client_auth_type: Sometimes\n"),
        "unknown client_auth_type Sometimes",
    ),
    "names without a policy": (
        tls(extra="  client_allowed_sans: [x]\n"),
        "client_allowed_sans needs client_auth_type",
    ),
    "unknown version": (tls(extra="  min_version: SSL30\n"), "unknown TLS version SSL30"),
    "versions crossed": (
        tls(extra="  min_version: TLS13\n  max_version: TLS12\n"),
        "min_version is above max_version",
    ),
    "unknown suite": (
        tls(extra="  cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]\n"),
        "unknown or insecure cipher suite TLS_RSA_WITH_RC4_128_SHA",
    ),
    "suites of another key": (
        tls(
            extra="  max_version: TLS12\n"
            "  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]\n"
        ),
        "no suite of cipher_suites is for",
    ),
    "unknown curve": (tls(extra="  curve_preferences: [P-256]\n"), "unknown curve P-256"),
    "no hash": ("basic_auth_users: {alice: secret}\n", "user alice: not a bcrypt hash"),
    "hash of another kind": (
        "basic_auth_users: {alice: $6$salt$hash}\n",
        "user alice: not a bcrypt hash",
    ),
    "header": ("http_server_config: {headers: {Server: x}}\n", "header Server is not supported"),
    "header's value": (
        "http_server_config: {headers: {X-Frame-Options: allow}}\n",
        "X-Frame-Options must be deny or sameorigin",
    ),
    "header that splits": (
        'http_server_config: {headers: {X-XSS-Protection: "0\\r\\nX: y"}}\n',
        "header X-XSS-Protection contains a control character",
    ),
    "no duration": ("rate_limit: {interval: soon, burst: 1}\n", "soon is not a duration"),
    "no burst": ("rate_limit: {interval: 1s}\n", "a burst of 0"),
}


@pytest.mark.parametrize(("text", "why"), BAD.values(), ids=BAD)
def test_invalid_file_at_the_start_exits_with_2(text, why):
    path = write("bad.yml", text)
    began = time.monotonic()
    done = subprocess.run(
        [BINARY, "--bpf.pin=none", f"--web.config.file={path}"],
        capture_output=True,
        text=True,
        timeout=15 * PATIENCE,
        check=False,
    )
    lines = records(done.stderr)
    equal(
        (done.returncode, len(lines), len(done.stderr.splitlines())), (2, 1, 1), done.stderr[:300]
    )
    equal(len(records(done.stderr, **fields_of(why))), 1, lines[0])
    equal(time.monotonic() - began < 5 * PATIENCE, True, "bounded work")
    equal("secret" in done.stderr.replace("alice: secret", ""), False, "nothing secret is told")


def test_a_file_that_is_not_there():
    done = subprocess.run(
        [BINARY, "--web.config.file=/nowhere.yml"],
        capture_output=True,
        text=True,
        timeout=15 * PATIENCE,
        check=False,
    )
    equal((done.returncode, len(done.stderr.splitlines())), (2, 1))
    equal(
        len(
            records(
                done.stderr,
                msg="cannot read web configuration",
                path="/nowhere.yml",
                error="No such file or directory",
            )
        ),
        1,
        done.stderr,
    )


def test_invalid_file_at_reload_keeps_the_old_settings():
    path = write("later.yml", tls())
    with Web(path) as web:
        for name, (text, why) in BAD.items():
            before = len(web.records(level="error"))
            write("later.yml", text)
            wait_until(
                lambda before=before: len(web.records(level="error")) > before,
                10,
                f"a line on {name}",
            )
            answer = ask(web.port, tls=trusting(OURS))
            equal((answer.status, value(answer.body, SUCCESS)), (200, 0), name)
            errors = web.records(level="error")
            equal(len(errors), before + 1, f"{name}: lines")
            equal(errors[-1] in web.records(**fields_of(why)), True, f"{name}: {errors[-1]}")
        write(
            "later.yml", tls(extra="http_server_config:\n  headers:\n    X-Frame-Options: deny\n")
        )
        wait_until(
            lambda: value(ask(web.port, tls=trusting(OURS)).body, SUCCESS) == 1, 10, "the good one"
        )
        equal(ask(web.port, tls=trusting(OURS)).headers["X-Frame-Options"], "deny")
        equal(web.children().keys() >= {"web", "collector", "health"}, True)
        equal(
            value(
                ask(web.port, tls=trusting(OURS)).body,
                'wgsocks_exporter_process_restarts_total{process="web"}',
            ),
            0,
        )


def test_certificate_goes_bad_under_a_file_that_stays():
    cert, key = FOLDER / "live.pem", FOLDER / "live.key"
    cert.write_bytes(SERVER[0].read_bytes())
    key.write_bytes(SERVER[1].read_bytes())
    with Web(write("live.yml", tls(cert, key))) as web:
        cert.write_bytes(OTHER_SERVER[0].read_bytes())
        web.wait_records(error=re.compile("the key does not match the certificate"))
        equal(value(ask(web.port, tls=trusting(OURS)).body, SUCCESS), 0)
        key.write_bytes(OTHER_SERVER[1].read_bytes())
        web.wait_served("https", 2)
        equal(value(ask(web.port, tls=trusting(OURS)).body, SUCCESS), 1, "both are new")
        key.unlink()
        web.wait_records(
            msg="cannot read file named in web configuration",
            setting="key_file",
            path=re.compile("live.key$"),
            error="No such file or directory",
        )
        equal(value(ask(web.port, tls=trusting(OURS)).body, SUCCESS), 0)
        key.write_bytes(OTHER_SERVER[1].read_bytes())
        web.wait_served("https", 3)


def test_a_file_that_changes_while_it_is_read(record_property):
    path = write("restless.yml", tls())
    with Web(path) as web:
        end = threading.Event()

        def rewrite():
            text = (tls() + "# " + "x" * 200000 + "\n").encode()
            number = 0
            while not end.is_set():
                number += 1
                with open(path, "wb", buffering=0) as file:
                    for at in range(0, len(text), 20000):
                        file.write(text[at : at + 20000])
                        if end.wait(0.0005):
                            file.write(text[at + 20000 :])
                            return

        writer = threading.Thread(target=rewrite)
        writer.start()
        begun, scrapes = time.monotonic(), 0
        while time.monotonic() - begun < 6:
            equal(ask(web.port, tls=trusting(OURS)).status, 200)
            scrapes += 1
        end.set()
        writer.join()
        write(
            "restless.yml",
            tls(extra="http_server_config:\n  headers:\n    X-Frame-Options: deny\n"),
        )
        wait_until(
            lambda: ask(web.port, tls=trusting(OURS)).headers["X-Frame-Options"] == "deny",
            10,
            "what was written last",
        )
        equal(value(ask(web.port, tls=trusting(OURS)).body, SUCCESS), 1)
    record_property("note", f"{scrapes} scrapes")


def test_settings_without_effect_are_logged():
    text = tls(
        extra="  prefer_server_cipher_suites: false\n  cipher_suites: "
        "[TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]\nhttp_server_config:\n  http2: true\n"
    )
    with Web(write("notes.yml", text)) as web:
        equal(len(web.records(level="warn", detail=re.compile("^http2: only HTTP/1.1"))), 1)
        equal(
            len(
                web.records(level="warn", detail=re.compile("^prefer_server_cipher_suites: false"))
            ),
            1,
        )
        equal(ask(web.port, tls=trusting(OURS)).status, 200)


def test_a_header_of_100_kb():
    with Web(write("header.yml", tls())) as web:
        for name in ("Accept", "Accept-Encoding", "Authorization"):
            with (
                socket.create_connection(("127.0.0.1", web.port), 5) as raw,
                trusting(OURS).wrap_socket(raw, server_hostname="localhost") as client,
            ):
                try:
                    client.sendall(
                        f"GET /metrics HTTP/1.1\r\nHost: x\r\n{name}: "
                        f"{'text/plain;q=0.5,' * 6400}\r\n\r\n".encode()
                    )
                    equal(client.recv(64)[:12], b"HTTP/1.1 431", name)
                except (ConnectionResetError, BrokenPipeError, ssl.SSLError):
                    pass  # it was closed while more data was in flight
        many = ",".join(["text/html;q=0.9"] * 400)
        equal(
            ask(web.port, tls=trusting(OURS), headers={"Accept": many}).status,
            200,
            "a long one that fits",
        )


def pss_kib(pid):
    found = re.search(r"^Pss:\s+(\d+)", read(f"/proc/{pid}/smaps_rollup"), re.MULTILINE)
    return int(found[1]) if found else 0


def cpu_seconds(pid):
    fields = read(f"/proc/{pid}/stat").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_silent_handshake_costs_nothing(record_property):
    with Web(write("silent.yml", tls())) as web:
        pid, clients = web.children()["web"], []
        for size in (0, 3, 5, 11, 40):
            clients.append(socket.create_connection(("127.0.0.1", web.port)))
            clients[-1].send(HELLO[:size])
        equal(ask(web.port, "/-/healthy", tls=anyone()).status, 200)
        before = cpu_seconds(pid)
        time.sleep(2)  # an interval to measure, not a wait
        spent = cpu_seconds(pid) - before
        equal(spent < 0.2, True, f"{spent} s of CPU in 2 s")
        for client in clients:
            client.settimeout(20 * PATIENCE)
            equal(client.recv(1) if client else b"", b"", "an end after 10 s")
    record_property("note", f"{spent:.2f} s of CPU in 2 s")


def test_ten_thousand_handshakes_left_open(record_property):
    resource.setrlimit(resource.RLIMIT_NOFILE, (HANDSHAKES + 1000, HANDSHAKES + 1000))
    text = tls() + f"basic_auth_users: {{alice: {bcrypt('secret', 4)}}}\n"
    with Web(write("handshakes.yml", text)) as web:
        pid = web.children()["web"]
        before, opened, slowest, most = pss_kib(pid), [], 0, 0
        for number in range(HANDSHAKES):
            client = socket.socket()
            client.settimeout(10 * PATIENCE)
            client.connect(("127.0.0.1", web.port))
            if number % 3:
                client.send(HELLO[: number % len(HELLO)] or HELLO)
            opened.append(client)
            if number % 250 == 0:
                begun = time.monotonic()
                equal(ask(web.port, "/-/healthy", tls=anyone()).status, 401)
                slowest = max(slowest, time.monotonic() - begun)
                most = max(most, pss_kib(pid))
        equal(web.children()["web"], pid, "web is the same")
        equal(slowest < 5 * PATIENCE, True, f"a request took {slowest:.2f} s")
        equal(most < 12 * 1024, True, f"{most} KiB of memory")
        open_now = sum(1 for name in os.listdir(f"/proc/{pid}/fd"))
        equal(open_now < 500, True, f"{open_now} descriptors")
        for client in opened:
            client.close()
        wait_until(
            lambda: ask(web.port, "/-/healthy", tls=anyone()).status == 401,
            10,
            "an answer afterwards",
        )
    record_property(
        "note", f"slowest request {slowest * 1000:.0f} ms, memory {before} to {most} KiB"
    )
