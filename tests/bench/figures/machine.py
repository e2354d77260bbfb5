# SPDX-License-Identifier: Apache-2.0
"""The machine that the figures are of."""

import os
import platform
from contextlib import contextmanager


def _field(path, name):
    with open(path, encoding="ascii", errors="replace") as file:
        for line in file:
            key, _, value = line.partition(":")
            if key.strip() == name:
                return value.strip()
    return "unknown"


def load():
    return os.getloadavg()[0]


def describe(load_before, load_after):
    memory = int(_field("/proc/meminfo", "MemTotal").split()[0]) / 1024 / 1024
    model = _field("/proc/cpuinfo", "model name")
    return (f"Linux {platform.release()} {platform.machine()}, {os.cpu_count()} × {model}, {memory:.1f} GiB; "
            f"load {load_before:.1f} before, {load_after:.1f} after")


def _autogroup(nice):
    """With autogroups, niceness only counts within a session; this is the session's own."""
    try:
        with open("/proc/self/autogroup", "w", encoding="ascii") as file:
            file.write(str(nice))
    except OSError:  # this kernel has none
        pass


@contextmanager
def priority(nice=-20):
    """What is started meanwhile, and we, go before other work of the machine: for short measurements of latency."""
    former = os.getpriority(os.PRIO_PROCESS, 0)
    os.setpriority(os.PRIO_PROCESS, 0, nice)
    _autogroup(nice)
    try:
        yield
    finally:
        _autogroup(0)
        os.setpriority(os.PRIO_PROCESS, 0, former)
