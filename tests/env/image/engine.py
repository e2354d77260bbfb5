# SPDX-License-Identifier: Apache-2.0
"""A private Docker engine, unpacked from Debian's packages (see run): no bridge, no firewall rules,
everything in one folder.
"""

import json
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[3]

from sockslab import wait_until

FOLDER = ROOT / "build" / "docker"
PROGRAMS = FOLDER / "root" / "usr"
GROUP = "wgsocks-image"


class Engine:
    """In the caller's network and mounts; what it stored stays for the next one. On exit its
    containers, processes and cgroups are gone.
    """

    def __init__(self):
        self.socket = FOLDER / "docker.sock"
        self.environment = {
            **os.environ,
            "PATH": f"{PROGRAMS}/bin:{PROGRAMS}/sbin:{os.environ['PATH']}",
            "DOCKER_HOST": f"unix://{self.socket}",
            "DOCKER_CONFIG": str(FOLDER / "config"),
            "DOCKER_BUILDKIT": "0",
        }

    def __enter__(self):
        (FOLDER / "config").mkdir(parents=True, exist_ok=True)
        (FOLDER / "daemon.json").write_text("{}")
        (FOLDER / "docker.pid").unlink(missing_ok=True)
        self.log = open(FOLDER / "dockerd.log", "wb")
        # Its mounts go with it; those of the caller are seen.
        self.process = subprocess.Popen(
            [
                "unshare",
                "--mount",
                "--propagation=slave",
                PROGRAMS / "sbin" / "dockerd",
                f"--host=unix://{self.socket}",
                f"--data-root={FOLDER}/data",
                f"--exec-root={FOLDER}/exec",
                f"--pidfile={FOLDER}/docker.pid",
                f"--config-file={FOLDER}/daemon.json",
                f"--cgroup-parent=/{GROUP}",
                "--bridge=none",
                "--iptables=false",
                "--ip6tables=false",
                "--ip-forward=false",
                "--ip-masq=false",
                "--group=root",
            ],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
        )
        try:
            wait_until(self._answers, 30, "a Docker engine")
        except BaseException:
            self.__exit__()
            raise
        return self

    def _answers(self):
        assert self.process.poll() is None, (
            f"the engine ended: {(FOLDER / 'dockerd.log').read_text()[-1500:]}"
        )
        return self.run("version", check=False).returncode == 0

    def __exit__(self, *_):
        if self.process.poll() is None:
            names = self.run("ps", "-aq", check=False).stdout.split()
            if names:
                self.run("rm", "-f", "-v", *names, check=False)
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        for group in sorted(pathlib.Path("/sys/fs/cgroup").glob(f"**/{GROUP}"), reverse=True):
            subprocess.run(
                ["find", group, "-depth", "-type", "d", "-exec", "rmdir", "{}", "+"],
                check=False,
                capture_output=True,
            )

    def command(self, *arguments):
        return [str(PROGRAMS / "bin" / "docker"), *map(str, arguments)]

    def run(self, *arguments, check=True, timeout=60, **options):
        done = subprocess.run(
            self.command(*arguments),
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            **options,
        )
        if check and done.returncode:
            raise AssertionError(
                f"docker {' '.join(map(str, arguments))}: {done.stderr or done.stdout}"
            )
        return done

    def import_folder(self, folder, name, *options):
        """An image of one layer; options are those of `docker import`."""
        packed = subprocess.Popen(
            [
                "tar",
                "--numeric-owner",
                "--one-file-system",
                "--exclude=./made-of",
                "-C",
                folder,
                "-c",
                ".",
            ],
            stdout=subprocess.PIPE,
        )
        self.run("import", *options, "-", name, stdin=packed.stdout, timeout=300)
        packed.stdout.close()
        assert packed.wait() == 0, "tar failed"

    def inspect(self, name):
        return json.loads(self.run("inspect", name).stdout)[0]

    def pid(self, name):
        """The container's first process, as this PID namespace knows it; 0 while there is none."""
        return self.inspect(name)["State"]["Pid"]
