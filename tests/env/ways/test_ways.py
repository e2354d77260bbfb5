# SPDX-License-Identifier: Apache-2.0
"""The installations of README.md and docs/install.md, word for word.

Each runs in a fresh Debian with make and git. `run` lists the requirements.
"""

import os
import pathlib
import subprocess

import pytest
from checks import equal
from pages import blocks

ROOT = pathlib.Path(__file__).resolve().parents[3]
FOLDER = os.environ.get("WAYS_FOLDER")  # a Debian
pytestmark = pytest.mark.timeout(1800)
PAGES = (ROOT / "README.md", ROOT / "docs" / "install.md")
CHECKOUT = "git clone -q /source wgsocks_exporter && cd wgsocks_exporter\n"
# A network without anything but what the way itself makes: ports are free, and nobody else's
# proxies are seen.
ALONE = "exec unshare --net bash -euo pipefail <<'END'\nip link set lo up\n"
ASK = r"""
exporter=$!
ask() { for _ in $(seq 300); do "$@" && return; kill -0 $exporter; sleep 0.1; done; return 1; }
"""
DANTE = r"""
cat >/tmp/danted.conf <<'CONF'
internal: 127.0.0.1 port = 1080
external: lo
socksmethod: none
clientmethod: none
user.privileged: root
user.unprivileged: nobody
client pass { from: 0/0 to: 0/0 }
socks pass { from: 0/0 to: 0/0 }
CONF
ip netns exec golden-crab env PROXY_NAME=golden-crab danted -D -f /tmp/danted.conf
"""


def told(word):
    """The first line of the pages that has the word, without its comment."""
    found = [
        line.split("  #")[0].strip()
        for page in PAGES
        for block in blocks(page)
        if block.language == "sh"
        for line in block.lines
        if word in line
    ]
    assert found, f"no page has a command with {word}"
    return found[0]


def inside(script, limit):
    done = subprocess.run(
        [ROOT / "tests" / "env" / "ways" / "inside", FOLDER, script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=limit,
        check=False,
    )
    equal(done.returncode, 0, f"{script}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}\nstatus")
    return done.stdout


def install():
    """Install from the sources, and start a SOCKS server to watch."""
    return CHECKOUT + told("make install") + "\napt-get install -qq dante-server >/dev/null\n"


def test_demo(record_property):
    said = inside(CHECKOUT + told("make demo ONCE=1") + "\nls build/demo", 1500)
    equal("golden-crab" in said and "differs" not in said, True, said[-2000:])
    record_property("note", said.splitlines()[-1])


def watch(before, command, after, place=""):
    """Runs the page's command, and asks it for the proxy."""
    said = inside(
        f"""{install()}{ALONE}{before}
{command} &
{ASK}
ask {place}curl -fsS http://127.0.0.1:9999/livez
{after}
ask {place}bash -c 'curl -fsS http://127.0.0.1:9090/metrics | grep "^proxy_listener_up.* 1$"'
kill $exporter
wait $exporter || true
END
""",
        900,
    )
    equal('proxy_listener_up{proxy_name="golden-crab"} 1' in said, True, said[-2000:])


NAMESPACE = "ip netns add golden-crab\nip -n golden-crab link set lo up\n"


def test_sidecar():
    watch(NAMESPACE, told("nsenter --net"), DANTE, "ip netns exec golden-crab ")


def test_node():
    watch("", told("--mode=node"), NAMESPACE + DANTE)


def test_package():
    said = inside(
        CHECKOUT
        + "\n".join(
            [
                told("make deb"),
                told("build/deb/"),
                "wgsocks_exporter --version",
                "man -w wgsocks_exporter || true",
            ]
        ),
        900,
    )
    equal("wgsocks_exporter, version" in said, True, said[-2000:])
