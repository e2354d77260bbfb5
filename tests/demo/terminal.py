# SPDX-License-Identifier: Apache-2.0
"""The demo's output: at most 100 columns, with colours only on a terminal."""

import contextlib
import os
import signal
import sys
import time

WIDTH = 100
LATE = 15  # seconds between reports that a step is late
_COLOURS = {"bold": "1", "dim": "2", "red": "31;1", "green": "32", "yellow": "33"}
_status_shown = False


def coloured():
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def paint(text, colour):
    return f"\033[{_COLOURS[colour]}m{text}\033[0m" if coloured() else text


def say(text=""):
    global _status_shown
    print(("\r\033[K" if _status_shown else "") + text, flush=True)
    _status_shown = False


def heading(text):
    say()
    say(paint(text, "bold"))


def clip(text, width=WIDTH):
    return text if len(text) <= width else text[: width - 1] + "…"


def status(text):
    """Print a line that the next one replaces; nothing if the output is not a terminal."""
    global _status_shown
    if sys.stdout.isatty():
        print(f"\r\033[K{clip(text)}", end="", flush=True)
        _status_shown = True


@contextlib.contextmanager
def step(what):
    """Print every LATE seconds that the block still waits for `what`. Cannot be nested."""
    begun = time.monotonic()

    def tell(*_):
        # A signal handler must not use the buffered stream, which may be in use.
        passed = time.monotonic() - begun
        os.write(1, clip(f"Still waiting for {what} ({passed:.0f} s).").encode() + b"\n")

    before = signal.signal(signal.SIGALRM, tell)
    signal.setitimer(signal.ITIMER_REAL, LATE, LATE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def print_rows(rows):
    """rows: (metric, witness, its value, the exporter's); a row without a witness is a title."""
    say(paint(f"{'METRIC':41}{'WITNESS':28}{'ITS VALUE':>11}{'EXPORTER':>11}", "dim"))
    for name, witness, truth, value in rows:
        if witness is None:
            say(name)
            continue
        verdict = paint("equal", "green") if truth == value else paint("differs", "red")
        say(f"{name:41}{witness:28}{truth:11,}{value:11,}  {verdict}")
