# SPDX-License-Identifier: Apache-2.0
"""The Makefile: a hardened program, exact rebuilds, a staged install."""

import glob
import os
import pathlib
import re
import subprocess
import tempfile

from sockslab import PATIENCE


def output(*command, **environment):
    # make runs this test: its variables must not reach the makes below.
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    result = subprocess.run(
        command,
        env=clean | environment,
        capture_output=True,
        text=True,
        timeout=100 * PATIENCE,
        check=False,
    )
    assert result.returncode == 0, f"{' '.join(command)}: {result.stderr or result.stdout}"
    return result.stdout


def compiled(*arguments):
    """The objects that make would compile now (make -n)."""
    return set(re.findall(r"-c -o build/(\S+)\.o", output("make", "-n", "V=1", *arguments)))


def test_hardened():
    program = "build/wgsocks_exporter"
    headers = output("readelf", "-hldW", program)
    assert re.search(r"Type:\s+DYN", headers) and re.search(r"Flags:.*\bPIE\b", headers), "no PIE"
    assert "GNU_RELRO" in headers and "BIND_NOW" in headers, "no full RELRO"
    assert re.search(r"GNU_STACK.*RW ", headers), "executable stack"
    symbols = output("readelf", "-W", "--dyn-syms", program)
    assert "__stack_chk_fail" in symbols, "no stack protector"
    assert re.search(r"__\w+_chk@", symbols.replace("__stack_chk", "")), "no FORTIFY"


def test_nothing_to_do():
    output("make", "all", "unit-programs")
    assert compiled("all", "unit-programs") == set(), "an unchanged tree compiles"


def test_a_changed_header_rebuilds_what_includes_it():
    header = "userspace/lib/version/version.h"
    output("make", "all")
    users = set()
    for folder, _, names in os.walk("build/userspace"):
        for name in names:
            path = os.path.join(folder, name)
            source = path.removeprefix("build/").removesuffix(".d") + ".c"
            # A removed source leaves its dependency file.
            if (
                name.endswith(".d")
                and os.path.exists(source)
                and header in pathlib.Path(path).read_text().split()
            ):
                users.add(path.removeprefix("build/").removesuffix(".d"))
    # Dependencies that the compiler does not know.
    includes = output("grep", "-rl", "--include=*.c", "lib/version/version.h", "userspace").split()
    assert {name.removesuffix(".c") for name in includes} <= users, f"{includes}, but {users}"
    assert compiled("-W", header, "all") == users, f"{compiled('-W', header, 'all')}, not {users}"


def test_other_flags_rebuild():
    with tempfile.TemporaryDirectory() as folder:
        # One object is enough: all have the same rule. Another BUILD does not touch the first.
        target = f"{folder}/userspace/lib/log/line.o"
        make = ("make", "V=1", f"BUILD={folder}", target)
        output(*make)
        assert " -c -o " not in output(*make), "the same flags compile again"
        assert " -c -o " in output(*make, "CFLAGS=-O1"), "other flags do not"
        assert " -c -o " in output(*make, "CFLAGS=-O1", "CPPFLAGS=-DX"), "other flags do not"


def staged(folder):
    return {
        os.path.relpath(os.path.join(where, name), folder)
        for where, _, names in os.walk(folder)
        for name in names
    }


def sources(*patterns):
    return {os.path.basename(path) for pattern in patterns for path in glob.glob(pattern)}


def test_install_and_uninstall():
    folders = {
        "lib/systemd/system": sources("packaging/systemd/*.service"),
        "share/wgsocks_exporter/prometheus/rules": sources("monitoring/prometheus/rules/*.yml"),
        "share/wgsocks_exporter/prometheus": sources("monitoring/prometheus/*.yml"),
        "share/wgsocks_exporter/grafana": sources("monitoring/grafana/dashboards/*.json"),
    }
    documents = "share/doc/wgsocks_exporter/"
    single = {
        "sbin/wgsocks_exporter",
        "share/man/man8/wgsocks_exporter.8",
        "etc/default/wgsocks_exporter",
    }
    with tempfile.TemporaryDirectory() as folder:
        output("make", "install", f"DESTDIR={folder}", "PREFIX=/opt/x")
        expected = single | {
            f"{where}/{name}" for where, names in folders.items() for name in names
        }
        found = staged(f"{folder}/opt/x")
        pages = {name.removeprefix(documents) for name in found if name.startswith(documents)}
        assert {
            "LICENSE",
            *glob.glob("*/*.txt"),
            *glob.glob("docs/*.md"),
            *glob.glob("docs/runbooks/*.md"),
        } <= pages, pages
        found = {name for name in found if not name.startswith(documents)}
        assert found == expected and all(name.startswith("opt/x/") for name in staged(folder)), (
            f"{found ^ expected}"
        )
        unit = pathlib.Path(
            f"{folder}/opt/x/lib/systemd/system/wgsocks_exporter.service"
        ).read_text()
        assert (
            "ExecStart=/opt/x/sbin/wgsocks_exporter " in unit
            and "=-/opt/x/etc/default/wgsocks_exporter\n" in unit
        ), "what the unit names"
        output("make", "uninstall", f"DESTDIR={folder}", "PREFIX=/opt/x")
        assert staged(folder) == set(), f"after uninstall: {staged(folder)}"


def test_install_keeps_settings():
    with tempfile.TemporaryDirectory() as folder:
        settings = pathlib.Path(f"{folder}/etc/default/wgsocks_exporter")
        settings.parent.mkdir(parents=True)
        settings.write_text("WGSOCKS_LOG_LEVEL=debug\n")
        for target in ("install", "uninstall"):
            output("make", target, f"DESTDIR={folder}", "PREFIX=/usr")
            assert settings.read_text() == "WGSOCKS_LOG_LEVEL=debug\n", f"{target} changed them"
