# SPDX-License-Identifier: Apache-2.0
"""The supervisor: dead children are restarted, no request is refused, and after exit nothing is
left.
"""

import ctypes
import os
import re
import signal
import socket
import subprocess
import time

import pytest
from checks import equal
from exporter import (
    CHILDREN,
    HEALTH,
    METRICS,
    Exporter,
    Prober,
    alive,
    cpu_seconds,
    get,
    namespace_pids,
    port_free,
    read,
    status,
)
from sockslab import PATIENCE, wait_until

pytestmark = pytest.mark.in_netns

# A scrape waits at most this long for a restarting collector.
SCRAPE = "X-Prometheus-Scrape-Timeout-Seconds: 1\r\n"


def expect_nothing_left():
    wait_until(lambda: not namespace_pids(), 2, "no process of ours")
    assert port_free(HEALTH) and port_free(METRICS), "a port is still taken"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=lambda number: number.name)
@pytest.mark.parametrize(
    "names",
    [*[(name,) for name in CHILDREN], CHILDREN],
    ids=lambda names: "all at once" if len(names) > 1 else names[0],
)
def test_a_signal(names, number, record_property):
    """Send a signal to children during probes and scrapes; the seconds until each was restarted."""
    with (
        Exporter() as exporter,
        Prober(HEALTH, "/livez") as probes,
        Prober(METRICS, "/metrics", 50, SCRAPE) as scrapes,
    ):
        probes.wait(10)
        before = exporter.children()
        equal(sorted(before), sorted(CHILDREN), "children")
        # Not during a response, which would be lost with its process.
        with probes.between, scrapes.between:
            begun = time.monotonic()
            for name in names:
                os.kill(before[name], number)
        back = 0
        for name in names:
            exporter.wait_child(name, before[name], 5)
            back = max(back, time.monotonic() - begun)
        assert back < 1 * PATIENCE, f"back after {back:.2f} s"
        for name in names:
            wait_until(lambda name=name: not alive(before[name]), 5, f"the end of the old {name}")
        probes.wait(20)
        scrapes.wait(20)
        after = exporter.children()
        equal(
            {name: after[name] for name in CHILDREN if name not in names},
            {name: before[name] for name in CHILDREN if name not in names},
            "the others",
        )
        for name in names:
            assert exporter.records(msg=re.compile("was killed|was stopped"), child=name), (
                exporter.log()
            )
    expect_nothing_left()
    record_property(
        "note",
        f"back in {back * 1000:.0f} ms, probes: {probes.check()}, scrapes: {scrapes.check()}",
    )


def test_one_after_another_ten_times(record_property):
    with (
        Exporter() as exporter,
        Prober(HEALTH, "/livez") as probes,
        Prober(METRICS, "/-/healthy") as scrapes,
    ):
        supervisor_files = len(os.listdir(f"/proc/{exporter.pid}/fd"))
        for turn in range(10):
            name = CHILDREN[turn % 3]
            old = exporter.children()[name]
            with probes.between, scrapes.between:
                os.kill(old, signal.SIGKILL)
            exporter.wait_child(name, old, 5)
            probes.wait(5)
            scrapes.wait(5)
        equal(
            len(os.listdir(f"/proc/{exporter.pid}/fd")),
            supervisor_files,
            "descriptors of the supervisor",
        )
    record_property("note", f"probes: {probes.check()}, scrapes: {scrapes.check()}")


def test_a_child_that_always_dies_is_started_ever_more_slowly(record_property):
    wanted = [0, 0, 0.1, 0.2, 0.4, 0.8, 0.8]
    with Exporter() as exporter:
        waited, pid = [], exporter.children()["web"]
        before = cpu_seconds(exporter.pid)
        for _ in wanted:
            os.kill(pid, signal.SIGKILL)
            begun = time.monotonic()
            pid = exporter.wait_child("web", pid, 5)
            waited.append(time.monotonic() - begun)
            equal(get(HEALTH, "/livez").status, 200)
        used = cpu_seconds(exporter.pid) - before
    for pause, actual in zip(wanted, waited):
        assert pause - 0.01 <= actual < pause + 0.4 * PATIENCE, f"{actual:.3f} s instead of {pause}"
    assert used < 0.2, f"{used} s of CPU"
    record_property("note", " ".join(f"{actual:.2f}" for actual in waited))


