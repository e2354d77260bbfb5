# SPDX-License-Identifier: Apache-2.0
"""A simulated machine: systemd as PID 1 on a Debian folder, in private namespaces (see boot)."""

import json
import os
import pathlib
import signal
import socket
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[3]

from sockslab import kernel, wait_until


class Machine:
    """Boots on entry; exit kills all its processes. Its writes stay in memory."""

    def __init__(self, folder):
        self.folder = folder

    def __enter__(self):
        self.process = subprocess.Popen(
            ["tests/env/deb/boot", self.folder], stdin=subprocess.DEVNULL, start_new_session=True
        )
        self.group = f"wgsocks-deb-{self.process.pid}"
        try:
            self.pid = wait_until(self._init, 20, "a systemd")
            wait_until(
                lambda: (
                    self.run("systemctl", "is-system-running", check=False).stdout.strip()
                    == "running"
                ),
                60,
                "the machine to be up",
            )
        except BaseException:
            self.__exit__()
            raise
        return self

    def _init(self):
        """PID 1 of the machine, in this PID namespace: the process of the boot script, which became
        systemd.
        """
        assert self.process.poll() is None, "it did not boot"
        try:
            child = int(
                pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
                .read_text()
                .split()[0]
            )
            return child if pathlib.Path(f"/proc/{child}/comm").read_text() == "systemd\n" else None
        except (OSError, IndexError):
            return None

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self._remove_groups()

    def _remove_groups(self):
        """Its cgroups: by way of a mount that ends with its process."""
        script = (
            f'mount -t cgroup2 cgroup2 /mnt && find "/mnt/{self.group}" -depth -type d -exec rmdir '
            f"{{}} +"
        )
        wait_until(
            lambda: (
                subprocess.run(
                    ["unshare", "--mount", "sh", "-c", script], capture_output=True, check=False
                ).returncode
                == 0
            ),
            10,
            "the machine's cgroups to be empty",
        )

    def run(self, *argv, check=True, timeout=60):
        """Run argv in the machine."""
        result = subprocess.run(
            ["nsenter", f"--target={self.pid}", "--all", "--", *argv],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        if check and result.returncode:
            raise AssertionError(
                f"{' '.join(argv)}: status {result.returncode}: {result.stderr or result.stdout}"
            )
        return result


class Remote:
    """Machine.run for a process that no longer can: below a PID namespace nobody enters the one
    above. `host` is another process.
    """

    def __init__(self, machine):
        self.network = os.open(f"/proc/{machine.pid}/ns/net", os.O_RDONLY)
        self.ours, theirs = socket.socketpair()
        self.server = os.fork()
        if self.server == 0:
            self.ours.close()
            self._serve(machine, theirs.makefile("rw"))
        theirs.close()
        self.stream = self.ours.makefile("rw")

    @staticmethod
    def _serve(machine, stream):
        for line in stream:
            try:
                result = machine.run(*json.loads(line), check=False)
                answer = [result.returncode, result.stdout, result.stderr]
            except (OSError, subprocess.SubprocessError) as error:
                answer = [-1, "", repr(error)]
            stream.write(json.dumps(answer) + "\n")
            stream.flush()
        os._exit(0)

    def run(self, *argv, check=True):
        self.stream.write(json.dumps(argv) + "\n")
        self.stream.flush()
        status, out, err = json.loads(self.stream.readline())
        if check and status:
            raise AssertionError(f"{' '.join(argv)}: status {status}: {err or out}")
        return out

    def in_network(self, function, *arguments):
        """The result of the function in the network namespace of the machine; only this thread
        enters it.
        """
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        kernel.setns(self.network, kernel.CLONE_NEWNET)
        try:
            return function(*arguments)
        finally:
            kernel.setns(home, kernel.CLONE_NEWNET)
            os.close(home)


def enter_machine(folder):
    """Boots the machine and continues in a child process below its PID namespace.

    The child gets an object that runs commands in the machine. The caller waits for the child, ends
    the machine, and exits.
    """
    machine = Machine(folder).__enter__()
    try:
        machine.run("ip", "link", "set", "lo", "up")
        remote = Remote(machine)
        kernel.setns(os.open(f"/proc/{machine.pid}/ns/pid", os.O_RDONLY), kernel.CLONE_NEWPID)
        child = os.fork()
        if child == 0:
            return remote
        signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGTERM))
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    except BaseException:
        machine.__exit__()
        raise
    machine.__exit__()
    os._exit(abs(status))


def repack(package, version, binary):
    """The package with another version and another program."""
    folder = ROOT / "build" / "deb" / version
    subprocess.run(["dpkg-deb", "-R", package, folder], check=True)
    control = folder / "DEBIAN" / "control"
    lines = control.read_text().splitlines(keepends=True)
    control.write_text(
        "".join(f"Version: {version}\n" if line.startswith("Version: ") else line for line in lines)
    )
    subprocess.run(
        ["install", "-m", "0755", "-s", binary, folder / "usr/sbin/wgsocks_exporter"], check=True
    )
    made = f"{folder}.deb"
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "-b", folder, made],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return made
