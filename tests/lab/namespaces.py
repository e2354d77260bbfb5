# SPDX-License-Identifier: Apache-2.0
"""A pytest plugin: runs each module marked in_lab or in_netns in a separate process and namespaces.

pytest forks at the first test of such a module. The child enters the namespaces, runs each test
that the parent names, and sends its reports back. Module-scoped fixtures exist only there. Modules
are isolated, so `pytest -n 4` may run them in parallel. If a child dies, its current test fails. A
function outside() of the module runs before the fork, in the network of the machine.
"""

import contextlib
import multiprocessing
import os
import signal
import subprocess
import traceback

import pytest
import sidecar
from _pytest.reports import TestReport
from _pytest.runner import runtestprotocol
from blind import Blind
from sockslab import PATIENCE, enter, kernel

# seconds for the fixtures and the end of a module, which the time limit of a test does not cover
GRACE = 60 * PATIENCE


def lo_up():
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def enter_lab():
    enter()
    lo_up()


def enter_netns():
    kernel.unshare(kernel.CLONE_NEWNET)
    lo_up()


def enter_mounts():
    """Keep the network and processes of the machine, but hide its pins and named network
    namespaces.
    """
    kernel.unshare(kernel.CLONE_NEWNS)
    kernel.make_mounts_private()
    kernel.mount("bpf", "/sys/fs/bpf", "bpf")
    os.makedirs("/run/netns", exist_ok=True)
    kernel.mount("netns", "/run/netns", "tmpfs")


ENTER = {"in_lab": enter_lab, "in_netns": enter_netns, "in_mounts": enter_mounts}


def namespaces_of(item):
    """The function that enters the namespaces of the item, or None."""
    if item.get_closest_marker("in_own"):
        return item.module.enter_own
    return next(
        (function for name, function in ENTER.items() if item.get_closest_marker(name)), None
    )


class Died(Exception):
    pass


def descendants(pid):
    """pid and all its descendants, parents first."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with (
                contextlib.suppress(OSError),
                open(f"/proc/{entry}/stat", encoding="utf-8") as file,
            ):
                parent = int(file.read().rsplit(")", 1)[1].split()[1])
                children.setdefault(parent, []).append(int(entry))
    found, todo = [], [pid]
    while todo:
        one = todo.pop()
        found.append(one)
        todo += children.get(one, [])
    return found


class Child:
    """The process of one module."""

    def __init__(self, item):
        self.module = item.module
        self.session = item.session
        getattr(item.module, "outside", lambda: None)()
        self.connection, other = multiprocessing.Pipe()
        self.pid = os.fork()
        if self.pid == 0:
            self.connection.close()
            _serve(other, item)
        other.close()

    def run(self, item, following):
        """The reports of one test. After the last test of the module, its fixtures and the process
        end.
        """
        marker = item.get_closest_marker("timeout")
        limit = (
            marker.args[0] if marker else float(item.config.getini("timeout"))
        ) * PATIENCE + 2 * GRACE
        try:
            self.connection.send(
                (self.session.items.index(item), following and self.session.items.index(following))
            )
            if not self.connection.poll(limit):
                raise Died(f"no report after {limit:.0f} s: {self.kill()}")
            reports = self.connection.recv()
            if isinstance(reports, str):
                self.wait()
                raise Died(reports)
        except (EOFError, OSError):
            raise Died(f"the module's process ended: {self.wait()}") from None
        if not following:
            self.wait()
        return [
            item.config.hook.pytest_report_from_serializable(config=item.config, data=data)
            for data in reports
        ]

    def end(self):
        """End the module early, after -x or Ctrl-C."""
        try:
            self.connection.send(None)
            self.connection.poll(GRACE)
        except OSError:
            pass
        self.kill()

    def kill(self):
        """Kill the process and its descendants: only a lab has a PID namespace, which ends them
        too.
        """
        for pid in descendants(self.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return self.wait()

    def wait(self):
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        self.connection.close()
        return signal.Signals(-status).name if status < 0 else f"exit status {status}"


def _serve(connection, item):
    """Run as the child; never returns."""
    config, session = item.config, item.session
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    for plugin in config.pluginmanager.get_plugins():
        # only the parent reports to the controller of xdist
        if type(plugin).__name__ == "WorkerInteractor":
            config.pluginmanager.unregister(plugin)
    status = 1
    try:
        namespaces_of(item)()
        while request := connection.recv():
            index, following = request
            reports = runtestprotocol(
                session.items[index], nextitem=following and session.items[following], log=False
            )
            connection.send(
                [
                    config.hook.pytest_report_to_serializable(config=config, report=report)
                    for report in reports
                ]
            )
            if not following:
                break
        status = 0
    except BaseException:
        connection.send(traceback.format_exc())
        raise
    finally:
        try:
            session._setupstate.teardown_exact(None)
        finally:
            os._exit(status)


class Plugin:
    def __init__(self):
        self.child = self.blind = None  # the process of each module has its own Blind

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item, nextitem):
        if not namespaces_of(item):
            return None
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        for report in self._run(
            item, nextitem if getattr(nextitem, "module", None) is item.module else None
        ):
            item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    def _run(self, item, following):
        if os.geteuid() != 0:
            return [
                _report(item, "setup", "skipped", (str(item.path), 0, "Skipped: needs root")),
                _report(item, "teardown", "passed", None),
            ]
        if self.child and self.child.module is not item.module:
            self._end()
        try:
            self.child = self.child or Child(item)
            reports = self.child.run(item, following)
        except Died as death:
            self.child = None
            return [
                _report(item, "call", "failed", str(death)),
                _report(item, "teardown", "passed", None),
            ]
        if not following:
            self.child = None
        return reports

    def _end(self):
        child, self.child = self.child, None
        child.end()

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self):
        if self.child:
            self._end()

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem):
        """Repeat a test in a lab once if it fails while the kernel hid events from every program
        (blind.py).
        """
        marked = pyfuncitem.get_closest_marker
        if not marked("in_lab") or marked("in_order"):
            return None
        self.blind = self.blind or Blind()
        arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
        self.blind.begin()
        others = len(sidecar.started)
        try:
            pyfuncitem.obj(**arguments)
        except Exception as error:
            why = self.blind.verdict()
            if not why:
                raise
            sidecar.kill_all(others)
            pyfuncitem.user_properties.append(("once more", f"{error}; {why}"))
            pyfuncitem.obj(**arguments)
        return True


def _report(item, when, outcome, why):
    return TestReport(
        item.nodeid,
        item.location,
        {name: 1 for name in item.keywords},
        outcome,
        why,
        when,
        user_properties=list(item.user_properties),
    )
