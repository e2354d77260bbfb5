# SPDX-License-Identifier: Apache-2.0
"""The pages match the program: flags, variables and defaults of the manual page, log lines,
metrics, links to chapters.
"""

import re
import shutil
import subprocess

import pytest
from checks import equal
from logfmt import calls, parse
from pages import ROOT, blocks, commands, left_out
from sidecar import BINARY

MANUAL = ROOT / "man" / "wgsocks_exporter.8"
TROUBLE = ROOT / "docs" / "troubleshooting.md"
NAMES = re.compile(r"\b(?:proxy|vpn|wgsocks_exporter|promhttp)_[a-z_]+\b")

# The test that runs the commands of each page; any other page must have none.
RUN_BY = {
    "README.md": "test_docs.py",
    "CONTRIBUTING.md": "test_docs.py",
    "docs/bpftool.md": "test_bpftool.py",
    "docs/install.md": "test_install.py",
    "docs/migration.md": "test_migration.py",
    "docs/troubleshooting.md": "test_runbooks.py",
    "docs/runbooks/": "test_runbooks.py",
    "docs/web-config.md": "test_web_config.py",
    "monitoring/prometheus/README.md": "test_runbooks.py",
    "monitoring/grafana/README.md": "test_dashboards.py",
}


def program(*arguments):
    return subprocess.run([BINARY, *arguments], capture_output=True, text=True, check=True).stdout


def pages():
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "*.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("no git here, which knows the files")
    return [ROOT / line for line in listed.stdout.splitlines()]


def plain():
    """The rendered manual page, in long lines."""
    if not shutil.which("mandoc"):
        pytest.skip("no mandoc (Debian's package mandoc)")
    text = subprocess.run(
        ["mandoc", "-Tutf8", "-Owidth=500", str(MANUAL)], capture_output=True, text=True, check=True
    ).stdout
    return re.sub(r".\x08", "", text)


def options():
    """{flag: (is a switch, its text in --help, in one line)}, without --help and the like."""
    text = " ".join(program("--help").split())
    return {
        flag: (bool(switch), words)
        for flag, switch, words in re.findall(
            r"(?<=\s)(--[a-z][\w.-]*)(\[=BOOL\])?(?:=\S+)? (.*?\[WGSOCKS_[^\]]*\])", text
        )
    }


def test_the_manual_has_every_flag_and_no_other(record_property):
    shown = re.findall(r"^ {7}(--[a-z][\w.-]*)", plain(), re.MULTILINE)
    equal(sorted(shown), sorted([*options(), "--help", "--help-metrics", "--version"]), "flags")
    record_property("note", f"{len(shown)} flags")


def test_the_manual_has_every_variable():
    text = plain()
    for flag, (_switch, words) in options().items():
        for name in re.search(r"\[([^\[]*)\]$", words)[1].split(", "):
            if name != "WGSOCKS_" + flag[2:].upper().replace(".", "_").replace("-", "_"):
                assert re.search(rf"^ +{name}$", text, re.MULTILINE), f"{name}, of {flag}"
    assert "WGSOCKS_ and the flag in capitals, with _ for . and -" in text


def test_the_manual_has_the_defaults():
    text = plain()
    for flag, (switch, words) in options().items():
        entry = re.search(rf"^ {{7}}{re.escape(flag)}\b.*\n(?: {{14}}.*\n)+", text, re.MULTILINE)[0]
        default = re.search(r"default: ([^)]*)\)", words)
        if not switch and default and default[1] != "none":
            assert default[1].removeprefix("the ") in entry, (
                f"{flag}: {default[1]} is not in {entry}"
            )
        if switch and default and default[1] == "off":
            assert re.search(r"\boff\b", entry), f"{flag} is off by default: {entry}"


