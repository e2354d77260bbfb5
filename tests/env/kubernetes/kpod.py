# SPDX-License-Identifier: Apache-2.0
"""A proxy of the lab as a pod of the cluster, with a container for dante and one for wireguard-go.

The lab adds a second link to its network: to the clients and to the far end of the tunnel.
"""

import os
import pathlib
import shutil
import subprocess

from sockslab import kernel, wait_until
from sockslab.namespace import Namespace

NAMESPACE = "proxies"
IMAGE = "localhost/proxy:1"
# The lab says when, by a file: then the container's program takes the shell's place.
DANTE = (
    "until [ -e /lab/dante ]; do sleep 0.1; done; cp /lab/resolv.conf /etc/resolv.conf; mkdir -p "
    "/run/tmp; export TMPDIR=/run/tmp; exec danted -f /lab/danted.conf"
)
WIREGUARD = "until [ -e /lab/wireguard ]; do sleep 0.1; done; exec wireguard-go -f wg0"


def container(name, script, env, mounts):
    return {
        "name": name,
        "image": IMAGE,
        "imagePullPolicy": "Never",
        "command": ["sh", "-ec", script],
        "env": [{"name": key, "value": value} for key, value in env.items()],
        "securityContext": {"capabilities": {"add": ["NET_ADMIN"]}},
        "volumeMounts": [{"name": "lab", "mountPath": "/lab"}, *mounts],
    }


def manifest(name, lab, devices, env, beside=(), volumes=()):
    tun = {"name": "tun", "mountPath": "/dev/net/tun"}
    uapi = {"name": "wireguard", "mountPath": "/var/run/wireguard"}
    wireguard = container("wireguard", WIREGUARD, {}, [tun, uapi])
    wireguard["securityContext"]["privileged"] = False
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": {"app": "proxy"}},
        "spec": {
            "enableServiceLinks": False,
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 1,
            "restartPolicy": "Always",
            "containers": [container("dante", DANTE, env, [uapi]), wireguard, *beside],
            "volumes": [
                {"name": "lab", "hostPath": {"path": str(lab)}},
                {"name": "wireguard", "hostPath": {"path": str(devices)}},
                {"name": "tun", "hostPath": {"path": "/dev/net/tun"}},
                *volumes,
            ],
        },
    }


class KPod(Namespace):
    """Its containers wait when it is made; what the lab starts in it, it tells them to."""

    def __init__(self, cluster, pod, env, beside, volumes, name, private_files):
        self.cluster, self.pod = cluster, pod
        self.files = pathlib.Path(f"/run/lab/pod-{name}")
        self.files.mkdir(parents=True)
        for path, text in private_files.items():
            (self.files / os.path.basename(path)).write_text(text)
        devices = pathlib.Path(f"/run/lab/wireguard/{name}")
        devices.mkdir(parents=True, exist_ok=True)
        cluster.apply(manifest(pod, self.files, devices, env, beside, volumes))
        cluster.wait_pid(NAMESPACE, pod, "dante")
        cluster.wait_pid(NAMESPACE, pod, "wireguard")
        super().__init__(name, private_files)

    def make_network(self):
        pid = self.cluster.container_pid(NAMESPACE, self.pod, "dante")
        network = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
        kernel.setns(network, kernel.CLONE_NEWNET)
        os.close(network)
        # The lab calls its own link eth0; the cluster's stays, under another name.
        subprocess.run(
            ["ip", "-batch", "-"],
            input="link set eth0 down\nlink set eth0 name pod0\nlink set pod0 up\n",
            text=True,
            check=True,
        )
        pathlib.Path("/proc/sys/net/ipv6/conf/all/disable_ipv6").write_text("0")

    def popen(self, argv, env=None, *arguments, **options):
        if argv[0] == "danted":
            shutil.copyfile(f"/proc/{self.pid}/root/run/danted.conf", self.files / "danted.conf")
            (self.files / "dante").touch()
        elif argv[0] == "wireguard-go":
            (self.files / "wireguard").touch()
        else:
            return super().popen(argv, env, *arguments, **options)
        # A substitute process: the caller waits for it.
        return subprocess.Popen(["sleep", "infinity"], **options)

    def address(self):
        return self.cluster.get("pod", self.pod, "-n", NAMESPACE)["status"]["podIP"]

    def uid(self):
        return self.cluster.get("pod", self.pod, "-n", NAMESPACE)["metadata"]["uid"]


def simple(cluster, name, env):
    """A pod of dante alone, listening on its own lo."""
    script = (
        "printf 'internal: 127.0.0.1 port = 1080\\nexternal: lo\\nsocksmethod: "
        "none\\nclientmethod: none\\nclient pass { from: 0/0 to: 0/0 }\\n"
        "socks pass { from: 0/0 to: 0/0 }\\n' >/tmp/danted.conf; exec danted -f /tmp/danted.conf"
    )
    body = container("dante", script, env, [])
    body["volumeMounts"] = []
    cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": {
                "enableServiceLinks": False,
                "automountServiceAccountToken": False,
                "terminationGracePeriodSeconds": 1,
                "containers": [body],
            },
        }
    )
    wait_until(lambda: cluster.container_pid(NAMESPACE, name, "dante"), 60, name)
    return cluster.get("pod", name, "-n", NAMESPACE)["metadata"]["uid"]
