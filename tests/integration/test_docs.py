# SPDX-License-Identifier: Apache-2.0
"""README.md and docs/ are true: commands, flags, the recipe, generated parts."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import unittest.mock
import xml.dom.minidom

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]

from checks import equal
from node import mount_bpffs
from pages import commands
from sidecar import BINARY, Sidecar, fetch
from sockslab import PATIENCE, wait_until

pytestmark = pytest.mark.in_lab

README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = ROOT / "CONTRIBUTING.md"
RECIPE = " ".join(CONTRIBUTING.read_text(encoding="utf-8").split())  # however its lines are broken
INSIDE = "nsenter --net=/run/netns/golden-crab"
SIDECAR = f"PROXY_NAME=golden-crab {INSIDE} wgsocks_exporter"
CURL = (
    f"{INSIDE} curl -s http://127.0.0.1:9090/metrics",
    f"{INSIDE} curl -s 'http://127.0.0.1:9999/readyz?verbose'",
)
NODE = "wgsocks_exporter --mode=node"
PAGE = "make && docs/list-metrics >docs/metrics.md"

# The parts of build/ that make continues from, without Debian folders and Docker images.
MADE = ("bpf", "include", "objects", "userspace", "flags", "libwgsocks.a", "wgsocks_exporter")

# Each command of README.md, and the test that runs it.
COMMANDS = {
    SIDECAR: "the sidecar, below",
    CURL[0]: "the sidecar",
    CURL[1]: "the sidecar",
    NODE: "the agent, below",
}

# Blocks of CONTRIBUTING.md that another test runs.
ELSEWHERE = {
    PAGE: "the recipe, below",
    "docs/draw-data-flow >docs/data-flow.svg": "test_generated_files_are_current",
}
TO_DO = [block.text for block in commands(CONTRIBUTING) if block.text.strip() not in ELSEWHERE]


def program(*arguments):
    return subprocess.run([BINARY, *arguments], capture_output=True, text=True, check=True).stdout


def test_every_command_of_the_readme_is_run_by_a_test():
    found = [
        line.split("  #")[0].strip()
        for block in commands(ROOT / "README.md")
        for line in block.lines
    ]
    equal(sorted(found), sorted(COMMANDS), "commands")


def test_blocks_that_other_tests_run_are_in_contributing():
    equal(
        sorted(ELSEWHERE.keys() - {block.text.strip() for block in commands(CONTRIBUTING)}),
        [],
        "blocks",
    )


@pytest.mark.parametrize("text", TO_DO, ids=lambda text: text.split()[0])
def test_commands_of_contributing(text):
    """Run in this tree, which is built, with the pytest of the system."""
    text = re.sub(r"\bsudo ", "", text)
    text = re.sub(r"^pytest ", "/usr/bin/python3 -m pytest ", text, flags=re.MULTILINE)
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", text],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (
        done.returncode == 0
        and done.stdout.strip()
        and not re.search(r"^not ok|not found", done.stdout, re.MULTILINE)
    ), f"{text}: {done}"


def test_generated_files_are_current():
    for script, name in (
        ("list-metrics", "metrics.md"),
        ("draw-data-flow", "data-flow.svg"),
        ("draw-includes", "includes.svg"),
        ("draw-migration", "migration.svg"),
    ):
        made = subprocess.run(
            [ROOT / "docs" / script],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "WGSOCKS_EXPORTER": str(BINARY)},
        ).stdout
        if made != (ROOT / "docs" / name).read_text(encoding="utf-8"):
            raise AssertionError(f"docs/{name} is out of date: docs/{script} >docs/{name}")


def test_the_pictures_are_well_formed():
    for name in ("data-flow.svg", "includes.svg", "migration.svg"):
        check_picture((ROOT / "docs" / name).read_text(encoding="utf-8"))


def check_picture(text):
    width, height = map(int, re.search(r'viewBox="0 0 (\d+) (\d+)"', text).groups())
    for rect in xml.dom.minidom.parseString(text).getElementsByTagName("rect"):
        x, y, w, h = (float(rect.getAttribute(name) or 0) for name in ("x", "y", "width", "height"))
        assert 0 <= x <= x + w <= width and 0 <= y <= y + h <= height, (
            f"outside of the picture: {rect.toxml()}"
        )


def test_flags_and_variables_are_those_of_the_program():
    text = " ".join(program("--help").split())
    options = {
        flag: words
        for flag, words in re.findall(r"(?<=\s)(--[a-z][\w.-]*)(.*?\[WGSOCKS_[^\]]*\])", text)
    }
    rows = re.findall(r"^\| `(--[\w.-]+)` \| (.*?) \| (.*?) \|$", README, re.MULTILINE)
    assert len(rows) > 5, rows
    for flag, variables, default in rows:
        words = options[flag]
        named = re.search(r"\[([^\[]*)\]$", words)[1].split(", ")
        equal(sorted(re.findall(r"`(\w+)`", variables)), sorted(named), f"variables of {flag}")
        said = re.search(r"default: ([^)]*)\)", words)[1]
        if said != "discovered":
            equal(default.strip("`"), said, f"default of {flag}")
    for flag in re.findall(r"`(--[a-z][\w.-]*)", README):
        assert flag in text, f"{flag} is in README.md only"


def pins():
    return sorted(path.name for path in pathlib.Path("/sys/fs/bpf").glob("wgsocks/*/*/*"))


def test_the_sidecar_as_the_readme_starts_it(lab):
    """Word for word, with the proxy's namespace under the name that the README gives it."""
    os.symlink(f"/run/netns/{lab.proxies[0].name}", "/run/netns/golden-crab")
    environment = {
        **os.environ,
        "PATH": f"{pathlib.Path(BINARY).resolve().parent}:{os.environ['PATH']}",
    }
    command = "exec env " + SIDECAR

    def curl(number):
        return subprocess.run(
            ["sh", "-c", CURL[number]], capture_output=True, text=True, check=False
        ).stdout

    def start():
        process = subprocess.Popen(
            ["sh", "-c", command], env=environment, stderr=subprocess.DEVNULL
        )
        wait_until(
            lambda: (
                'proxy_listener_up{proxy_name="golden-crab"} 1' in curl(0)
                and 'program_up{program="underlay"} 1' in curl(0)
            ),
            20,
            "metrics of golden-crab",
        )
        return process

    process = start()
    wait_until(lambda: "readyz check passed" in curl(1), 10, "ready")
    assert "counters" in pins(), "nothing is pinned"
    process.terminate()
    process.wait(5 * PATIENCE)
    equal(pins(), [], "pins after SIGTERM")

    process = start()
    process.send_signal(signal.SIGKILL)
    process.wait(5 * PATIENCE)
    assert "counters" in pins(), "nothing is left pinned by kill -9"
    detach = ["sh", "-c", f"{INSIDE} {BINARY} --detach"]
    wait_until(
        lambda: subprocess.run(detach, stderr=subprocess.DEVNULL, check=False).returncode == 0,
        10,
        "detach",
    )
    equal(pins(), [], "pins after --detach")


