# SPDX-License-Identifier: Apache-2.0
"""The command line: flags, exit status, standard output and standard error."""

import os
import re
import subprocess

from sockslab import PATIENCE

PROGRAM = "build/wgsocks_exporter"


def run(*arguments, **environment):
    path = {"PATH": os.environ["PATH"]}
    return subprocess.run(
        [PROGRAM, *arguments],
        env=path | environment,
        capture_output=True,
        timeout=20 * PATIENCE,
        check=False,
    )


def refused(*arguments, line, **environment):
    result = run(*arguments, **environment)
    assert result.returncode == 2, f"exit status {result.returncode}, not 2"
    assert result.stdout == b"", f"standard output: {result.stdout!r}"
    assert result.stderr == b"wgsocks_exporter: " + line + b"\n", (
        f"standard error: {result.stderr!r}"
    )


def test_bad_flags():
    refused("--no.such", line=b"--no.such: unknown flag (see --help)")
    refused("--web.max-requests=many", line=b"--web.max-requests=many: must be 0 to 65535")
    refused("--log.level", line=b"--log.level: needs a value")
    refused("stray", line=b"stray: unexpected argument")
    refused("--help=yes", line=b"--help=yes: takes no value")
    refused("--web.config.file=", line=b'--web.config.file="": must not be empty')


def test_bad_variables():
    refused(METRICS_PORT="http", line=b"METRICS_PORT=http: must be a port (1 to 65535)")
    refused(
        WGSOCKS_HEALTH_LISTEN_ADDRESS="9999",
        line=b"WGSOCKS_HEALTH_LISTEN_ADDRESS=9999: must be HOST:PORT or :PORT",
    )
    refused(
        ENABLE_HEALTH_PROBE=b"\xff\x1b",
        line=b'ENABLE_HEALTH_PROBE="\\ufffd\\u001b": must be true or false',
    )


def test_help_and_version():
    for flag, pattern in (
        ("--help", rb"(?s)^Usage: wgsocks_exporter .*--web.listen-address=ADDRESS"),
        ("--version", rb"^wgsocks_exporter, version \d+\.\d+\.\d+ \(revision \S+\)\n$"),
        ("--help-metrics", rb"(?m)^proxy_info "),
    ):
        result = run(flag)
        assert result.returncode == 0, f"{flag}: exit status {result.returncode}"
        assert result.stderr == b"", f"{flag}: standard error: {result.stderr!r}"
        assert re.search(pattern, result.stdout), f"{flag}: {result.stdout[:200]!r}"


def test_a_help_that_cannot_be_written_is_an_error():
    with open("/dev/full", "wb") as full:
        assert (
            subprocess.run(
                [PROGRAM, "--help"], stdout=full, timeout=20 * PATIENCE, check=False
            ).returncode
            == 1
        )


def test_a_variable_with_a_line_break_is_one_line():
    with open("/dev/null", "wb") as nothing:
        result = subprocess.run(
            [PROGRAM, "--web.config.file=/no/such/file"],
            env={"METRICS_PORT": "tcp://x\nfoo"},
            stdout=nothing,
            stderr=subprocess.PIPE,
            timeout=20 * PATIENCE,
            check=False,
        )
    notices = [line for line in result.stderr.splitlines() if b"setting=" in line]
    assert (
        len(notices) == 1
        and b"setting=METRICS_PORT" in notices[0]
        and b"tcp://x is a Kubernetes service link" in notices[0]
    ), result.stderr


def test_revision_is_of_git():
    # HEAD may have changed since
    subprocess.run(["make", "-s", "all"], timeout=100 * PATIENCE, check=True)
    git = ["git", "-c", "safe.directory=*"]
    head = subprocess.run(
        [*git, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert f"(revision {head}" in run("--version").stdout.decode(), (
        "not HEAD: " + run("--version").stdout.decode()
    )


def test_flags_are_whole_names():
    refused(
        "--collector.destination",
        line=b"--collector.destination: unknown flag, did you mean --collector.destinations? (see "
        b"--help)",
    )
    assert run("-h").stdout == run("--help").stdout


def test_a_log_without_a_reader_ends_nothing():
    """The first log lines come before the program serves requests."""
    reader, writer = os.pipe()
    os.close(reader)
    environment = {"PATH": os.environ["PATH"], "METRICS_PORT": "tcp://10.0.0.1:9090"}
    with open(writer, "wb") as broken:
        result = subprocess.run(
            [PROGRAM, "--web.config.file=/no/such/file"],
            env=environment,
            stderr=broken,
            timeout=20,
            check=False,
        )
    assert result.returncode == 2, f"exit status {result.returncode}, not 2"
