# SPDX-License-Identifier: Apache-2.0
"""tests/run and the namespaces plugin, with generated suites: each fault of a suite must end as a
failure with a name.
"""

import os
import pathlib
import shutil
import signal
import subprocess
import time

import pytest
from sockslab import PATIENCE, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests"


class Tree:
    """A tree with only the runner and the suites of one test."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "tests/bpf").mkdir(parents=True)
        shutil.copy(TESTS / "run", folder / "tests/run")
        (folder / "tests/skips.allowed").write_text("# none\n")

    def suite(self, name, script):
        path = self.folder / "tests/bpf" / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def python(self, name, text):
        """Add a pytest module, and the files that pytest needs."""
        folder = self.folder / "tests/integration"
        if not folder.exists():
            shutil.copy(ROOT / ".pytest.ini", self.folder)
            shutil.copy(TESTS / "conftest.py", self.folder / "tests")
            for part in ("lab", "integration"):
                (self.folder / "tests" / part).mkdir()
                for path in (TESTS / part).glob("*"):
                    if not path.name.startswith("test_"):
                        (self.folder / "tests" / part / path.name).symlink_to(path)
        (folder / f"test_{name}.py").write_text(f"import os\nimport pytest\n{text}")

    def run(self, *arguments, ci=False, kinds=("bpf",), more=None):
        environment = {
            "PATH": os.environ["PATH"],
            "CI": "true" if ci else "",
            "MARK": str(self.folder / "mark"),
            **(more or {}),
        }
        command = [self.folder / "tests/run", *(f"--kind={kind}" for kind in kinds), *arguments]
        result = subprocess.run(
            command,
            env=environment,
            capture_output=True,
            text=True,
            timeout=100 * PATIENCE,
            check=False,
        )
        return result.returncode, result.stdout

    def expect(self, last, *parts, arguments=(), status=0, **how):
        code, output = self.run(*arguments, **how)
        assert output.splitlines()[-1] == last, output
        assert code == status, f"exit status {code}"
        for part in parts:
            assert part in output, f"{part!r} is not in {output}"
        return output


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path)


def test_sums(tree):
    tree.suite("a", "echo 'ok one'; echo 'ok two'; echo noise; echo 'skip three: no kernel'")
    tree.suite("b", "echo 'ok four'")
    tree.expect("3 passed, 0 failed, 1 skipped", "bpf/a: three: no kernel")
    tree.expect("1 passed, 0 failed, 0 skipped", arguments=["bpf/b"])


def test_suites_run_side_by_side(tree):
    """Each waits until the other has started."""
    for one, other in ("ab", "ba"):
        tree.suite(
            one,
            f"touch $MARK.{one}; until [ -e $MARK.{other} ]; do sleep 0.05; done; echo 'ok one'",
        )
    tree.expect("2 passed, 0 failed, 0 skipped", arguments=["--jobs", "2", "--limit", "20"])


def test_a_failure_shows_its_output(tree):
    tree.suite("a", "echo clue; echo 'ok one'; echo 'not ok two: it broke'; exit 1")
    tree.expect("1 passed, 1 failed, 0 skipped", "    clue\n", "bpf/a: two: it broke", status=1)


def test_no_result_is_a_failure(tree):
    tree.suite("silent", "exit 0")
    tree.suite("noise", "echo okay, all well")
    tree.expect("0 passed, 2 failed, 0 skipped", "bpf/silent: the suite: no result", status=1)


def test_a_bad_end_is_a_failure(tree):
    tree.suite("status", "echo 'ok one'; exit 3")
    tree.suite("crash", "echo 'ok one'; kill -SEGV $$")
    tree.suite("missing", "echo 'ok one'")
    (tree.folder / "tests/bpf/missing").write_text("#!/no/such/shell\n")
    tree.expect(
        "2 passed, 3 failed, 0 skipped",
        "exit status 3",
        "died of SIGSEGV",
        "exit status 127",
        status=1,
    )


def test_a_hang_is_a_failure_and_is_ended(tree):
    tree.suite(
        "hang",
        "echo 'ok one'; (trap '' TERM; while :; do sleep 0.05; echo $$ >$MARK; done) & trap '' "
        "TERM; wait",
    )
    output = tree.expect(
        "1 passed, 1 failed, 0 skipped",
        "not done after 0.5 s",
        arguments=["--limit", "0.5"],
        status=1,
    )
    assert "bpf/hang" in output
    # A remaining process would continue to write the mark.
    mark = tree.folder / "mark"
    written = mark.stat().st_mtime_ns
    deadline = time.monotonic() + 1
    while time.monotonic() < deadline:
        assert mark.stat().st_mtime_ns == written, "a process of the suite goes on"
        time.sleep(0.05)


def test_an_interrupt_ends_every_suite(tree):
    for name in "ab":
        tree.suite(name, f"echo $$ >$MARK.{name}; sleep 100 & wait")
    process = subprocess.Popen(
        [tree.folder / "tests/run", "--kind=bpf", "--jobs=2"],
        env={"PATH": os.environ["PATH"], "MARK": str(tree.folder / "mark")},
        stdout=subprocess.DEVNULL,
    )
    marks = [tree.folder / f"mark.{name}" for name in "ab"]
    pids = wait_until(
        lambda: (
            all(mark.exists() and mark.read_text() for mark in marks)
            and [int(mark.read_text()) for mark in marks]
        ),
        20,
        "both suites",
    )
    process.send_signal(signal.SIGINT)
    assert process.wait(30 * PATIENCE) == 130
    assert not [pid for pid in pids if pathlib.Path(f"/proc/{pid}").exists()]


def test_a_skip_in_ci_is_a_failure_unless_allowed(tree):
    tree.suite("a", "echo 'ok one'; echo 'skip two: no kernel'")
    tree.expect("1 passed, 1 failed, 0 skipped", "does not allow", status=1, ci=True)
    (tree.folder / "tests/skips.allowed").write_text("bpf/a: two: no *\n")
    tree.expect("1 passed, 0 failed, 1 skipped", ci=True)


def test_nothing_run_is_a_failure(tree):
    tree.expect("0 passed, 0 failed, 0 skipped", status=1)


def test_lines_and_words(tree):
    tree.suite("a", 'for word; do echo "ok $word"; done; echo "not ok two: it broke"')
    tree.expect(
        "2 passed, 1 failed, 0 skipped",
        "ok bpf/a, one\n",
        "ok bpf/a, more words\n",
        "not ok bpf/a, two: it broke\n",
        arguments=["--lines", "bpf/a=one,more words"],
        status=1,
    )
    tree.suite("a", "exit 3")
    tree.expect(
        "0 passed, 1 failed, 0 skipped",
        "not ok bpf/a, the suite: no result",
        arguments=["--lines"],
        status=1,
    )


def test_a_machine_without_BPF_leaves_it_to_the_virtual_one(tree):
    for name in ("env/kernels", "lab"):
        (tree.folder / "tests" / name).mkdir(parents=True)
    shutil.copy(TESTS / "lab/refused.py", tree.folder / "tests/lab")
    tree.suite("a", "echo 'ok here'")
    machine = tree.folder / "tests/env/kernels/run"
    machine.write_text(
        '#!/bin/sh\necho "ok bpf/a, in the $KERNELS_FORM form"\necho "not ok bpf/b, two: it '
        'broke"\n'
    )
    machine.chmod(0o755)
    output = tree.expect(
        "1 passed, 1 failed, 0 skipped",
        "This machine refuses BPF (WGSOCKS_NO_BPF=1): ",
        "kernels/6.1: bpf/b, two: it broke",
        status=1,
        kinds=("bpf", "kernels"),
        more={"WGSOCKS_NO_BPF": "1"},
    )
    assert "ok   bpf/a" not in output and output.count("refuses") == 1, output


PYTHON = """
def test_good(): pass
def test_bad(): assert "a clue" == 3
def test_skipped(): pytest.skip("no kernel")
@pytest.mark.alone("for the runner's sake")
def test_alone(): pass
"""
# The third test kills the process of its module; later tests get a new one.
NAMESPACES = """
pytestmark = pytest.mark.in_netns
@pytest.fixture(scope="module")
def pid():
    print("made")
    yield os.getpid()