def test_the_agent_as_the_readme_starts_it(lab):
    environment = {
        **os.environ,
        "PATH": f"{pathlib.Path(BINARY).resolve().parent}:{os.environ['PATH']}",
    }
    mount_bpffs()
    process = subprocess.Popen(
        ["sh", "-c", "exec " + NODE], env=environment, stderr=subprocess.DEVNULL
    )
    wait_until(
        lambda: _quietly(lambda: 'proxy_listener_up{proxy_name="' in fetch("127.0.0.1", 9090)[1]),
        20,
        "metrics of the proxy",
    )
    process.terminate()
    process.wait(5 * PATIENCE)
    assert "counters" in pins(), "SIGTERM leaves the pins"
    subprocess.run([BINARY, "--mode=node", "--detach"], check=True, capture_output=True)
    equal(pins(), [], "pins after --detach")
    subprocess.run(["umount", "/sys/fs/bpf"], check=True)


def _quietly(function):
    try:
        return function()
    except OSError:
        return False


def edit(path, pattern, replacement):
    text = path.read_text(encoding="utf-8")
    changed, count = re.subn(pattern, replacement, text, count=1)
    assert count, f"{path.name}: nothing like {pattern}"
    path.write_text(changed, encoding="utf-8")


def step(text):
    """The recipe has it exactly as used here."""
    assert text in RECIPE, f"the recipe does not say {text}"
    return text


