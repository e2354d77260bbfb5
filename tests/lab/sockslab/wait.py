# SPDX-License-Identifier: Apache-2.0
"""Waits for conditions. Nothing in the lab sleeps for a fixed time."""

import os
import time

# How many times slower this machine is; factor of every time limit of the tests.
PATIENCE = float(os.environ.get("LAB_PATIENCE", "1"))


class LabError(Exception):
    """A part of the lab did not reach the expected state."""


def wait_until(condition, timeout=10.0, what=None, every=0.02):
    """Return the first true value of condition(); LabError after timeout × LAB_PATIENCE seconds."""
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
