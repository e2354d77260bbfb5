# SPDX-License-Identifier: Apache-2.0
"""What the rows share."""

from . import programs
from .processes import Exporter


class Bench:
    """lab, its only proxy, and raw: what was measured, by name, for --json."""

    def __init__(self, lab):
        self.lab = lab
        self.proxy = lab.proxies[0]
        self.raw = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def exporter(self, *flags, **options):
        return Exporter(self.proxy, *flags, **options)

    def run(self, space, name, *arguments, timeout=120):
        """A program of the bench that prints JSON."""
        result = space.run([programs.path(name), *map(str, arguments)], timeout=timeout)
        return programs.parse(result.stdout)
