# SPDX-License-Identifier: Apache-2.0
"""The lab's root: network, mount and PID namespaces, which the kernel removes as a whole."""

import os
import select
import signal
import sys

from . import kernel

_inside = False


def inside():
    return _inside


def enter():
    """Continue in private network, mount and PID namespaces. Call it early, while there is one
    thread.

    There are three processes. The caller stays outside, passes signals on and ends with the
    status of the process inside. Its child, PID 1 of the lab, only reaps, and is killed when the
    caller dies. When PID 1 ends, the kernel kills all processes in the lab and frees its mounts
    and network namespaces. The function returns in a child of PID 1.
    """
    global _inside
    if _inside:
        return
    if os.geteuid() != 0:
        sys.exit("the lab needs root")
    sys.stdout.flush()
    sys.stderr.flush()
    alive_read, alive_write = os.pipe()
    kernel.unshare(kernel.CLONE_NEWNET | kernel.CLONE_NEWNS | kernel.CLONE_NEWPID)
    init = os.fork()
    if init:
        os.close(alive_read)
        _wait_outside(init)
    os.close(alive_write)
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    if select.select([alive_read], [], [], 0)[0]:
        os._exit(1)  # the process outside has ended before the line above
    os.close(alive_read)
    _mount_root()
    child = os.fork()
    if child:
        _run_init(child)
    _inside = True
    signal.signal(signal.SIGTERM, _terminate)


def _terminate(signum, _frame):
    sys.exit(128 + signum)


def _mount_root():
    kernel.make_mounts_private()
    kernel.mount("proc", "/proc", "proc", kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC)
    kernel.mount_own_sys()
    kernel.mount("lab", "/run", "tmpfs", 0, "mode=0755")
    for directory in ("/run/netns", "/run/wireguard", "/run/lock", "/run/lab"):
        os.mkdir(directory)


def _forward_signals(pid):
    def forward(signum, _frame):
        try:
            os.kill(pid, signum)
        except ProcessLookupError:
            pass

    for signum in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(signum, forward)
    # Ctrl-C reaches the whole foreground group; the process inside handles it. A caller that
    # has blocked it before enter() also gets a Ctrl-C that came too early for the process inside.
    blocked = signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ())
    signal.signal(signal.SIGINT, forward if blocked else signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT,))


def _exit_like(status):
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code >= 0 else 128 - code)


def _wait_outside(init):
    _forward_signals(init)
    _exit_like(os.waitpid(init, 0)[1])


def _run_init(child):
    _forward_signals(child)
    while True:
        pid, status = os.wait()
        if pid == child:
            _exit_like(status)
