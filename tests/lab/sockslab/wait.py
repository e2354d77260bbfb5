# SPDX-License-Identifier: Apache-2.0
"""Waiting on conditions; nothing in the lab sleeps for a fixed time."""

import time


class LabError(Exception):
    """Something of the lab did not become what it should."""


def wait_until(condition, timeout=10.0, what=None, every=0.02):
    """Return the first true value of condition(); LabError after timeout seconds."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            name = what or getattr(condition, "__name__", "condition")
            raise LabError(f"not within {timeout} s: {name}")
        time.sleep(every)