def test_own(pid): assert os.listdir("/sys/class/net") != [] and os.getpid() == pid
def test_same(pid): assert os.getpid() == pid
def test_dies(pid): os.kill(pid, 9)
def test_goes_on(pid): assert os.getpid() == pid
def test_exits(pid): os._exit(3)
"""


def test_pytest_is_summed_up(tree):
    tree.python("a", PYTHON)
    how = {"kinds": ("integration",), "status": 1}
    tree.expect(
        "2 passed, 1 failed, 1 skipped",
        "a clue",
        "integration/test_a.py::test_skipped: no kernel",
        "ok   pytest, alone (1 tests",
        **how,
    )
    tree.expect(
        "1 passed, 2 failed, 0 skipped",
        "does not allow",
        arguments=["integration/test_a.py=good,bad,skipped"],
        ci=True,
        **how,
    )
    (tree.folder / "tests/skips.allowed").write_text("integration/test_a.py::test_skipped: no *\n")
    tree.expect(
        "1 passed, 0 failed, 1 skipped",
        "ok tests/integration/test_a.py::test_good (",
        arguments=["--lines", "integration/test_a.py=good,skipped"],
        kinds=("integration",),
        ci=True,
    )


def test_a_module_has_a_process_and_namespaces_of_its_own(tree):
    tree.python("a", NAMESPACES)
    tree.python("b", NAMESPACES)
    for jobs in ("1", "2"):
        tree.expect(
            "6 passed, 4 failed, 0 skipped",
            "::test_dies: the module's process ended: SIGKILL",
            "::test_exits: the module's process ended: exit status 3",
            kinds=("integration",),
            status=1,
            arguments=["--jobs", jobs],
        )


def test_a_file_that_cannot_be_imported_is_a_failure(tree):
    tree.python("a", "import no_such_module\n")
    tree.expect("0 passed, 2 failed, 0 skipped", "no_such_module", kinds=("integration",), status=1)
