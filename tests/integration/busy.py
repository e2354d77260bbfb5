# SPDX-License-Identifier: Apache-2.0
"""Continuous traffic while something is replaced."""

import threading

from sockslab import LabError, wait_until
from sockslab.traffic import sum_tallies

KINDS = ("{} connect", "{} transfer", "{} refused", "{} connect socks=4", "{} abort")


class Busy(threading.Thread):
    """Runs traffic through all proxies without a pause, until `finish`."""

    def __init__(self, lab):
        super().__init__()
        self.lab, self.tallies, self.ending, self.error = lab, [], False, None
        self.start()

    def run(self):
        try:
            while not self.ending:
                kinds = [kind.format(30) for kind in KINDS]
                self.tallies.append(
                    self.lab.traffic(
                        *kinds, seed=90 + len(self.tallies), concurrency=16, deadline=120, each=True
                    ).finish(planned=False)  # a busy machine may make a client wait too long
                )
        except LabError as error:
            self.error = error

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ending = True
        self.join()

    def finish(self):
        """The tally of all runs."""
        self.ending = True
        self.join()
        if self.error:
            raise self.error
        total = sum_tallies(self.tallies)
        total["by_proxy"] = [
            sum_tallies(each) for each in zip(*(tally["by_proxy"] for tally in self.tallies))
        ]
        return total


def rises(node, before):
    """Scrape until this many more requests are counted."""

    def look():
        metrics = node.try_scrape()
        return metrics and metrics.sum("proxy_requests_total") >= before

    wait_until(look, 10, "counts that go on")
