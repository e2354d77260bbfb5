# SPDX-License-Identifier: Apache-2.0
"""A network namespace and a mount namespace, held by an idle process."""

import os
import signal
import socket
import subprocess
import time

from . import kernel
from .wait import PATIENCE, LabError

# Like a container of the same pod: shared network, private processes and mounts.
_CONTAINER = """
mkdir -p /run/lab/cgroup
mount -n --rbind /sys/fs/cgroup /run/lab/cgroup
mount -n -t sysfs sysfs /sys
mount -n --rbind /run/lab/cgroup /sys/fs/cgroup
mount -n -t proc proc /proc
[ -z "$2" ] || exec 9<"$2"
mount -n -t tmpfs container /run
[ -z "$2" ] || { mkdir /run/wireguard; mount -n --bind /proc/self/fd/9 /run/wireguard; exec 9<&-; }
[ "$1" = no ] || mount -n -t bpf bpffs /sys/fs/bpf
shift 2
cd "$1" && shift && exec "$@"
"""


class Namespace:
    """Owns the holder; close() kills each process that still runs in the namespace, by its id."""

    def __init__(self, name, private_files=None):
        """private_files: path → text, of files that differ in this mount namespace."""
        self.name = name
        self.devices = f"/run/lab/wireguard/{name}"  # mounted at /run/wireguard here
        self.pid = self._hold(private_files or {})
        self.net = os.stat(f"/proc/{self.pid}/ns/net").st_ino
        handle = f"/run/netns/{name}"
        with open(handle, "w", encoding="ascii"):
            pass
        kernel.bind(f"/proc/{self.pid}/ns/net", handle)

    def _hold(self, private_files):
        ready_read, ready_write = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                self._become_holder(private_files)
                os.write(ready_write, b"ok")
            except OSError as error:
                os.write(ready_write, str(error).encode())
            os.closerange(0, 1024)
            while True:
                signal.pause()
        os.close(ready_write)
        answer = os.read(ready_read, 4096).decode()
        os.close(ready_read)
        if answer != "ok":
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise LabError(f"namespace {self.name}: {answer}")
        return pid

    def _become_holder(self, private_files):
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        kernel.prctl(kernel.PR_SET_NAME, f"ns-{self.name}")
        self.make_network()
        kernel.unshare(kernel.CLONE_NEWNS)
        kernel.make_mounts_private()
        kernel.mount_own_sys()
        os.makedirs(self.devices, exist_ok=True)
        devices = os.open(self.devices, os.O_PATH)
        kernel.mount(self.name, "/run", "tmpfs", 0, "mode=0755")
        for directory in ("/run/wireguard", "/run/lock", "/run/files", "/run/tmp"):
            os.mkdir(directory)
        kernel.bind(f"/proc/self/fd/{devices}", "/run/wireguard")
        for path, text in private_files.items():
            self._replace_file(path, text)

    def make_network(self):
        """Move the calling process into the network namespace of this object."""
        kernel.unshare(kernel.CLONE_NEWNET)

    @staticmethod
    def _replace_file(path, text):
        target = os.path.realpath(path)
        if not os.path.exists(target):  # a link into /run of the machine, which the lab hides
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, "w", encoding="ascii"):
                pass
        own = "/run/files/" + os.path.basename(path)
        mode = 0o640 if path == "/etc/shadow" else 0o644
        with open(os.open(own, os.O_WRONLY | os.O_CREAT, mode), "w", encoding="utf-8") as file:
            file.write(text)
        kernel.bind(own, target)

    def command(self, argv, container=False, bpffs=True, capabilities=None, devices=False):
        """argv that runs in the namespaces; see popen()."""
        if capabilities is not None:
            bounds = ",".join(["-all"] + [f"+{name}" for name in capabilities])
            argv = ["setpriv", f"--bounding-set={bounds}", "--", *argv]
        if container:
            mode = "yes" if bpffs else "no"
            argv = [
                "unshare",
                "--mount",
                "--propagation=private",
                "sh",
                "-ec",
                _CONTAINER,
                "sh",
                mode,
                self.devices if devices else "",
                os.getcwd(),
                *argv,
            ]
            return ["nsenter", f"--net=/proc/{self.pid}/ns/net", "--", *argv]
        return [
            "nsenter",
            f"--net=/proc/{self.pid}/ns/net",
            f"--mount=/proc/{self.pid}/ns/mnt",
            f"--wdns={os.getcwd()}",
            "--",
            *argv,
        ]

    def popen(
        self,
        argv,
        env=None,
        container=False,
        bpffs=True,
        capabilities=None,
        devices=False,
        **kwargs,
    ):
        """subprocess.Popen of argv in the network and mount namespace; .pid is that of argv.

        env: added to the environment.
        container: argv shares only the network namespace, as a container of the same pod does. It
        is PID 1 of its own PID namespace. It has the mounts of the lab's root, but its own /proc,
        /sys, /run and bpffs (none if bpffs=False).
        capabilities: the only capabilities of argv, such as ["bpf", "perfmon", "net_admin"].
        devices: argv shares the folder of userspace WireGuard devices, /run/wireguard.
        """
        argv = self.command(argv, container, bpffs, capabilities, devices)
        environment = {**os.environ, **(env or {})}
        if not container:
            return subprocess.Popen(argv, env=environment, **kwargs)
        ours = os.open("/proc/self/ns/pid", os.O_RDONLY)
        try:
            kernel.unshare(kernel.CLONE_NEWPID)
            return subprocess.Popen(argv, env=environment, **kwargs)
        finally:
            kernel.setns(ours, kernel.CLONE_NEWPID)
            os.close(ours)

    def run(
        self,
        argv,
        env=None,
        check=True,
        timeout=60,
        container=False,
        bpffs=True,
        capabilities=None,
        **kwargs,
    ):
        """subprocess.run with text output captured; an error with its output unless check=False."""
        kwargs.setdefault("text", True)
        if "stdout" not in kwargs and "stderr" not in kwargs:
            kwargs["stdout"] = kwargs["stderr"] = subprocess.PIPE
        data = kwargs.pop("input", None)
        if data is not None:
            kwargs["stdin"] = subprocess.PIPE
        process = self.popen(argv, env, container, bpffs, capabilities, **kwargs)
        try:
            out, err = process.communicate(data, timeout=timeout * PATIENCE)
        except BaseException:
            process.kill()
            process.wait()
            raise
        if check and process.returncode != 0:
            raise LabError(f"{self.name}: {argv} ended with {process.returncode}: {err or out}")
        return subprocess.CompletedProcess(argv, process.returncode, out, err)

    def socket(self, *arguments):
        """socket.socket(*arguments) in this network namespace, for the calling process."""
        ours = os.open("/proc/self/ns/net", os.O_RDONLY)
        theirs = os.open(f"/proc/{self.pid}/ns/net", os.O_RDONLY)
        try:
            kernel.setns(theirs, kernel.CLONE_NEWNET)
            return socket.socket(*arguments)
        finally:
            kernel.setns(ours, kernel.CLONE_NEWNET)
            os.close(ours)
            os.close(theirs)

    def ip(self, *lines):
        """Run lines of `ip -batch`."""
        result = self.run(["ip", "-batch", "-"], input="\n".join(lines) + "\n", check=False)
        if result.returncode != 0:
            raise LabError(f"ip in {self.name}: {result.stderr.strip()}")

    def sysctl(self, **values):
        """Set sysctls of the namespace; __ in a name stands for a slash."""
        script = "".join(
            f"echo '{value}' >/proc/sys/{name.replace('__', '/')}\n"
            for name, value in values.items()
        )
        self.run(["sh", "-ec", script])

    def processes(self):
        """PIDs of all processes in the network namespace, the holder included."""
        found = []
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    if os.stat(f"/proc/{entry}/ns/net").st_ino == self.net:
                        found.append(int(entry))
                except OSError:
                    pass
        return found

    def close(self):
        """End all processes in it, and the namespace. A second call does nothing."""
        handle = f"/run/netns/{self.name}"
        if not os.path.exists(handle):
            return
        deadline = time.monotonic() + 10 * PATIENCE
        while time.monotonic() < deadline:
            left = [pid for pid in self.processes() if pid not in (1, os.getpid())]
            if not left:
                break
            for pid in left:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            try:
                os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:
                pass
            time.sleep(0.005)
        subprocess.run(["umount", handle], check=False)
        os.unlink(handle)
