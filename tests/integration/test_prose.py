# SPDX-License-Identifier: Apache-2.0
"""The linters of texts find what they are for: each reads a bad sample and a good sample."""

import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
LONG = " ".join(["word"] * 26)
CODE = "x" * 101


def lint(tool, folder, name, text):
    """Returns the findings of a tool in a file of this text."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    ran = subprocess.run(
        [ROOT / "mk" / "lint", tool, name], cwd=folder, capture_output=True, text=True, check=False
    )
    *findings, verdict = ran.stdout.splitlines()
    if verdict.startswith("skip"):
        pytest.skip("no npm registry here")
    assert ran.stderr == "", ran.stderr
    expected = f"not ok {tool}: see above" if findings else f"ok {tool}"
    assert verdict == expected, ran.stdout
    assert ran.returncode == bool(findings)
    return findings


BAD = {
    "word": ("textlint", "a.md", "# A\n\nThe tunnel is made anew.\n", ":3: anew"),
    "term": ("textlint", "a.md", "# A\n\nThe fleet has two of them.\n", ":3: fleet"),
    "length": ("textlint", "a.md", f"# A\n\nFirst.\n{LONG}.\n", ":4: 26 words"),
    "wrapped": ("textlint", "a.md", f"# A\n\n{LONG.replace(' ', chr(10), 14)}.\n", ":3: 26 words"),
    "sentences": ("textlint", "a.md", "# A\n\nOne here. Two here.\n", ":3: two sentences"),
    "comment": ("textlint", "a.c", "/*\n * It is\n * made anew.\n */\n", ":3: anew"),
    "docstring": ("textlint", "a.py", '"""A\n\nIt stands beside it.\n"""\n', ":3: beside"),
    "shell": ("textlint", "a.sh", "true # It is\n# what goes on.\n", ":2: goes on"),
    "help": ("textlint", "userspace/a.c", '\ta("Bytes of "\n\t  "it. Made anew.")\n', ":2: anew"),
    "alert": ("textlint", "a.yml", "a:\n  summary: >-\n    It was\n    made anew\n", ":4: anew"),
    "manual": ("textlint", "a.8", '.TH A 8\nIt is\n.B anew\nand goes on.\n', ":4: goes on"),
    "panel": ("textlint", "a.json", '{\n  "title": "What goes on here"\n}\n', ":2: goes on"),
    "notes": ("textlint", "NOTES.txt", "Run {{ .Values.a }} anew\n", ":1: anew"),
    "wide": ("markdownlint", "a.md", f"# A\n\n{'word ' * 21}\n", "MD013"),
    "language": ("markdownlint", "a.md", "# A\n\n```\nls\n```\n", "MD040"),
    "columns": ("columns", "a.c", f"int {CODE};\n", ":1: 106 columns"),
    "tabs": ("columns", "a.mk", f"a:\n\t{'x' * 93}\n", ":2: 101 columns"),
    "capital": ("log-messages", "a.c", 'log_info("Listening");\n', "begins with a capital"),
    "stop": ("log-messages", "a.c", 'log_warn("no "\n\t"memory.");\n', "ends with a full stop"),
    "value": ("log-messages", "a.c", 'log_error("cannot open %s");\n', "has a value in it"),
    "field": ("log-messages", "a.c", 'log_info("a", field_text("Path", p));\n', "is no name"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_sample_is_found(case, tmp_path):
    tool, name, text, expected = BAD[case]
    (tmp_path / name).parent.mkdir(exist_ok=True)
    findings = lint(tool, tmp_path, name, text)
    assert any(expected in finding for finding in findings), findings


GOOD = {
    "markdown": ("textlint", "a.md", f"# A\n\nIt is `made anew`.\n\n```sh\ngoes on {LONG}\n```\n"),
    "exception": (
        "textlint",
        "a.md",
        "# A\n\n<!-- textlint-disable prh -->\n\nIt goes on.\n\n<!-- textlint-enable prh -->\n",
    ),
    "number": ("textlint", "a.md", "# A\n\n" + "It takes one of the 260.\n" * 9),
    "code": ("textlint", "a.c", 'int anew = 1;\nconst char *a = "it is made anew";\n'),
    "tables": ("markdownlint", "a.md", f"# A\n\n| a | b |\n|---|---|\n| a | {'b ' * 60}|\n"),
    "address": ("columns", "a.py", f"# https://example.com/{CODE}\n"),
    "log": ("log-messages", "a.c", 'log_info("BPF attached", field_text("path", "/A"));\n'),
}


@pytest.mark.parametrize("case", GOOD)
def test_a_good_sample_has_no_finding(case, tmp_path):
    tool, name, text = GOOD[case]
    assert lint(tool, tmp_path, name, text) == []
