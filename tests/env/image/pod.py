# SPDX-License-Identifier: Apache-2.0
"""A proxy of the lab as a pod of containers: one for dante, one for wireguard-go, in the network
namespace of an idle third one.
"""

import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[3]

from sockslab import kernel
from sockslab.namespace import Namespace

# danted's configuration is the lab's, which the container cannot see.
DANTE = (
    "printf '%s' \"$CONFIGURATION\" >/run/danted.conf && mkdir -p /run/tmp && exec danted -f "
    "/run/danted.conf"
)


class Pod(Namespace):
    def __init__(self, engine, image, name, private_files):
        self.engine, self.image = engine, image
        self.container = f"pod-{name}"
        # Without a network of Docker's, Docker switches IPv6 off.
        ipv6 = [f"--sysctl=net.ipv6.conf.{which}.disable_ipv6=0" for which in ("all", "default")]
        engine.run(
            "run",
            "--detach",
            f"--name={self.container}",
            "--network=none",
            *ipv6,
            image,
            "sleep",
            "infinity",
        )
        self.files = pathlib.Path(f"/run/lab/files-{name}")
        self.files.mkdir(parents=True)
        for path, text in private_files.items():
            (self.files / os.path.basename(path)).write_text(text)
        self.mounts = [
            f"--volume={self.files / os.path.basename(path)}:{path}:ro" for path in private_files
        ]
        super().__init__(name, private_files)

    def make_network(self):
        network = os.open(f"/proc/{self.engine.pid(self.container)}/ns/net", os.O_RDONLY)
        kernel.setns(network, kernel.CLONE_NEWNET)
        os.close(network)

    def run_options(self):
        """Of `docker run`, for a container of this pod."""
        return [
            f"--network=container:{self.container}",
            f"--volume={self.devices}:/var/run/wireguard",
        ]

    def popen(self, argv, env=None, *arguments, **options):
        program = argv[0]
        if program not in ("danted", "wireguard-go"):
            return super().popen(argv, env, *arguments, **options)
        env = dict(env or {})
        if program == "danted":
            env["CONFIGURATION"] = pathlib.Path(
                f"/proc/{self.pid}/root/run/danted.conf"
            ).read_text()
            argv = ["sh", "-ec", DANTE]
        words = [f"--env={name}={value}" for name, value in env.items()]
        command = self.engine.command(
            "run",
            "--rm",
            f"--name={program}-{self.name}",
            *self.run_options(),
            *self.mounts,
            *words,
            "--cap-add=NET_ADMIN",
            "--device=/dev/net/tun",
            self.image,
            *argv,
        )
        return subprocess.Popen(command, env=self.engine.environment, **options)
