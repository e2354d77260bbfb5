# SPDX-License-Identifier: Apache-2.0
"""docs/install.md: its commands, in order, in a checkout of their own, with a /usr/local that nobody else sees."""

import os
import pathlib
import tempfile

import pytest
from checks import equal
from pages import check_done, commands
from sidecar import ROOT

pytestmark = pytest.mark.in_lab

PAGE = ROOT / "docs" / "install.md"
SILENT = ("mk/deps", "wgsocks_exporter --detach", "make uninstall")
SHOWN = {"git clone": "wgsocks_exporter, version ", "ls /sys": "/sys/kernel/btf/vmlinux"}
# Instead of the reader's: a source on this machine, which Git accepts although we do not own it.
PRELUDE = f"""
export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*'
URL={ROOT}
"""


def test_from_the_clone_to_the_end(lab, record_property):
    """Block by block; the blocks after the clone run in the checkout."""
    if not (ROOT / ".git").exists():
        pytest.skip("no git here, which a clone is made of")
    found = commands(PAGE)
    with tempfile.TemporaryDirectory(prefix="wgsocks-install-") as folder:
        pathlib.Path(folder, "local").mkdir()
        for block in found:
            place = "cd wgsocks_exporter\n" if pathlib.Path(folder, "wgsocks_exporter").exists() else ""
            text = block.text.replace("git clone URL", 'git clone -q "$URL"')
            script = f"mount --bind {folder}/local /usr/local\ncd {folder}\n{PRELUDE}{place}{text}"
            done = lab.proxies[0].run(["unshare", "-m", "bash", "-ec", script], env=environment(), check=False, timeout=400)
            check_done(block.lines[0], done, SILENT)
            for start, words in SHOWN.items():
                assert not block.text.startswith(start) or words in done.stdout, f"{block.text}: {done.stdout[-500:]}"
        left = [str(path) for path in pathlib.Path(folder, "local").rglob("*") if path.is_file()]
        equal(left, [], "left after make uninstall")
    record_property("note", f"{sum(len(block.lines) for block in found)} commands")


def environment():
    """Not that of a make which runs this test."""
    return {"PATH": "/usr/local/sbin:" + os.environ["PATH"], "MAKELEVEL": "", "MAKEFLAGS": "-j2", "MFLAGS": ""}
