# SPDX-License-Identifier: Apache-2.0
"""Parses log lines of the exporter into dicts, and finds the log calls in the sources."""

import json
import pathlib
import re
from typing import NamedTuple

SOURCES = pathlib.Path(__file__).resolve().parents[2] / "userspace"

# A value is a word or a JSON string.
FIELD = re.compile(r'([a-z_]+)=("(?:[^"\\]|\\.)*"|[^\s"=\\]+)(?: |$)')


def parse(line):
    """{field: text} of a line in logfmt."""
    fields, at = {}, 0
    while at < len(line):
        found = FIELD.match(line, at)
        assert found, f"not logfmt at {line[at:]!r}: {line!r}"
        name, value = found.groups()
        assert name not in fields, f"{name} twice: {line!r}"
        fields[name] = json.loads(value) if value.startswith('"') else value
        at = found.end()
    return fields


def records(text, **wanted):
    """The log lines whose fields equal a text or match a compiled pattern.

    Ignores lines of other programs, which do not begin with time=, and an incomplete last line.
    """
    whole = text[: text.rfind("\n") + 1]
    parsed = [parse(line) for line in whole.splitlines() if line.startswith("time=")]
    return [
        fields
        for fields in parsed
        if all(_fits(fields.get(name), value) for name, value in wanted.items())
    ]


def _fits(value, wanted):
    return (
        value is not None and bool(wanted.search(value))
        if isinstance(wanted, re.Pattern)
        else value == wanted
    )


class Call(NamedTuple):
    where: str
    message: str
    fields: list


def calls():
    """Every call of log_debug, log_info, log_warn and log_error."""
    found = []
    for path in sorted(SOURCES.rglob("*.c")):
        text = path.read_text(encoding="utf-8")
        for begin in re.finditer(r"\blog_(?:debug|info|warn|error)\(", text):
            call = re.match(
                r'\s*((?:"(?:[^"\\]|\\.)*"\s*)+)(.*?)\);\n', text[begin.end() :], re.DOTALL
            )
            where = f"{path.relative_to(SOURCES)}:{text.count(chr(10), 0, begin.start()) + 1}"
            assert call, f"{where}: no literal as its message"
            fields = [
                name or "error" for name in re.findall(r'\bfield_(?:error|\w+\("(\w+)")', call[2])
            ]
            message = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', call[1]))
            found.append(Call(where, message, fields))
    return found