def test_the_manual_is_well_formed():
    plain()  # or skip
    for command in (
        ["mandoc", "-Tlint", "-Wstyle", str(MANUAL)],
        ["man", "--warnings", "-l", "-Tutf8", str(MANUAL)],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        equal(
            (done.returncode, done.stdout if command[0] == "mandoc" else "", done.stderr),
            (0, "", ""),
            command[0],
        )


def test_examples_of_the_manual(record_property):
    """Run each command that starts the program; README.md has, and its test runs, each curl
    command.
    """
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    examples = MANUAL.read_text(encoding="utf-8").split(".SH EXAMPLES")[1]
    lines = [
        line
        for block in re.findall(r"^\.nf\n(.*?)^\.fi", examples, re.MULTILINE | re.DOTALL)
        for line in block.replace("\\e\n", "").replace("\\-", "-").splitlines()
    ]
    for line in lines:
        if line.startswith("curl"):
            assert line in readme, line
        else:
            command = (
                re.sub(r"^nsenter \S+ ", "", line).replace("wgsocks_exporter", BINARY, 1)
                + " --version"
            )
            done = subprocess.run(
                ["sh", "-ec", command], capture_output=True, text=True, check=False
            )
            equal(
                (done.returncode, done.stderr, done.stdout[:26]),
                (0, "", "wgsocks_exporter, version "),
                line,
            )
    record_property("note", f"{len(lines)} commands")


def test_metrics_of_the_pages_are_the_programs():
    families = set(
        re.findall(r"^(\w+) +(?:gauge|counter|histogram) ", program("--help-metrics"), re.MULTILINE)
    )
    known = {family + end for family in families for end in ("", "_bucket", "_sum", "_count")} | {
        "proxy_name"
    }
    labels = {
        label
        for line in program("--help-metrics").splitlines()[1::2]
        for label in line.split()[-1].split(",")
    }
    for page in (TROUBLE, ROOT / "docs" / "migration.md", ROOT / "docs" / "install.md"):
        text = page.read_text(encoding="utf-8")
        for name in re.findall(r"`([a-z_]+)(?:\{[^`]*\})?`", text):
            if NAMES.fullmatch(name):
                assert name in known | labels, f"{page.name}: {name}"


def quoted_lines(text):
    """The log lines on a page: `msg="…" …`, or whole lines in a block."""
    return re.findall(r'`(msg="[^`]*)`', text) + [
        line for line in text.splitlines() if line.startswith("time=")
    ]


def test_messages_of_the_log():
    """A message is a literal in lower case without a full stop; variable parts are fields, which
    the page explains.
    """
    explained = set(
        re.findall(
            r"`(\w+)`",
            "".join(
                re.findall(
                    r"^\| (`\w+`.*?) \|",
                    TROUBLE.read_text(encoding="utf-8").split("## Log lines")[1],
                    re.MULTILINE,
                )
            ),
        )
    )
    found = calls()
    for where, message, fields in found:
        assert re.match(r"[a-z]|--[a-z]|SOCKS|WireGuard", message) and not re.search(
            r"[%\n:;]|\.$", message
        ), f"{where}: {message}"
        assert len(set(fields)) == len(fields), f"{where}: a field twice: {fields}"
        assert not set(fields) & {"time", "level", "process", "msg"}, (
            f"{where}: fields of the line itself: {fields}"
        )
    equal(sorted({name for call in found for name in call.fields}), sorted(explained), "fields")


def test_lines_that_pages_quote(record_property):
    found, count = calls(), 0
    for page in pages():
        for line in quoted_lines(page.read_text(encoding="utf-8")):
            shown = {
                name: value
                for name, value in parse(line).items()
                if name not in ("time", "level", "process")
            }
            message = shown.pop("msg")
            wrote = [call.fields for call in found if call.message == message]
            assert wrote or message.startswith("log lines lost"), (
                f"{page.name}: no line says {message}"
            )
            # Fields may be missing, but their order is that of the call.
            assert not wrote or any(
                [name for name in fields if name in shown] == list(shown) for fields in wrote
            ), f"{page.name}: {line}: the fields are {wrote}"
            count += 1
    assert count > 20, count
    record_property("note", f"{count} lines")


def test_every_command_has_a_test(record_property):
    """The named test runs each page with commands; each block that is not run has a reason."""
    run, not_run = 0, []
    for page in pages():
        name = str(page.relative_to(ROOT))
        test = RUN_BY.get(name) or next(
            (
                test
                for folder, test in RUN_BY.items()
                if folder.endswith("/") and name.startswith(folder)
            ),
            None,
        )
        assert test or not commands(page), f"{name}: no test runs its commands"
        run += sum(len(block.lines) for block in commands(page)) if test else 0
        not_run += [(name, block.why_not) for block in left_out(page)]
        odd = [
            block.text
            for block in blocks(page)
            if block.language not in ("sh", "text", "yaml", "python", "")
            or (
                block.language == ""
                and re.search(r"^(sudo|make|git|apt|curl|[$#]) ", block.text, re.MULTILINE)
            )
        ]
        equal(odd, [], f"{name}: blocks that look like commands and are not marked ```sh")
        if test:
            text = (ROOT / "tests" / "integration" / test).read_text(encoding="utf-8")
            assert page.name in text or page.parent.name in text, f"{test} does not name {name}"
    for name, why in not_run:
        print(f"    not run: {name}: {why}")
    record_property("note", f"{run} lines of commands, {len(not_run)} blocks not run")
