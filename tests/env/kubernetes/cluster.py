# SPDX-License-Identifier: Apache-2.0
"""The cluster from a test's side: kubectl, helm, images of folders, containers' processes."""

import hashlib
import json
import os
import pathlib
import subprocess
import tarfile
import tempfile

from sockslab import wait_until

ROOT = pathlib.Path(__file__).resolve().parents[3]
BIN = ROOT / "build" / "kubernetes" / "bin"
HELM = ROOT / "build" / "chart-tools" / "helm"
RUN = pathlib.Path("/run/kubernetes")
ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
PATHS = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def write_image(target, folder, name, command):
    """A Docker archive of one layer."""
    with tempfile.TemporaryDirectory() as work:
        layer = pathlib.Path(work, "layer.tar")
        subprocess.run(
            [
                "tar",
                "-C",
                folder,
                "--numeric-owner",
                "--owner=0",
                "--group=0",
                "--one-file-system",
                "--exclude=./made-of",
                "-cf",
                layer,
                ".",
            ],
            check=True,
        )
        digest = hashlib.sha256(layer.read_bytes()).hexdigest()
        config = {
            "architecture": ARCHITECTURE,
            "os": "linux",
            "config": {"Entrypoint": command, "Env": [PATHS]},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
        }
        pathlib.Path(work, "config.json").write_text(json.dumps(config))
        pathlib.Path(work, "manifest.json").write_text(
            json.dumps([{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}])
        )
        with tarfile.open(target, "w") as tar:
            for part in ("manifest.json", "config.json", "layer.tar"):
                tar.add(f"{work}/{part}", part)


class Cluster:
    def __init__(self):
        self.environment = {
            **os.environ,
            "KUBECONFIG": str(RUN / "kubeconfig"),
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "HOME": str(RUN),
        }
        done = subprocess.run(
            [ROOT / "tests/env/kubernetes/cluster", BIN, RUN],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, f"no cluster: {done.stdout[-3000:]}{done.stderr[-1000:]}"

    def run(self, *argv, check=True, timeout=180, **options):
        done = subprocess.run(
            list(map(str, argv)),
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            **options,
        )
        if check and done.returncode:
            raise AssertionError(f"{' '.join(map(str, argv))}: {done.stderr or done.stdout}")
        return done.stdout

    def kubectl(self, *arguments, **options):
        return self.run("kubectl", *arguments, **options)

    def helm(self, *arguments, **options):
        return self.run(HELM, *arguments, **options)

    def ctr(self, *arguments, **options):
        return self.run("ctr", "-a", RUN / "containerd.sock", "-n", "k8s.io", *arguments, **options)

    def get(self, *arguments):
        return json.loads(self.kubectl("get", *arguments, "-o", "json"))

    def apply(self, thing):
        self.kubectl("apply", "-f", "-", input=json.dumps(thing))

    def image(self, folder, name, command=()):
        with tempfile.NamedTemporaryFile(suffix=".tar", dir=RUN) as file:
            write_image(file.name, folder, name, list(command))
            self.ctr("images", "import", file.name)

    def pod(self, namespace, *selector):
        """The only pod that is not being deleted, or None."""
        found = [
            pod
            for pod in self.get("pods", "-n", namespace, *selector)["items"]
            if not pod["metadata"].get("deletionTimestamp")
        ]
        return found[0] if len(found) == 1 else None

    def container_pid(self, namespace, pod, container):
        """Its first process, as the node knows it; None while there is none."""
        statuses = self.get("pod", pod, "-n", namespace)["status"].get("containerStatuses", [])
        wanted = next(
            (
                status.get("containerID", "").removeprefix("containerd://")
                for status in statuses
                if status["name"] == container
            ),
            "",
        )
        lines = [line.split() for line in self.ctr("tasks", "ls").splitlines()]
        return next(
            (
                int(line[1])
                for line in lines
                if wanted and line[0] == wanted and line[2] == "RUNNING"
            ),
            None,
        )

    def wait_pid(self, namespace, pod, container, timeout=60):
        return wait_until(
            lambda: self.container_pid(namespace, pod, container),
            timeout,
            f"{pod}'s container {container}",
        )

    def restarts(self, pod):
        return {
            status["name"]: status["restartCount"] for status in pod["status"]["containerStatuses"]
        }

    def unhealthy(self, namespace):
        """Messages of failed probes.

        Events of deleted pods do not count: kubelet probes a pod until it is gone.
        """
        here = {pod["metadata"]["uid"] for pod in self.get("pods", "-n", namespace)["items"]}
        return [
            event["message"]
            for event in self.get("events", "-n", namespace)["items"]
            if event["reason"] == "Unhealthy"
            and (
                event["involvedObject"]["uid"] in here
                or not event["message"].startswith("Readiness")
            )
        ]
