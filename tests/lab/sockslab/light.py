# SPDX-License-Identifier: Apache-2.0
"""Many light proxies (build/proxies): to an agent they look like any proxy, but they serve no
client.
"""

import select
import subprocess

from . import build
from .wait import PATIENCE, LabError


class LightProxies:
    """Proxies named NAME-0, NAME-1, … in the order of their start; the oldest end first."""

    def __init__(self, name="crab"):
        self.name = name
        self.begun = self.ended = 0
        self.process = subprocess.Popen(
            [build.program("proxies"), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def _tell(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = (
            self.process.stdout.readline().split()
            if select.select([self.process.stdout], [], [], 60 * PATIENCE)[0]
            else []
        )
        if not answer:
            raise LabError(f"the light proxies did not answer {line!r}")
        return answer

    def begin(self, count):
        """Start `count` more; returns once they listen: CLOCK_MONOTONIC then, in ns."""
        self.begun += count
        return int(self._tell(f"begin {count}")[2])

    def end(self, count):
        """End the oldest; their network namespaces vanish a little later."""
        self.ended += int(self._tell(f"end {count}")[1])

    def names(self):
        return sorted(f"{self.name}-{number}" for number in range(self.ended, self.begun))

    def close(self):
        self.process.stdin.close()
        self.process.wait(60 * PATIENCE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
