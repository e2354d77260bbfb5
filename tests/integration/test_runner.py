# SPDX-License-Identifier: Apache-2.0
"""tests/run itself, on suites made up for it: what is wrong with a suite must end as a failure with a name."""

import os
import pathlib
import shutil
import subprocess
import time

RUN = pathlib.Path(__file__).resolve().parents[1] / "run"


class Tree:
    """A tree that has nothing but the runner and the suites of one test."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        (self.folder / "tests/bpf").mkdir(parents=True)
        shutil.copy(RUN, self.folder / "tests/run")
        (self.folder / "tests/skips.allowed").write_text("# none\n")

    def suite(self, name, script):
        path = self.folder / "tests/bpf" / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def run(self, *arguments, ci=False, kinds=("bpf",), more=None):
        environment = {"PATH": os.environ["PATH"], "CI": "true" if ci else "", "MARK": str(self.folder / "mark"), **(more or {})}
        command = [self.folder / "tests/run", *(f"--kind={kind}" for kind in kinds), *arguments]
        result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        return result.returncode, result.stdout

    def expect(self, last, *parts, arguments=(), status=0, **how):
        code, output = self.run(*arguments, **how)
        assert output.splitlines()[-1] == last, output
        assert code == status, f"exit status {code}"
        for part in parts:
            assert part in output, f"{part!r} is not in {output}"
        return output


def sums(tree):
    tree.suite("a", "echo 'ok one'; echo 'ok two'; echo noise; echo 'skip three: no kernel'")
    tree.suite("b", "echo 'ok four'")
    tree.expect("3 passed, 0 failed, 1 skipped", "bpf/a: three: no kernel")
    tree.expect("1 passed, 0 failed, 0 skipped", arguments=["bpf/b"])


def a_failure_shows_its_output(tree):
    tree.suite("a", "echo clue; echo 'ok one'; echo 'not ok two: it broke'; exit 1")
    tree.expect("1 passed, 1 failed, 0 skipped", "    clue\n", "bpf/a: two: it broke", status=1)


def no_result_is_a_failure(tree):
    tree.suite("silent", "exit 0")
    tree.suite("noise", "echo okay, all well")
    tree.expect("0 passed, 2 failed, 0 skipped", "bpf/silent: the suite: no result", status=1)


def a_bad_end_is_a_failure(tree):
    tree.suite("status", "echo 'ok one'; exit 3")
    tree.suite("crash", "echo 'ok one'; kill -SEGV $$")
    tree.suite("missing", "echo 'ok one'")
    (tree.folder / "tests/bpf/missing").write_text("#!/no/such/shell\n")
    tree.expect("2 passed, 3 failed, 0 skipped", "exit status 3", "died of SIGSEGV", "cannot run", status=1)


def a_hang_is_a_failure_and_is_ended(tree):
    tree.suite("hang", "echo 'ok one'; (trap '' TERM; while :; do sleep 0.05; echo $$ >$MARK; done) & trap '' TERM; wait")
    output = tree.expect("1 passed, 1 failed, 0 skipped", "not done after 0.5 s", arguments=["--limit", "0.5"], status=1)
    assert "bpf/hang" in output
    # Whatever it left behind would go on writing the mark.
    mark = tree.folder / "mark"
    written = mark.stat().st_mtime_ns
    deadline = time.monotonic() + 1
    while time.monotonic() < deadline:
        assert mark.stat().st_mtime_ns == written, "a process of the suite goes on"
        time.sleep(0.05)


def a_skip_in_ci_is_a_failure_unless_allowed(tree):
    tree.suite("a", "echo 'ok one'; echo 'skip two: no kernel'")
    tree.expect("1 passed, 1 failed, 0 skipped", "does not allow", status=1, ci=True)
    (tree.folder / "tests/skips.allowed").write_text("bpf/a: two: no *\n")
    tree.expect("1 passed, 0 failed, 1 skipped", ci=True)


def nothing_run_is_a_failure(tree):
    tree.expect("0 passed, 0 failed, 0 skipped", status=1)


def lines_and_words(tree):
    tree.suite("a", 'for word; do echo "ok $word"; done; echo "not ok two: it broke"')
    tree.expect("2 passed, 1 failed, 0 skipped", "ok bpf/a, one\n", "ok bpf/a, more words\n", "not ok bpf/a, two: it broke\n",
                arguments=["--lines", "bpf/a=one,more words"], status=1)
    tree.suite("a", "exit 3")
    tree.expect("0 passed, 1 failed, 0 skipped", "not ok bpf/a, the suite: no result", arguments=["--lines"], status=1)


def a_machine_without_BPF_leaves_it_to_the_virtual_one(tree):
    for name in ("kernels", "lab"):
        (tree.folder / "tests" / name).mkdir()
    shutil.copy(RUN.parent / "lab/refused.py", tree.folder / "tests/lab")
    tree.suite("a", "echo 'ok here'")
    machine = tree.folder / "tests/env/kernels/run"
    machine.write_text('#!/bin/sh\necho "ok bpf/a, in the $KERNELS_FORM form"\necho "not ok bpf/b, two: it broke"\n')
    machine.chmod(0o755)
    output = tree.expect("1 passed, 1 failed, 0 skipped", "This machine refuses BPF (WGSOCKS_NO_BPF=1): ", "kernels/6.1: bpf/b, two: it broke",
                         status=1, kinds=("bpf", "kernels"), more={"WGSOCKS_NO_BPF": "1"})
    assert "ok   bpf/a" not in output and output.count("refuses") == 1, output
