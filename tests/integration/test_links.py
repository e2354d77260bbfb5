# SPDX-License-Identifier: Apache-2.0
"""The links of the pages work: in the tree, and where `make install` puts them."""

import pathlib
import re
import subprocess

import pytest
from checks import equal
from pages import ROOT, broken_links

PATH = re.compile(r"`([\w./*-]+/[\w./*-]*)`")
# Paths that a page may name although no tree has them.
ELSEWHERE = {"/sys/fs/bpf/wgsocks", "/var/log", "/var/log/pods", "/var/run/wireguard", "/proc"}


def tracked():
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "*.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("no git here, which knows the files")
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).exists()]


def test_links_in_the_tree(record_property):
    pages = tracked()
    equal(broken_links(pages), [], "links that lead nowhere")
    record_property("note", f"{len(pages)} pages")


def test_links_as_installed(tmp_path, record_property):
    subprocess.run(
        ["make", "-s", "install", f"DESTDIR={tmp_path}", "PREFIX=/usr"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    pages = sorted(tmp_path.rglob("*.md"))
    assert len(pages) > 30, pages
    equal(broken_links(pages), [], "links that lead nowhere")
    record_property("note", f"{len(pages)} pages")


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "SECURITY.md"])
def test_paths_are_the_trees(name):
    for path in PATH.findall((ROOT / name).read_text(encoding="utf-8")):
        if path not in ELSEWHERE and not pathlib.Path(path).is_absolute():
            assert list(ROOT.glob(path)), f"{name}: {path}"
