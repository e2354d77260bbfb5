# SPDX-License-Identifier: Apache-2.0
"""The project's own files: workflows, release notes, version, licences."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import pytest
from checks import equal

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def run(*argv, cwd=ROOT, check=True):
    result = subprocess.run(argv, cwd=cwd, capture_output=True, text=True, check=False)
    if check and result.returncode:
        raise AssertionError(f"{' '.join(argv)}: {result.stderr or result.stdout}")
    return result


def tracked():
    return run("git", "-c", "safe.directory=*", "ls-files").stdout.splitlines()


def test_workflows_use_existing_targets():
    targets = set(
        re.findall(
            r"^([a-z0-9-]+):",
            "".join(path.read_text() for path in (ROOT / "Makefile", *(ROOT / "mk").glob("*.mk"))),
            re.MULTILINE,
        )
    )
    for path in WORKFLOWS:
        text = path.read_text()
        for target in re.findall(r"(?:run: |^ +)make ([a-z0-9-]+)$", text, re.MULTILINE):
            assert target in targets, f"{path.name}: make {target}"
        for script in re.findall(r"(?:run: |^ +)((?:\.ci|mk|tests)/[\w-]+)", text, re.MULTILINE):
            assert os.access(ROOT / script, os.X_OK), f"{path.name}: {script}"


def test_workflows_are_well_formed(record_property):
    tool = shutil.which("actionlint")
    if tool:
        run(tool, *map(str, WORKFLOWS))
        record_property("note", "actionlint")
        return
    try:
        import yaml
    except ImportError:
        pytest.skip("neither actionlint nor a Python that reads YAML")
    for path in WORKFLOWS:
        jobs = yaml.safe_load(path.read_text())["jobs"]
        for name, job in jobs.items():
            needs = job.get("needs", [])
            equal(
                set([needs] if isinstance(needs, str) else needs) - set(jobs),
                set(),
                f"{path.name}, {name}: needs",
            )
            assert "uses" in job or all(
                ("run" in step) != ("uses" in step) for step in job["steps"]
            ), f"{path.name}, {name}"
    record_property("note", "YAML only: no actionlint here")


def test_the_version_is_in_one_place():
    version = (ROOT / "VERSION").read_text().strip()
    assert re.fullmatch(r"\d+\.\d+\.\d+", version), version
    equal(run("build/wgsocks_exporter", "--version").stdout.split()[2:3], [version], "--version")
    headings = re.findall(
        r"^## ([\d.]+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    equal(headings[:1], [version], "the newest of CHANGELOG.md")


def test_notes_of_a_release():
    with tempfile.TemporaryDirectory() as folder:
        tree = pathlib.Path(folder)
        (tree / "mk").mkdir()
        shutil.copy(ROOT / "mk" / "release-notes", tree / "mk")
        git = ("git", "-c", "user.name=a", "-c", "user.email=a@b")
        run("git", "init", "-q", cwd=folder)

        def release(version, *subjects):
            (tree / "VERSION").write_text(f"{version}\n")
            for subject in subjects:
                run(*git, "commit", "-q", "--allow-empty", "-m", subject, cwd=folder)

        (tree / "CHANGELOG.md").write_text(
            "# Changes\n\n## 1.1.0\n\n- What is new.\n\n## 1.0.0\n\n- The first.\n"
        )
        release("1.0.0", "One", "Two")
        first = run("mk/release-notes", "v1.0.0", cwd=folder).stdout
        assert first.startswith("\n- The first.") and "- One (" in first and "- Two (" in first, (
            first
        )
        run(*git, "tag", "v1.0.0", cwd=folder)
        release("1.1.0", "Three")
        run(*git, "tag", "v1.1.0", cwd=folder)
        second = run("mk/release-notes", "v1.1.0", cwd=folder).stdout
        assert "- What is new." in second and "since v1.0.0" in second and "- Three (" in second, (
            second
        )
        assert "Two" not in second and "The first" not in second, second
        for tag, why in (("v1.0.0", "VERSION says 1.1.0"), ("v2.0.0", "VERSION says 1.1.0")):
            refused = run("mk/release-notes", tag, cwd=folder, check=False)
            assert refused.returncode == 1 and why in refused.stderr, refused
        release("1.2.0")
        refused = run("mk/release-notes", "v1.2.0", cwd=folder, check=False)
        assert refused.returncode == 1 and "nothing about 1.2.0" in refused.stderr, refused


def test_each_licence_has_its_text():
    texts = {
        "Apache-2.0": "LICENSE",
        "GPL-2.0-only": "LICENSES/GPL-2.0-only.txt",
        "BSD-2-Clause": "LICENSES/BSD-2-Clause.txt",
    }
    starts = {
        "Apache-2.0": "Apache License",
        "GPL-2.0-only": "GNU GENERAL PUBLIC LICENSE",
        "BSD-2-Clause": "Redistribution and use",
    }
    named = set()
    for name in tracked():
        path = ROOT / name
        if path.is_file() and not name.startswith(("tests/fuzz/corpus/", "tests/fixtures/")):
            head = path.read_bytes()[:400].decode(errors="replace")
            for expression in re.findall(
                r"^\W*SPDX-License-Identifier: ([\w. -]+?)(?: \*/| -->)?$", head, re.MULTILINE
            ):
                named |= set(expression.split(" OR "))
    equal(named, set(texts), "licences that files name")
    for licence, name in texts.items():
        assert starts[licence] in (ROOT / name).read_text(encoding="utf-8"), name


def test_includes_have_no_cycle():
    run("docs/draw-includes", "--check", "build")


@pytest.mark.parametrize(
    ("file", "include", "why"),
    [
        ("web/web.c", "health/answer.h", "belongs to another process"),
        ("lib/text/text.h", "lib/log/log.h", "headers in a cycle: lib/log/log.h"),
        (
            "collector/discovery/netns.c",
            "collector/kernel/kernel.h",
            "folders in a cycle: collector/attach, collector/discovery, collector/kernel",
        ),
        ("web/page/page.c", "view.h", "is not a path below userspace/"),
    ],
)
def test_the_check_of_includes_finds(file, include, why, tmp_path):
    shutil.copytree(ROOT / "userspace", tmp_path / "userspace")
    shutil.copytree(ROOT / "include", tmp_path / "include")
    (tmp_path / "docs").mkdir()
    shutil.copy(ROOT / "docs" / "draw-includes", tmp_path / "docs")
    path = tmp_path / "userspace" / file
    path.write_text(path.read_text().replace("#include", f'#include "{include}"\n#include', 1))
    if why.startswith("headers"):
        other = tmp_path / "userspace" / include
        other.write_text(other.read_text().replace("#include", f'#include "{file}"\n#include', 1))
    found = run("docs/draw-includes", "--check", cwd=tmp_path, check=False)
    assert found.returncode == 1 and why in found.stdout, found


def test_seeds_of_the_fuzzers_are_current(tmp_path):
    """They hold ids of metrics, which change with the table."""

    def seeds(folder):
        return {
            str(path.relative_to(folder)): path.read_bytes()
            for path in folder.glob("*/*")
            if not path.name.startswith("found-")
        }

    run("tests/fuzz/make-seeds", str(tmp_path))
    kept, made = seeds(ROOT / "tests" / "fuzz" / "corpus"), seeds(tmp_path)
    equal(
        [name for name in sorted(kept.keys() | made.keys()) if kept.get(name) != made.get(name)],
        [],
        "other seeds: run tests/fuzz/make-seeds",
    )


def test_pages_name_the_folder_of_this_layout():
    layout = re.search(
        r"^#define ABI_LAYOUT (\d+)$",
        (ROOT / "include/wgsocks/abi.h").read_text(encoding="utf-8"),
        re.MULTILINE,
    )[1]
    pages = {
        name: set(re.findall(r"wgsocks/v(\d+)", (ROOT / name).read_text(encoding="utf-8")))
        for name in tracked()
        if name.endswith(".md")
    }
    named = {name: layouts for name, layouts in pages.items() if layouts}
    assert named, "no page names a folder"
    equal(named, {name: {layout} for name in named}, "layouts in paths of pins")
