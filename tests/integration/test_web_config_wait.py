# SPDX-License-Identifier: Apache-2.0
"""--web.config.wait: the file does not exist yet (a Secret in Kubernetes). The program runs, but
serves no numbers of proxies until the file exists.
"""

import os
import re
import socket
import subprocess

import pytest
from checks import equal
from exporter import BINARY
from sockslab import PATIENCE, wait_until
from web_config import (
    FOLDER,
    Authority,
    Web,
    ask,
    basic,
    bcrypt,
    files,  # noqa: F401 - a fixture
    trusting,
    value,
)

pytestmark = pytest.mark.in_netns

OURS = Authority("ours")
SERVER, CLIENT = OURS.issue("server"), OURS.issue("client", usage="clientAuth")
SUCCESS = "wgsocks_exporter_web_config_last_reload_successful"
TEXT = f"""tls_server_config:
  cert_file: tls.crt
  key_file: tls.key
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: {OURS.certificate}
basic_auth_users:
  alice: {bcrypt("secret", cost=4)}
"""


def families(body):
    return {
        line.split("{")[0].split(" ")[0]
        for line in body.decode().splitlines()
        if line and line[0] != "#"
    }


def foreign(body):
    """Families that are not about the processes and ports of the exporter."""
    return {
        name
        for name in families(body)
        if not name.startswith(("process_", "promhttp_", "wgsocks_exporter_"))
    } | {name for name in families(body) if "collector" in name or "bpf" in name or "lost" in name}


# The log line about the missing file.
MISSING = {
    "msg": "cannot read web configuration",
    "path": re.compile("web.yml$"),
    "error": "No such file or directory",
}


def secret(folder, text=TEXT):
    """Write the files like kubelet for an optional Secret: atomically, behind a link."""
    version = folder / f"..{len(list(folder.glob('..[0-9]*')))}"
    version.mkdir()
    for name, content in (
        ("tls.crt", SERVER[0].read_text()),
        ("tls.key", SERVER[1].read_text()),
        ("web.yml", text),
    ):
        (version / name).write_text(content)
    os.symlink(version.name, folder / "..new")
    os.rename(folder / "..new", folder / "..data")
    for name in ("tls.crt", "tls.key", "web.yml"):
        if not (folder / name).is_symlink():
            os.symlink(f"..data/{name}", folder / name)


def answer(client):
    """All bytes of a connection until its end."""
    said = b""
    try:
        while chunk := client.recv(65536):
            said += chunk
    except ConnectionError:
        pass
    return said


def begun(port, text):
    client = socket.create_connection(("127.0.0.1", port), 10)
    client.sendall(text)
    return client


def test_nothing_of_a_proxy_before_the_file_is_there():
    folder = FOLDER / "waits"
    folder.mkdir()
    with Web(folder / "web.yml", "--web.config.wait", secure=False) as web:
        equal(len(web.records(**MISSING)), 1, "the line that says why")
        scrape = ask(web.port)
        equal((scrape.status, value(scrape.body, SUCCESS)), (200, 0))
        equal(foreign(scrape.body), set(), "families")
        equal(
            families(scrape.body)
            >= {"wgsocks_exporter_build_info", "promhttp_metric_handler_requests_total"},
            True,
        )
        equal(
            [ask(web.port, path).status for path in ("/", "/?proxy=x", "/-/ready", "/-/healthy")],
            [503, 503, 503, 200],
        )
        equal(b"--web.config.file" in ask(web.port, "/").body, True, "the page says why")
        equal(ask(web.port + 1000, "/livez").status, 200, "kubelet's probe")
        first, second = ask(web.port).body, ask(web.port).body
        equal(
            [
                value(body, 'promhttp_metric_handler_requests_total{code="200"}')
                for body in (first, second)
            ],
            [1, 2],
            "each is an answer of its own",
        )
        # A client with half a request sent before the configuration gets no answer.
        half = begun(
            web.port,
            b"GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\n"
            % basic("alice", "secret")["Authorization"].encode(),
        )
        secret(folder)
        web.wait_served("https")
        half.sendall(b"\r\n")
        equal(
            foreign(answer(half).split(b"\r\n\r\n", 1)[-1]),
            set(),
            "families for half a question of before",
        )
        mutual = {"tls": trusting(OURS, CLIENT)}
        equal(ask(web.port, **mutual).status, 401)
        full = ask(web.port, **mutual, headers=basic("alice", "secret"))
        equal((full.status, value(full.body, SUCCESS)), (200, 1))
        equal("wgsocks_exporter_collector_success" in families(full.body), True)
        # A valid configuration stays active after a restart of the web process, and after removal
        # of the Secret.
        (folder / "web.yml").unlink()
        web.wait_records(2, **MISSING)
        os.kill(web.children()["web"], 9)
        wait_until(lambda: ask(web.port, **mutual).status == 401, 10, "the same rules")


def test_an_existing_file_causes_no_wait():
    folder = FOLDER / "there"
    folder.mkdir()
    secret(folder)
    with Web(folder / "web.yml", "--web.config.wait") as web:
        equal(
            ask(web.port, tls=trusting(OURS, CLIENT), headers=basic("alice", "secret")).status, 200
        )
        equal(
            (
                web.records(level="error"),
                web.records(level="warn", msg=re.compile("^no valid web configuration yet")),
            ),
            ([], []),
            web.log(),
        )
    # A bad one is no later one.
    secret(folder, "tls_server_config: 5\n")
    done = subprocess.run(
        [BINARY, "--web.config.wait", f"--web.config.file={folder}/web.yml"],
        capture_output=True,
        text=True,
        timeout=15 * PATIENCE,
        check=False,
    )
    equal((done.returncode, len(done.stderr.splitlines())), (2, 1), done.stderr)


def test_a_first_file_with_errors():
    folder = FOLDER / "bad"
    folder.mkdir()
    with Web(folder / "web.yml", "--web.config.wait", secure=False) as web:
        secret(folder, "tls_server_config: 5\n")
        web.wait_records(
            msg="invalid web configuration",
            path=re.compile("web.yml$"),
            error=re.compile("^line 1"),
        )
        scrape = ask(web.port)
        equal(
            (scrape.status, value(scrape.body, SUCCESS), foreign(scrape.body)),
            (200, 0, set()),
            "still nothing",
        )
        secret(folder)
        web.wait_served("https")
        equal(
            ask(web.port, tls=trusting(OURS, CLIENT), headers=basic("alice", "secret")).status, 200
        )
