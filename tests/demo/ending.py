# SPDX-License-Identifier: Apache-2.0
"""Ends the demo on Ctrl-C at any moment, independent of the main thread."""

import os
import signal
import threading

INTERRUPTED = 130  # the status that a shell reports for a program ended by SIGINT


class Ending:
    """Watches for SIGINT, which is blocked in every thread.

    The process ends at once, without cleanup. It is the child of the lab's init,
    which ends with it, and the kernel then removes all of the lab: processes, mounts, networks.
    So no exception is raised in the middle of a fork or of a cleanup.
    """

    def __init__(self):
        self.status = INTERRUPTED
        threading.Thread(target=self._wait, daemon=True).start()

    def _wait(self):
        signal.sigwait({signal.SIGINT})
        os.write(1, b"\nEnding.\n")
        os._exit(self.status)
