# SPDX-License-Identifier: Apache-2.0
"""Waiting on conditions; nothing in the lab sleeps for a fixed time."""

import os
import time

# How much slower than others this machine is: every time limit of the tests is so many times longer.
PATIENCE = float(os.environ.get("LAB_PATIENCE", "1"))


class LabError(Exception):
    """Something of the lab did not become what it should."""


def wait_until(condition, timeout=10.0, what=None, every=0.02):
    """Return the first true value of condition(); LabError after timeout seconds (LAB_PATIENCE times as many)."""
    timeout *= PATIENCE
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            name = what or getattr(condition, "__name__", "condition")
            raise LabError(f"not within {timeout} s: {name}")
        time.sleep(every)
