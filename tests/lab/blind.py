# SPDX-License-Identifier: Apache-2.0
"""Detects transitions that the kernel hid from every tracing program: blind.bpf.c runs next to the
exporters.

A failed test proves nothing if both copies of the detector missed transitions in the lab's proxies.
The test then runs once more (namespaces.py). A second failure counts.
"""

import subprocess

from sockslab import build
from sockslab.sockets import tcp_counters
from sockslab.world import Lab

NONE = (0, 0, 0)
TIMER_OF_TIME_WAIT, SYN_RECV, NEW_SYN_RECV = "03", "03", "0C"


def _sockets(namespace):
    """Number of TCP sockets of a namespace, without request and time-wait sockets."""
    count = 0
    for name in ("tcp", "tcp6"):
        with open(f"/proc/{namespace.pid}/net/{name}", encoding="ascii") as file:
            for line in list(file)[1:]:
                fields = line.split()
                count += not (
                    fields[5].startswith(f"{TIMER_OF_TIME_WAIT}:")
                    or fields[3] in (SYN_RECV, NEW_SYN_RECV)
                )
    return count


class Blind:
    """The detector runs while this is open, for all labs of this process."""

    def __init__(self):
        self.process = subprocess.Popen(
            [build.program("blind"), build.program("blind.bpf.o")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.before, self.found = {}, None
        self._read()
        Lab.witness = self
        for lab in Lab.up:
            self.lab_begins(lab)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        Lab.witness = None
        self.process.stdin.close()
        self.process.wait()

    def _read(self):
        """inode → for each copy (opened − closed, out of order, retransmitted)."""
        found = {}
        while (line := self.process.stdout.readline()).strip():
            copy, inode, opened, closed, broken, resent = map(int, line.split())
            found.setdefault(inode, [NONE, NONE])[copy] = (opened - closed, broken, resent)
        if not line:
            raise RuntimeError(f"the witness ended with status {self.process.wait()}")
        return found

    def _ask(self, lab):
        """proxy → for each copy (sockets without an end, out of order, retransmissions missed)."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        counts = self._read()
        found = {}
        for proxy in lab.proxies:
            live, sent = _sockets(proxy.ns), tcp_counters(proxy.ns)["RetransSegs"]
            found[proxy.ns.net] = [
                (more - live, broken, sent - resent)
                for more, broken, resent in counts.get(proxy.ns.net, [NONE, NONE])
            ]
        return found

    def lab_begins(self, lab):
        self.before.update(self._ask(lab))

    def lab_failed(self, lab):
        """Take the counts while the lab still exists."""
        self.found = self.found or self.why(lab)

    def begin(self):
        self.found = None
        for lab in Lab.up:
            self.lab_begins(lab)

    def why(self, lab):
        """A line if both copies missed something in a proxy since begin(); else None."""
        for inode, now in self._ask(lab).items():
            missed = [
                [one - other for one, other in zip(*pair)] for pair in zip(now, self.before[inode])
            ]
            if all(map(any, missed)):
                return (
                    f"the kernel kept transitions from every tracing program: [never ended, out of "
                    f"order, sent again] of each copy {missed}"
                )
        return None

    def verdict(self):
        """why() of each lab that failed or is up."""
        for lab in Lab.up:
            self.lab_failed(lab)
        return self.found

    def stop(self):
        """Detach the programs; the counts stay readable."""
        self.process.stdin.write("stop\n")
        self.process.stdin.flush()
        self._read()
