# SPDX-License-Identifier: Apache-2.0
"""A process called danted that listens in a private network namespace: to an agent a proxy, started
in a millisecond.
"""

import ctypes
import os
import struct
import subprocess
import sys

_SERVER = """
import ctypes, os, signal, socket, struct, sys
port, comm = int(sys.argv[1]), sys.argv[2].encode()
sock = socket.socket(socket.AF_INET6)
sock.bind(("::", port))
inode = os.stat("/proc/self/ns/net").st_ino
sys.stdout.buffer.write(struct.pack("Q", inode) + sock.getsockopt(1, 71, 8))
sys.stdout.buffer.flush()
sys.stdin.buffer.read(1)
ctypes.CDLL(None).prctl(15, comm)  # PR_SET_NAME
sock.listen()
signal.pause()
"""

_PTRACE_SEIZE, _PTRACE_INTERRUPT, _PTRACE_DETACH, _WALL = 0x4206, 0x4207, 17, 0x40000000


class SmallProxy:
    """inode and cookie: those of its network namespace, which ends with it."""

    def __init__(
        self, name, port=1080, comm="danted", listen=True, env=None, unshare=(), user=None, **where
    ):
        environment = {**os.environ, **(env or {})}
        if name is not None:
            environment["PROXY_NAME"] = name
        argv = [
            "unshare",
            "--net",
            *unshare,
            *(["setpriv", f"--reuid={user}", "--clear-groups", "--"] if user else []),
            sys.executable,
            "-c",
            _SERVER,
            str(port),
            comm,
        ]
        self.process = subprocess.Popen(
            argv, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **where
        )
        self.pid = self.process.pid
        self.inode, self.cookie = struct.unpack("QQ", self.process.stdout.read(16))
        if listen:
            self.listen()

    def listen(self):
        self.process.stdin.write(b"x")
        self.process.stdin.flush()

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


class Held:
    """Stop a process during the block without informing its parent (SIGSTOP would)."""

    def __init__(self, pid):
        self.pid = pid
        self.libc = ctypes.CDLL(None, use_errno=True)

    def _ptrace(self, request):
        if self.libc.ptrace(ctypes.c_long(request), ctypes.c_long(self.pid), None, None):
            raise OSError(ctypes.get_errno(), "ptrace")

    def __enter__(self):
        self._ptrace(_PTRACE_SEIZE)
        self._ptrace(_PTRACE_INTERRUPT)
        os.waitpid(self.pid, _WALL)
        return self

    def __exit__(self, *what):
        try:
            self._ptrace(_PTRACE_DETACH)
        except ProcessLookupError:
            pass  # its parent has killed it
