# SPDX-License-Identifier: Apache-2.0
"""The image, on a base that debootstrap builds: its content, and its counts next to real containers
of dante and wireguard-go.

`run` lists the requirements.
"""

import functools
import gzip
import json
import os
import pathlib
import platform
import signal
import subprocess
import tarfile
import tempfile

import pytest
from busy import Busy, rises
from checks import equal
from engine import Engine
from node import Node, check_views, mount_bpffs
from pod import Pod
from refused import refused
from sidecar import Sidecar, join_underlay
from sockslab import Lab, wait_until
from truth import Before, check_all, settle

ROOT = pathlib.Path(__file__).resolve().parents[3]
pytestmark = [
    pytest.mark.in_lab,
    pytest.mark.in_order,
    pytest.mark.timeout(900),
    pytest.mark.skipif(bool(refused()), reason=f"this machine refuses BPF ({refused()})"),
]
BASE, PROXY = (os.environ.get(name) for name in ("IMAGE_BASE", "IMAGE_PROXY"))  # folders of Debian


@pytest.fixture(scope="module")
def world():
    mount_bpffs()
    with Engine() as engine:
        pods = functools.partial(Pod, engine, "wgsocks-proxy")
        with Lab(
            proxies=PROXIES,
            connect_timeout=4,
            namespace=lambda index: pods,
            dante_env=lambda index: {"PROXY_NAME": f"crab-{index}"},
        ) as lab:
            join_underlay()
            yield World(engine, lab)


LIMIT = 60_000_000  # bytes, "≤60 MB compressed"
VERSION = (ROOT / "VERSION").read_text().strip()
IMAGE, OTHER = f"wgsocks_exporter:{VERSION}", "wgsocks_exporter:other"
PROXIES = 2
# Engines before 23 know no CAP_BPF and no CAP_PERFMON; SYS_ADMIN stands for both then.
SIDECAR = ("NET_ADMIN", "SETUID", "SETGID", "SETPCAP", "KILL")
NODE = (*SIDECAR, "SYS_ADMIN", "SYS_PTRACE", "DAC_READ_SEARCH", "NET_BROADCAST")


class Agent(Node):
    """The agent in a container; the engine restarts it when it dies."""

    def __init__(self, engine, image):
        self.engine = engine
        self.create(image)
        self.wait_watched(PROXIES)

    def create(self, image):
        self.engine.run(
            "run",
            "--detach",
            "--name=agent",
            "--restart=always",
            "--pid=host",
            "--network=host",
            "--read-only",
            "--cap-drop=ALL",
            *(f"--cap-add={name}" for name in NODE),
            "--security-opt=apparmor=unconfined",
            "--volume=/sys/fs/bpf:/sys/fs/bpf",
            image,
            "--mode=node",
        )

    def replace(self, image):
        self.engine.run("stop", "agent")
        self.engine.run("rm", "agent")
        self.create(image)

    def pid(self):
        return self.engine.pid("agent")


class Beside(Sidecar):
    """The exporter as one more container of a pod."""

    def __init__(self, engine, proxy, name):
        self.engine, self.proxy, self.name = engine, proxy, name
        rights = ("BPF", "PERFMON") if knows_bpf(engine) else ("SYS_ADMIN",)
        engine.run(
            "run",
            "--detach",
            f"--name=exporter-{name}",
            "--restart=always",
            *proxy.ns.run_options(),
            "--read-only",
            "--cap-drop=ALL",
            *(f"--cap-add={right}" for right in (*SIDECAR, *rights)),
            "--volume=/sys/fs/bpf:/sys/fs/bpf",
            f"--env=PROXY_NAME={name}",
            "--env=SOCKS5_PORT=1080",
            IMAGE,
        )
        self.wait_ready()

    def pid(self):
        return self.engine.pid(f"exporter-{self.name}")


@functools.cache
def knows_bpf(engine):
    return int(engine.run("version", "--format={{.Server.Version}}").stdout.split(".")[0]) >= 23


class World:
    def __init__(self, engine, lab):
        self.engine, self.lab = engine, lab
        self.agent = None

    def count(self, views, change, node):
        """Run traffic meanwhile: every count equals those of the clients and the kernel."""
        befores = [Before(view) for view in views]
        busy = Busy(self.lab)
        try:
            before = node.scrape().sum("proxy_requests_total")
            rises(node, before + 100)
            change()
            rises(node, before + 400)
        finally:
            tally = busy.finish()
        check_views(views, befores, tally)
        return f"{tally['requests_total']} requests"

    def agent_count(self, change):
        self.agent = self.agent or Agent(self.engine, IMAGE)
        return self.count(
            [self.agent.view(proxy, f"crab-{proxy.index}") for proxy in self.lab.proxies],
            change,
            self.agent,
        )


def test_its_labels_say_what_it_is(world):
    about = world.engine.inspect(IMAGE)
    labels = about["Config"]["Labels"]
    said = world.engine.run("run", "--rm", "--network=none", IMAGE, "--version").stdout
    equal(labels["org.opencontainers.image.version"], VERSION)
    equal(
        f"version {VERSION} (revision {labels['org.opencontainers.image.revision']})" in said,
        True,
        said,
    )
    equal(
        (about["Os"], about["Architecture"]),
        ("linux", {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]),
    )


