# SPDX-License-Identifier: Apache-2.0
"""What the demo prints: at most 100 columns, colour only where a person looks."""

import os
import sys

WIDTH = 100
_COLOURS = {"bold": "1", "dim": "2", "red": "31;1", "green": "32", "yellow": "33"}


def coloured():
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def paint(text, colour):
    return f"\033[{_COLOURS[colour]}m{text}\033[0m" if coloured() else text


def say(text=""):
    print(text, flush=True)


def heading(text):
    say()
    say(paint(text, "bold"))


def clip(text, width=WIDTH):
    return text if len(text) <= width else text[:width - 1] + "…"


def status(text):
    """One line that stays where it is; nothing where there is no terminal."""
    if sys.stdout.isatty():
        print(f"\r\033[K{clip(text)}", end="", flush=True)


def print_rows(rows):
    """rows: (metric, who says the truth, truth, metric's value); a row without a witness is a title."""
    say(paint(f"{'METRIC':41}{'THE TRUTH, FROM':28}{'TRUTH':>11}{'METRIC':>11}", "dim"))
    for name, witness, truth, value in rows:
        if witness is None:
            say(name)
            continue
        verdict = paint("equal", "green") if truth == value else paint("differs", "red")
        say(f"{name:41}{witness:28}{truth:11,}{value:11,}  {verdict}")
