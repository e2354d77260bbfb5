# SPDX-License-Identifier: Apache-2.0
"""The commands of a documentation page, and the output that the page shows.

A test runs each block ```sh as it is. A block that cannot run has a comment before it with the
reason, which readers do not see:

    <!-- not run: it needs a cluster -->

A block ```text after it is its output (… stands for any lines). Blocks of other languages are not
commands.
"""

import pathlib
import re
from typing import NamedTuple

ROOT = pathlib.Path(__file__).resolve().parents[2]
NOT_RUN = re.compile(r"<!-- not run: (.+) -->$")
# Messages of shells and tools about a failure; some of them exit with 0.
REFUSED = re.compile(r"not found|No such file|invalid|usage:")


class Block(NamedTuple):
    language: str
    text: str
    shown: str | None  # the output that the page shows
    why_not: str | None  # why no test runs it

    @property
    def lines(self):
        return self.text.splitlines()


def blocks(page):
    """All blocks of a page in order, blocks of commands with their output."""
    found, why_not, inside, last = [], None, None, ""
    indent = ""
    for line in page.read_text(encoding="utf-8").splitlines():
        fence = re.match(r"( *)```(\w*)$", line)  # indented below a numbered step
        mark = NOT_RUN.match(line.strip())
        if fence and inside is None:
            indent, inside = fence[1], Block(fence[2], "", None, why_not)
        elif fence:
            if inside.language == "text" and found and found[-1].language == "sh" and last == "sh":
                found[-1] = found[-1]._replace(shown=inside.text)
            found.append(inside)
            last, inside, why_not = inside.language, None, None
        elif inside is not None:
            inside = inside._replace(text=f"{inside.text}{line.removeprefix(indent)}\n")
        elif mark:
            why_not = mark[1]
        elif line:
            last, why_not = "", None
    return found


def commands(page):
    """The blocks of commands that a test must run."""
    return [block for block in blocks(page) if block.language == "sh" and not block.why_not]


def left_out(page):
    """The blocks of commands that no test runs."""
    return [block for block in blocks(page) if block.language == "sh" and block.why_not]


def masked(text):
    """Lines without the parts that differ between runs: numbers, tags, statistics of programs,
    indents.
    """
    text = re.sub(r" (run_time_ns|run_cnt|recursion_misses) \d+", "", text)
    lines = (re.sub(r"\b[0-9a-f]{16}\b|\d+", "N", line).strip() for line in text.splitlines())
    return [re.sub(r"\bN(,N)+", "N,N", line) for line in lines if line]


def _anchors(page):
    for title in re.findall(r"^#+ (.*)", page.read_text(encoding="utf-8"), re.MULTILINE):
        yield re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def broken_links(pages):
    """Broken relative links of these pages, to files, folders and chapters: "PAGE: LINK"."""
    found = []
    for page in pages:
        text = re.sub(
            r"^ *```.*?^ *```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
        )
        for link in re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(
            r'(?:src|href)="([^"]+)"', text
        ):
            path, _, anchor = link.partition("#")
            target = page.parent / path if path else page
            if not re.match(r"[a-z]+:", link) and (
                not target.exists() or (anchor and anchor not in _anchors(target))
            ):
                found.append(f"{page}: {link}")
    return found


def check_output(shown, printed):
    """Assert that the output has each group of lines that the page shows, in that order; … stands
    for any lines.
    """
    have, start = masked(printed), 0
    for part in re.split(r"^\s*…\s*$", shown, flags=re.MULTILINE):
        want = masked(part)
        places = (
            i for i in range(start, len(have) - len(want) + 1) if have[i : i + len(want)] == want
        )
        place = next(places, None)
        assert place is not None, (
            f"the page shows {part.strip()[:300]!r}, printed was {printed[:1500]!r}"
        )
        start = place + len(want)


def check_done(command, done, silent=()):
    """Assert that a command succeeded and printed something (unless it begins with an entry of
    silent), and no error message.
    """
    said = done.stdout + (done.stderr or "")
    assert done.returncode == 0 and not REFUSED.search(said), (
        f"{command}: {done.returncode}, {said}"
    )
    assert done.stdout.strip() or command.startswith(tuple(silent)), f"{command}: it says nothing"