def test_it_holds_the_program_and_its_libraries(world, record_property):
    with tempfile.TemporaryDirectory() as folder:
        name = pathlib.Path(folder, "image.tar")
        world.engine.run("save", "-o", name, IMAGE)
        size = len(gzip.compress(name.read_bytes(), 6))
        equal(size <= LIMIT, True, f"{size} bytes compressed")
        world.engine.run("create", "--name=content", IMAGE)
        world.engine.run("export", "-o", name, "content")
        world.engine.run("rm", "content")
        with tarfile.open(name) as tar:
            files = {member.name for member in tar if member.isfile()}
            sbom = json.load(tar.extractfile("usr/share/doc/wgsocks_exporter/sbom.spdx.json"))
    programs = {path for path in files if "/sbin/" in f"/{path}" or "/bin/" in f"/{path}"}
    equal(programs, {"usr/sbin/wgsocks_exporter"}, "programs")
    listed = {each["name"] for each in sbom["packages"]} - {"wgsocks_exporter"}
    equal(
        {path.split("/")[3] for path in files if path.endswith("/copyright")},
        listed,
        "licences and the SBOM's packages",
    )
    equal(
        {"libc6", "libbpf1", "libgnutls30"} <= {name.removesuffix("t64") for name in listed},
        True,
        str(listed),
    )
    # Of this machine's Debian: who has each library, says its dpkg.
    libraries = sorted(f"/{path}" for path in files if ".so" in path)
    owners = {
        path: subprocess.run(
            ["dpkg", "-S", os.path.realpath(path), path],
            capture_output=True,
            text=True,
            check=False,
        ).stdout.split(":")[0]
        for path in libraries
    }
    equal(
        {path: name for path, name in owners.items() if name not in listed},
        {},
        "libraries of packages that the SBOM does not have",
    )
    equal(listed - set(owners.values()), set(), "packages of the SBOM without a library")
    have = subprocess.run(
        ["chroot", BASE, "apt-cache", "policy", "libc6"], capture_output=True, text=True, check=True
    ).stdout
    version = next(each["versionInfo"] for each in sbom["packages"] if each["name"] == "libc6")
    equal(version in have, True, f"libc6 {version}")
    record_property("note", f"{size / 1e6:.1f} MB compressed, {len(listed)} packages in its SBOM")


def test_sidecar_of_real_containers(world, record_property):
    sidecars = [Beside(world.engine, proxy, f"crab-{proxy.index}") for proxy in world.lab.proxies]
    befores = [Before(sidecar) for sidecar in sidecars]
    tally = world.lab.traffic(
        "300 connect", "40 refused", "30 transfer", "20 connect socks=4", "20 abort", seed=5
    ).finish()
    for sidecar in sidecars:
        settle(sidecar)
    check_all(befores, tally)
    for sidecar in sidecars:
        equal(
            sidecar.scrape().find("vpn_tunnel_state", state="up", interface="wg0")[0][2],
            1,
            "the tunnel, asked of wireguard-go",
        )
    first = sidecars[0]

    def kill():
        pid = first.pid()
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: first.pid() not in (0, pid) and first.ready(), 20, "another one")

    first.try_scrape = first.ready
    note = world.count(sidecars, kill, first)
    for sidecar in sidecars:  # on SIGTERM it removes everything
        world.engine.run("stop", f"exporter-{sidecar.name}")
        world.engine.run("rm", f"exporter-{sidecar.name}")
    record_property("note", note)


def test_agent_killed(world, record_property):
    world.agent_count(lambda: None)
    pid = world.agent.pid()

    def kill():
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: world.agent.pid() not in (0, pid), 20, "another agent")
        world.agent.wait_watched(PROXIES)

    record_property("note", world.agent_count(kill))


def test_agent_restarted(world, record_property):
    def restart():
        world.engine.run("restart", "agent")
        world.agent.wait_watched(PROXIES)

    record_property("note", world.agent_count(restart))


def test_agent_replaced_by_another_image(world, record_property):
    def upgrade():
        world.agent.replace(OTHER)
        world.agent.wait_watched(PROXIES)

    note = world.agent_count(upgrade)
    equal(world.engine.inspect("agent")["Config"]["Image"], OTHER)
    record_property("note", note)


def test_detach_leaves_nothing(world):
    world.engine.run("stop", "agent")
    world.engine.run("rm", "agent")
    world.engine.run(
        "run",
        "--rm",
        "--pid=host",
        "--network=host",
        "--read-only",
        "--cap-drop=ALL",
        *(f"--cap-add={name}" for name in NODE),
        "--volume=/sys/fs/bpf:/sys/fs/bpf",
        IMAGE,
        "--detach",
        "--mode=node",
    )
    left = [
        name
        for _, _, names in os.walk("/sys/fs/bpf")
        for name in names
        if not name.endswith(".debug")
    ]
    equal(left, [], "pins")


def outside():
    """Both images: with the network of the machine, which has Debian's packages."""
    with Engine() as engine:
        engine.import_folder(BASE, "wgsocks-base")
        engine.import_folder(PROXY, "wgsocks-proxy")
        done = subprocess.run(
            ["mk/image", "--network=host"],
            cwd=ROOT,
            env={**engine.environment, "BASE": "wgsocks-base", "DOCKER": engine.command()[0]},
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        assert done.returncode == 0 and done.stdout.split() == [IMAGE], (
            f"{done.stdout[-3000:]}{done.stderr[-3000:]}"
        )
        with tempfile.TemporaryDirectory() as folder:
            # Of the same sources, with other programs: slower inside.
            subprocess.run(
                ["strip", "-o", f"{folder}/wgsocks_exporter", ROOT / "build/slow/wgsocks_exporter"],
                check=True,
            )
            pathlib.Path(folder, "Dockerfile").write_text(
                f"FROM {IMAGE}\nCOPY wgsocks_exporter /usr/sbin/\n"
            )
            engine.run("build", "-t", OTHER, folder)
