# SPDX-License-Identifier: Apache-2.0
"""danted: its configuration and users, start and stop."""

import ctypes
import os
import signal
import subprocess

from . import addresses
from .wait import PATIENCE, LabError, wait_until

_SALT = b"$5$rounds=1000$sockslab"


def user_files(auth):
    """/etc/passwd and /etc/shadow with the machine's users and the (user, password) of auth."""
    with open("/etc/passwd", encoding="utf-8") as file:
        passwd = file.read()
    crypt = ctypes.CDLL("libcrypt.so.1").crypt
    crypt.restype = ctypes.c_char_p
    user, password = auth
    secret = crypt(password.encode(), _SALT).decode()
    entry = f"{user}:x:64321:65534::/nonexistent:/usr/sbin/nologin\n"
    shadow = "".join(f"{line.split(':')[0]}:*:19000:0:99999:7:::\n" for line in passwd.splitlines())
    return {
        "/etc/passwd": passwd + entry,
        "/etc/shadow": f"{shadow}{user}:{secret}:19000:0:99999:7:::\n",
    }


def config(ports, auth, connect_timeout, negotiate_timeout, extra=""):
    lines = ["logoutput: /run/danted.log"]
    for port in ports:
        # Not eth0: a container of the same pod connects over lo.
        lines += [f"internal: 0.0.0.0 port = {port}", f"internal: :: port = {port}"]
    lines += [
        "external: wg0",
        "clientmethod: none",
        f"socksmethod: {'username' if auth else 'none'}",
        "user.privileged: root",
        "user.unprivileged: nobody",
        f"timeout.connect: {connect_timeout}",
        f"timeout.negotiate: {negotiate_timeout}",
        "client pass { from: 0/0 to: 0/0",
        "    log: error",
        "}",
    ]
    for blocked in (f"{addresses.BLOCKED4}/32", f"{addresses.BLOCKED6}/128"):
        lines += [f"socks block {{ from: 0/0 to: {blocked}", "    log: error", "}"]
    lines += [
        "socks pass { from: 0/0 to: 0/0",
        "    command: connect bind udpassociate bindreply udpreply",
        "    log: error",
        "}",
        extra,
    ]
    return "\n".join(lines) + "\n"


class Dante:
    """A danted in a Namespace; the configuration text may be changed between stop and start."""

    def __init__(self, namespace, ports, text, env=None):
        self.env = env or {}
        self.namespace = namespace
        self.ports = ports
        self.text = text
        self.process = None

    def listening(self):
        """The SOCKS ports with a listener now, IPv4 and IPv6."""
        found = {4: set(), 6: set()}
        for version, name in ((4, "tcp"), (6, "tcp6")):
            with open(f"/proc/{self.namespace.pid}/net/{name}", encoding="ascii") as file:
                next(file)
                for line in file:
                    fields = line.split()
                    if fields[3] == "0A":
                        found[version].add(int(fields[1].rsplit(":", 1)[1], 16))
        return sorted(found[4] & found[6] & set(self.ports))

    def start(self, wait=True):
        root = f"/proc/{self.namespace.pid}/root"
        with open(f"{root}/run/danted.conf", "w", encoding="utf-8") as file:
            file.write(self.text)
        self.process = self.namespace.popen(
            ["danted", "-f", "/run/danted.conf"],
            env={"TMPDIR": "/run/tmp", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **self.env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        if wait:
            self.wait_listening()

    def wait_listening(self):
        def up():
            if self.process.poll() is not None:
                raise LabError(f"danted in {self.namespace.name} ended:\n{self.log()}")
            return self.listening() == sorted(self.ports)

        wait_until(up, what=f"danted in {self.namespace.name} listens")

    def log(self):
        try:
            with open(f"/proc/{self.namespace.pid}/root/run/danted.log", encoding="utf-8") as file:
                return file.read()
        except OSError as error:
            return str(error)

    def processes(self):
        """PIDs of all danted processes of this proxy."""
        found = []
        for pid in self.namespace.processes():
            try:
                with open(f"/proc/{pid}/comm", encoding="ascii") as file:
                    if file.read().strip() == "danted":
                        found.append(pid)
            except OSError:
                pass
        return found

    def stop(self):
        """End it as an init does: SIGTERM; returns when all its processes have ended."""
        if self.process:
            self.process.terminate()
            self.process.wait(10 * PATIENCE)
            self.process = None
        wait_until(lambda: not self.processes(), what="danted's processes gone")

    def kill(self):
        """Send SIGKILL to each of its processes."""
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait(10 * PATIENCE)
        self.process = None
        wait_until(lambda: not self.processes(), what="danted's processes gone")