def follow_recipe(tree):
    abi = tree / "include" / "wgsocks" / "abi.h"
    edit(abi, r"(struct proxy_counters \{\n)", r"\1\t" + step("__u64 client_adopted;") + "\n")
    edit(abi, r"(ABI_ASSERT_SIZE\(proxy_counters, )(\d+)", lambda m: f"{m[1]}{int(m[2]) + 8}")
    edit(abi, r"(#define ABI_LAYOUT )(\d+)", lambda m: f"{m[1]}{int(m[2]) + 1}")
    edit(
        tree / "bpf" / "session.h",
        r"(session_adopt\(struct(?:.|\n)*?map_insert\(&sessions, key, &new\) == "
        r"0\)\n\t\t)COUNT\(k->c->client_active\);",
        r"\1{ COUNT(k->c->client_active); " + step("COUNT(k->c->client_adopted);") + " }",
    )
    edit(
        tree / "userspace" / "lib" / "metrics" / "metrics.h",
        r"(\n)(\tX\(PROXY_CLIENT_CONNECTIONS,)",
        r"\1\t"
        + step(
            'X(PROXY_CLIENT_ADOPTED, "proxy_client_connections_adopted_total", COUNTER, "", '
            'LABELS("proxy_name"), "…")'
        )
        + r" \\\n\2",
    )
    edit(
        tree / "docs" / "witnesses",
        r"\Z",
        step(
            "proxy_client_connections_adopted_total | test_truth.py | the clients' own books | "
            "transition | 1 a proxy"
        )
        + "\n",
    )
    edit(
        tree / "userspace" / "collector" / "readers" / "requests.c",
        r"(\n)(\tsnapshot_add_unsigned\()",
        r"\1\t"
        + step(
            "snapshot_add_unsigned(to, METRIC_PROXY_CLIENT_ADOPTED, &r->name, c->client_adopted);"
        )
        + r"\n\2",
    )


def test_the_recipe_adds_a_metric(lab):
    name = "proxy_client_connections_adopted_total"
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))
    }
    with tempfile.TemporaryDirectory(prefix="wgsocks-recipe-") as folder:
        tree = pathlib.Path(folder) / "tree"
        shutil.copytree(
            ROOT,
            tree,
            symlinks=True,
            ignore=lambda path, names: [
                one
                for one in names
                if one in (".git", ".ruff_cache", "__pycache__")
                or (path == str(ROOT / "build") and one not in MADE)
            ],
        )
        follow_recipe(tree)
        subprocess.run(
            ["sh", "-ec", PAGE],
            cwd=tree,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
        assert (
            f"| `{name}` | counter |  | proxy_name | … | test_truth.py: the clients' own books | "
            f"transition; 1 a proxy |" in (tree / "docs" / "metrics.md").read_text(encoding="utf-8")
        )
        subprocess.run(
            ["make", "install", f"DESTDIR={folder}/root"],
            cwd=tree,
            env=environment,
            check=True,
            capture_output=True,
        )

        traffic = lab.traffic("3 hold")
        traffic.wait_quiet()
        with unittest.mock.patch(
            "sidecar.BINARY", f"{folder}/root/usr/local/sbin/wgsocks_exporter"
        ):
            sidecar = Sidecar(lab.proxies[0], "new", stderr=subprocess.DEVNULL)
        wait_until(
            lambda: sidecar.scrape().sum(name) == 3, 10, "the three connections that were open"
        )
        traffic.finish()
        sidecar.stop()
