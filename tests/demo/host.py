# SPDX-License-Identifier: Apache-2.0
"""The machine's own pids of the lab's processes, for commands that a visitor copies into another terminal."""

import contextlib
import os


class Host:
    """Made before the demo enters the lab: it keeps the machine's own /proc open."""

    def __init__(self):
        self.proc = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY)
        self.sudo = "sudo " if os.environ.get("SUDO_UID", "0") != "0" else ""

    def _inner_pids(self, entry):
        with open(os.open(f"{entry}/status", os.O_RDONLY, dir_fd=self.proc), encoding="utf-8") as file:
            for line in file:
                if line.startswith("NSpid:"):
                    return [int(pid) for pid in line.split()[2:]]
        return []

    def pid(self, pid, netns):
        """The machine's pid of the lab's process pid; netns is the inode of its network namespace."""
        for entry in filter(str.isdigit, os.listdir(self.proc)):
            with contextlib.suppress(OSError):
                if os.stat(f"{entry}/ns/net", dir_fd=self.proc).st_ino == netns and pid in self._inner_pids(entry)[:1]:
                    return int(entry)
        raise LookupError(f"no process {pid} of network namespace {netns}")
