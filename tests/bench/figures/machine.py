# SPDX-License-Identifier: Apache-2.0
"""The machine of the measurement."""

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
    return (
        f"Linux {platform.release()} {platform.machine()}, {os.cpu_count()} × {model}, "
        f"{memory:.1f} GiB; "
        f"load {load_before:.1f} before, {load_after:.1f} after"
    )


def _set(pid, nice):
    try:
        os.setpriority(os.PRIO_PROCESS, pid, nice)
        # With autogroups, niceness only counts within a session; this is the session's own.
        with open(f"/proc/{pid}/autogroup", "w", encoding="ascii") as file:
            file.write(str(nice))
    except OSError:  # this kernel has no such groups, or the process is gone
        pass


@contextmanager
def priority(*namespaces):
    """We, what is started meanwhile, and what runs in these namespaces go before other work of the
    machine: for short measurements.
    """
    pids = [os.getpid(), *(pid for namespace in namespaces for pid in namespace.processes())]
    for pid in pids:
        _set(pid, -20)
    try:
        yield
    finally:
        for pid in pids:
            _set(pid, 0)