def test_a_child_that_hangs_without_ending_is_found(record_property):
    """A traced child does not run, but its parent does not see it as stopped: only its missing
    heartbeat shows it.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    seize, interrupt = 0x4206, 0x4207
    with Exporter() as exporter, Prober(HEALTH, "/livez", 10) as probes:
        pid = exporter.children()["web"]
        if libc.ptrace(seize, pid, None, None) or libc.ptrace(interrupt, pid, None, None):
            pytest.skip(f"ptrace: {os.strerror(ctypes.get_errno())}")
        os.waitpid(pid, 0x40000000)  # __WALL: it stands
        begun = time.monotonic()
        ended = wait_until(
            lambda: [end for end in [os.waitpid(pid, 0x40000000 | os.WNOHANG)] if end[0]],
            15,
            "its end",
            every=0.1,
        )
        equal(os.WIFSIGNALED(ended[0][1]), True, "killed")
        took = time.monotonic() - begun
        exporter.wait_child("web", pid, 2)
        assert exporter.records(msg="no heartbeat for 10 s", child="web", action="kill"), (
            exporter.log()
        )
        assert 9 < took < 10 + 3 * PATIENCE, f"after {took:.1f} s"
    record_property("note", f"after {took:.1f} s, probes: {probes.check()}")


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT], ids=lambda number: number.name
)
def test_it_ends_within_a_second(number, record_property):
    with Exporter() as exporter:
        took, code = exporter.stop(number)
    equal(code, 0, "status")
    assert took < 1 * PATIENCE, f"{took:.2f} s"
    expect_nothing_left()
    record_property("note", f"{took * 1000:.0f} ms")


def test_SIGTERM_ends_all_though_none_of_them_can_answer():
    with Exporter() as exporter:
        children = exporter.children()
        # The supervisor must not notice that they are stopped, or it would restart them.
        os.kill(exporter.pid, signal.SIGSTOP)
        for pid in children.values():
            os.kill(pid, signal.SIGSTOP)
        os.kill(exporter.pid, signal.SIGTERM)
        begun = time.monotonic()
        os.kill(exporter.pid, signal.SIGCONT)
        code = exporter.process.wait(5 * PATIENCE)
        took = time.monotonic() - begun
    equal(code, 0, "status")
    assert took < 1 * PATIENCE, f"{took:.2f} s"
    expect_nothing_left()


def test_SIGTERM_right_after_the_start():
    """It exits from any state, and leaves nothing."""
    for delay in range(20):
        with Exporter(wait=False) as exporter:
            wait_until(
                lambda: read(f"/proc/{exporter.pid}/comm").startswith("wgsocks"), 5, every=0.0005
            )
            end = time.monotonic() + delay / 1000
            while time.monotonic() < end:
                pass
            exporter.process.terminate()
            exporter.process.wait(2 * PATIENCE)
        expect_nothing_left()


def test_kill_9_of_the_supervisor_leaves_nothing():
    for turn in range(5):
        with Exporter(wait=turn == 0) as exporter:
            wait_until(lambda turn=turn: len(exporter.children()) > min(turn, 2), 5, every=0.0005)
            exporter.process.kill()
            exporter.process.wait()
            begun = time.monotonic()
            expect_nothing_left()
            took = time.monotonic() - begun
            assert took < 0.5 * PATIENCE, f"{took:.2f} s"


def test_works_as_PID_1():
    with Exporter(wrapper=("unshare", "--pid", "--fork", "--mount-proc")) as outer:
        init = int(
            wait_until(lambda: read(f"/proc/{outer.pid}/task/{outer.pid}/children").split(), 5)[0]
        )
        equal(status(init)["NSpid"].split()[1], "1", "its number inside")
        # Orphans become its children: it must reap them.
        subprocess.run(
            [
                "nsenter",
                "-t",
                str(init),
                "-p",
                "-m",
                "sh",
                "-c",
                "for i in 1 2 3 4 5; do (true &) & done",
            ],
            check=True,
        )
        wait_until(
            lambda: len(read(f"/proc/{init}/task/{init}/children").split()) == 3,
            5,
            "no orphan, no zombie",
        )
        with Prober(HEALTH, "/livez") as probes:
            web = next(
                pid
                for pid in read(f"/proc/{init}/task/{init}/children").split()
                if read(f"/proc/{pid}/comm") == "wgsocks-web\n"
            )
            os.kill(int(web), signal.SIGKILL)
            probes.wait(10)
        probes.check()
        wait_until(lambda: get(METRICS, "/-/healthy").status == 200, 5)
        begun = time.monotonic()
        os.kill(init, signal.SIGTERM)
        code = outer.process.wait(5 * PATIENCE)
        took = time.monotonic() - begun
    equal(code, 0, "status")
    assert took < 1 * PATIENCE, f"{took:.2f} s"
    expect_nothing_left()


def test_a_port_in_use_is_taken_when_it_becomes_free():
    for port, other, path in ((HEALTH, METRICS, "/-/healthy"), (METRICS, HEALTH, "/livez")):
        taken = socket.create_server(("127.0.0.1", port))
        with Exporter(wait=False) as exporter:
            exporter.wait_records(
                msg="cannot listen",
                address=f":{port}",
                error="Address already in use",
                action="retry",
            )
            wait_until(lambda other=other: not port_free(other), 5, "the other port")
            with Prober(other, path, 50) as probes:
                probes.wait(125)  # it tries at least twice meanwhile
                equal(len(exporter.records(msg="cannot listen")), 1, "lines")
                equal("health" in exporter.children(), port != HEALTH, "health runs")
                taken.close()
                wait_until(lambda port=port: not port_free(port), 2, "the port to be taken")
                wait_until(
                    lambda port=port: (
                        get(port, "/" if port == HEALTH else "/-/healthy").status == 200
                    ),
                    2,
                )
                probes.wait(10)
            probes.check()
            equal(len(exporter.records(msg="cannot listen")), 1, "lines")
    expect_nothing_left()


def test_a_second_metrics_address_that_becomes_free(record_property):
    taken = socket.create_server(("127.0.0.1", 9091))
    with Exporter(
        "--web.listen-address=127.0.0.1:9090", "--web.listen-address=127.0.0.1:9091"
    ) as exporter:
        old = exporter.children()["web"]
        with Prober(METRICS, "/-/healthy") as scrapes, Prober(HEALTH, "/livez") as probes:
            scrapes.wait(10)
            with scrapes.between:
                taken.close()
                exporter.wait_child("web", old, 3)
            wait_until(lambda: get(9091, "/-/healthy").status == 200, 2)
            scrapes.wait(10)
        equal(exporter.records(msg="process was killed"), [], "processes killed")
    record_property("note", f"probes: {probes.check()}, scrapes: {scrapes.check()}")


def test_without_the_health_port():
    with Exporter("--no-health.enabled", wait=False) as exporter:
        wait_until(lambda: not port_free(METRICS), 5)
        wait_until(lambda: sorted(exporter.children()) == ["collector", "web"], 5)
        assert port_free(HEALTH), "somebody listens"
        wait_until(lambda: get(METRICS, "/-/healthy").status == 200, 5)
        equal(sorted(exporter.children()), ["collector", "web"])
    expect_nothing_left()


def test_listens_on_both_ip_versions():
    with Exporter():
        for address in ("127.0.0.1", "::1"):
            for port in (HEALTH, METRICS):
                socket.create_connection((address, port), 2).close()


# The most that each may have, by the numbers of linux/capability.h.
COLLECTOR = {
    1: "DAC_OVERRIDE",
    2: "DAC_READ_SEARCH",
    11: "NET_BROADCAST",
    12: "NET_ADMIN",
    19: "SYS_PTRACE",
    21: "SYS_ADMIN",
    24: "SYS_RESOURCE",
    38: "PERFMON",
    39: "BPF",
}
SUPERVISOR = COLLECTOR | {5: "KILL", 6: "SETGID", 7: "SETUID", 8: "SETPCAP", 10: "NET_BIND_SERVICE"}


def capabilities(text):
    return {number for number in range(64) if int(text, 16) >> number & 1}


@pytest.mark.parametrize(
    ("name", "allowed", "seccomp", "user"),
    [
        ("health", {}, "2", "65534"),
        ("web", {}, "2", "65534"),
        ("collector", COLLECTOR, "0", "0"),
        ("supervisor", SUPERVISOR, "0", "0"),
    ],
    ids=["health", "web", "collector", "supervisor"],
)
def test_rights(name, allowed, seccomp, user):
    with Exporter() as exporter:
        pid = {**exporter.children(), "supervisor": exporter.pid}[name]
        told = status(pid)
        for key in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            beyond = capabilities(told[key]) - (
                set(allowed) if key not in ("CapInh", "CapAmb") else set()
            )
            assert not beyond, f"{key} has {sorted(beyond)}"
        equal(told["NoNewPrivs"], "1", "NoNewPrivs")
        equal(told["Seccomp"], seccomp, "Seccomp")
        equal(told["Uid"].split(), [user] * 4, "Uid")
        equal(told["Gid"].split(), [user] * 4, "Gid")
        if user != "0":
            equal(told["Groups"].strip(), "", "Groups")


def test_health_holds_no_file():
    """Only standard streams, its socket, its epoll instance and the descriptors of its status."""
    strays = os.pipe()
    with Exporter(inherited=strays) as exporter:
        pid = exporter.children()["health"]
        held = {
            int(fd): os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")
        }
    for stray in strays:
        os.close(stray)
    kinds = sorted(
        target.split(":")[0].replace(f"/proc/{pid}", "") for fd, target in held.items() if fd > 2
    )
    equal(kinds, ["/fd", "/smaps_rollup", "/statm", "anon_inode", "socket"], "descriptors")


def test_without_root_and_without_capabilities():
    with Exporter(
        wrapper=("setpriv", "--reuid=1000", "--regid=1000", "--clear-groups", "--inh-caps=-all")
    ) as exporter:
        told = {name: status(pid) for name, pid in exporter.children().items()}
        for name in ("health", "web"):
            equal(
                (told[name]["CapEff"], told[name]["Seccomp"], told[name]["NoNewPrivs"]),
                ("0" * 16, "2", "1"),
                name,
            )
        old = exporter.children()["health"]
        os.kill(old, signal.SIGKILL)
        exporter.wait_child("health", old, 2)
        equal(get(HEALTH, "/livez").status, 200)
        took, code = exporter.stop()
    equal(code, 0, "status")
    assert took < 1 * PATIENCE, f"{took:.2f} s"
    expect_nothing_left()


def test_as_a_containers_root_with_few_capabilities():
    """uid 0 with only the capabilities of a sidecar's pod: it cannot become nobody, and continues
    as root without capabilities.
    """
    keep = "-all,+bpf,+perfmon,+net_admin"
    with Exporter(wrapper=("setpriv", f"--bounding-set={keep}", f"--inh-caps={keep}")) as exporter:
        told = status(exporter.children()["health"])
        equal((told["CapEff"], told["Uid"].split()[0], told["Seccomp"]), ("0" * 16, "0", "2"))
        equal(get(METRICS, "/-/healthy").status, 200)
        took, _ = exporter.stop()
    assert took < 1 * PATIENCE, f"{took:.2f} s"
    expect_nothing_left()


def test_a_hangup_ends_nothing():
    """Like a terminal, send it to each process of the group."""
    with Exporter(wrapper=["setsid"]) as exporter, Prober(HEALTH, "/livez") as probes:
        before = exporter.children()
        os.killpg(exporter.pid, signal.SIGHUP)
        for pid in before.values():
            os.kill(pid, signal.SIGHUP)
        exporter.wait_records(msg="no --web.config.file to reload", signal="Hangup")
        probes.wait(20)
        checked = probes.check()
        equal(exporter.children(), before, "children")
        equal(exporter.records(action="restart"), [], "restarts")
    expect_nothing_left()
    return checked


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGUSR2], ids=lambda number: number.name)
def test_a_signal_without_meaning_is_ignored(number):
    with Exporter() as exporter:
        before = exporter.children()
        os.kill(exporter.pid, number)
        exporter.wait_records(msg="ignoring signal", signal=signal.strsignal(number))
        equal(exporter.children(), before, "children")
        equal(get(HEALTH, "/livez").status, 200)
    expect_nothing_left()


def test_an_agent_that_cannot_begin_says_why():
    """Each collector exits with a log line that names the failure, and is restarted."""
    tracer = [
        "strace",
        "-D",
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-P",
        "/proc/thread-self/ns/net",
        "--inject=openat:error=EMFILE:when=1",
    ]
    with Exporter("--mode=node", wrapper=tracer, wait=False) as exporter:
        exporter.wait_records(
            2, msg="cannot identify our network namespace", error="Too many open files"
        )
        assert exporter.records(
            msg="process ended", child="collector", status="1", action="restart"
        ), exporter.log()
