# SPDX-License-Identifier: Apache-2.0
"""Cgroups as kubelet creates them, from which the agent finds the pod of a process."""

import contextlib
import pathlib

import pytest

POD_UID = "5a3e0d1c-9f5b-4c7e-8a55-0123456789ab"
CONTAINER = "0123456789abcdef" * 4


class Cgroup:
    """kubepods/burstable/podUID/CONTAINER in the first writable hierarchy."""

    def __init__(self, uid=POD_UID):
        for root in ("/sys/fs/cgroup/pids", "/sys/fs/cgroup/memory", "/sys/fs/cgroup"):
            names = ["kubepods", "burstable", f"pod{uid}", CONTAINER]
            self.parts = [pathlib.Path(root, *names[:count]) for count in range(1, 5)]
            try:
                for part in self.parts:
                    part.mkdir(exist_ok=True)
                if (self.parts[-1] / "cgroup.procs").exists():
                    return
            except OSError:
                pass
        pytest.skip("no cgroup can be made here")

    def take(self, pids):
        for pid in pids:
            (self.parts[-1] / "cgroup.procs").write_text(str(pid))

    def leave(self, pids):
        root = self.parts[0].parent / "cgroup.procs"
        for pid in pids:
            with contextlib.suppress(OSError):
                root.write_text(str(pid))
        for part in reversed(self.parts):
            with contextlib.suppress(OSError):  # a pod of another test is in it
                part.rmdir()
