# SPDX-License-Identifier: Apache-2.0
"""WireGuard devices. Only this file chooses between the kernel and wireguard-go."""

import os
import shutil
import socket
import subprocess

from . import build, sockets
from .wait import LabError, wait_until


def implementation():
    """ "go" or "kernel": LAB_WIREGUARD if set, else wireguard-go if it can run.

    wireguard-go is preferred: its link counters are exactly the inner bytes.
    """
    choice = os.environ.get("LAB_WIREGUARD", "auto")
    if choice in ("go", "kernel"):
        return choice
    if choice != "auto":
        raise LabError(f"LAB_WIREGUARD={choice}: go, kernel or auto")
    go = shutil.which("wireguard-go") and os.path.exists("/dev/net/tun")
    return "go" if go else "kernel"


def make_keys(count):
    """count pairs (private, public)."""
    script = f"for i in $(seq {count}); do k=$(wg genkey); echo $k $(echo $k | wg pubkey); done"
    lines = subprocess.run(["sh", "-ec", script], check=True, capture_output=True, text=True).stdout
    return [tuple(line.split()) for line in lines.splitlines()]


def has_link(namespace, name):
    with open(f"/proc/{namespace.pid}/net/dev", encoding="ascii") as file:
        return any(line.split(":")[0].strip() == name for line in file)


def listens(path):
    """Whether a process accepts at a UNIX socket. Its file is no proof: bind() creates it before
    listen().
    """
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(path)
        except OSError:
            return False
        return True


class Device:
    """One WireGuard interface in a Namespace; config: the input of `wg setconf`."""

    def __init__(self, namespace, name, config, setup):
        """setup: lines for `ip -batch` after its creation (addresses, up, routes)."""
        self.namespace = namespace
        self.name = name
        self.config = config
        self.setup = setup
        self.process = None
        self.witness = None

    def create(self):
        if implementation() == "go":
            with open(f"/run/lab/{self.namespace.name}-{self.name}.log", "ab") as log:
                self.process = self.namespace.popen(
                    ["wireguard-go", "-f", self.name],
                    stdout=log,
                    stderr=log,
                    stdin=subprocess.DEVNULL,
                    start_new_session=True,  # Ctrl-C is for the user of the lab
                )
            uapi = f"/proc/{self.namespace.pid}/root/run/wireguard/{self.name}.sock"
            wait_until(
                lambda: listens(uapi) and has_link(self.namespace, self.name),
                what=f"wireguard-go's {self.name} in {self.namespace.name}",
            )
        else:
            self.namespace.ip(f"link add {self.name} type wireguard")
            self.witness = self.namespace.popen(
                [build.program("inner"), self.name],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
            if self.witness.stdout.readline() != "ready\n":
                raise LabError(f"nobody counts {self.name} in {self.namespace.name}")
        self.namespace.run(["wg", "setconf", self.name, "/dev/stdin"], input=self.config)
        self.namespace.ip(*self.setup)

    def delete(self):
        """Like `wg-quick down`: returns after the interface is gone."""
        self.namespace.ip(f"link del {self.name}")
        if self.process:
            self.process.wait(10)
            self.process = None
        self._end_witness()
        wait_until(lambda: not has_link(self.namespace, self.name), what=f"{self.name} gone")

    def _end_witness(self):
        if self.witness:
            self.witness.stdin.close()
            self.witness.stdout.close()
            self.witness.wait()
            self.witness = None

    def inner_stats(self):
        """rx_bytes, rx_packets, tx_bytes, tx_packets inside the tunnel, since it came up.

        The link of wireguard-go counts these. The kernel's link counts outer bytes: headers,
        padding and handshakes, which cannot be subtracted (padding depends on the length of each
        packet). For it, build/inner counts every packet on the interface.
        """
        if not self.witness:
            return sockets.link_stats(self.namespace, self.name)
        self.witness.stdin.write("?\n")
        self.witness.stdin.flush()
        numbers = self.witness.stdout.readline().split()
        if len(numbers) != 4:
            raise LabError(
                f"the witness of {self.name} in {self.namespace.name} ended with "
                f"{self.witness.wait()}"
            )
        return dict(
            zip(
                ("rx_bytes", "rx_packets", "tx_bytes", "tx_packets"), map(int, numbers), strict=True
            )
        )

    def peers(self):
        """[{public_key, endpoint, allowed_ips, handshake, received, sent, keepalive}] of `wg show
        dump`.
        """
        dump = self.namespace.run(["wg", "show", self.name, "dump"]).stdout.splitlines()
        found = []
        for line in dump[1:]:
            key, _psk, endpoint, allowed, handshake, received, sent, keepalive = line.split("\t")
            found.append(
                {
                    "public_key": key,
                    "endpoint": None if endpoint == "(none)" else endpoint,
                    "allowed_ips": [] if allowed == "(none)" else allowed.split(","),
                    "handshake": int(handshake),
                    "received": int(received),
                    "sent": int(sent),
                    "keepalive": 0 if keepalive == "off" else int(keepalive),
                }
            )
        return found
