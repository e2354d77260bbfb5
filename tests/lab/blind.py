# SPDX-License-Identifier: Apache-2.0
"""A witness of transitions that the kernel kept from every tracing program: blind.bpf.c, loaded beside the exporter.

Where a case failed and both copies of the witness missed transitions in the proxies' namespaces meanwhile, the case
proves nothing and may run once more (namespaces.py). A second failure is one.
"""

import pathlib
import subprocess

BUILD = pathlib.Path(__file__).resolve().parents[2] / "build"


class Blind:
    """While it is open, the witness runs, in the namespaces of these proxies."""

    def __init__(self, proxies):
        self.inodes = [proxy.ns.net for proxy in proxies]
        self.process = subprocess.Popen([BUILD / "blind", BUILD / "blind.bpf.o"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.before = self._read()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()

    def _read(self):
        """For each copy: [opened − closed, out of order]."""
        found = [[0, 0], [0, 0]]
        while (line := self.process.stdout.readline()).strip():
            copy, inode, opened, closed, broken = map(int, line.split())
            if inode in self.inodes:
                found[copy][0] += opened - closed
                found[copy][1] += broken
        if not line:
            raise RuntimeError(f"the witness ended with status {self.process.wait()}")
        return found

    def _ask(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self._read()

    def begin(self):
        self.before = self._ask()

    def why(self):
        """A line when both copies missed something since begin(), with no socket but those before open; else None."""
        missed = [[now - then for now, then in zip(*pair)] for pair in zip(self._ask(), self.before)]
        if all(map(any, missed)):
            return f"the kernel kept transitions from every tracing program: [never ended, out of order] of each copy {missed}"
        return None

    def stop(self):
        """It sees nothing from now on, but answers."""
        self.process.stdin.write("stop\n")
        self.process.stdin.flush()
        self._read()
