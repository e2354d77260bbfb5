# SPDX-License-Identifier: Apache-2.0
"""The lab comes up, leaves nothing behind, and does not disturb other labs or the machine."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time

from checks import equal
from namespaces import descendants
from sockslab import PATIENCE, wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
HOLD = """
import sys
sys.path.insert(0, sys.argv[1])
from sockslab import Lab, enter
enter()
with Lab(proxies=int(sys.argv[2])) as lab:
    print("up", flush=True)
    sys.stdin.readline()
    {body}
    print("done", flush=True)
"""


def start_lab(proxies=2, body="pass"):
    """Start a lab in a separate process; returns once it is up."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD.format(body=body), HERE, str(proxies)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    equal(process.stdout.readline(), "up\n", "the lab")
    return process


def end_lab(process):
    """Let it run to its end; returns its output."""
    return process.communicate("\n", timeout=60 * PATIENCE)[0]


def net_namespaces():
    """Inodes of the network namespaces in which processes of this machine run."""
    found = set()
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                found.add(os.stat(f"/proc/{entry}/ns/net").st_ino)
    return found


def machine_state():
    """State that a lab must not change: names of network namespaces and interfaces, mounts, bpffs,
    /tmp, /etc.
    """
    state = {}
    state["netns"] = subprocess.run(
        ["ip", "netns"], capture_output=True, text=True, check=True
    ).stdout
    links = subprocess.run(["ip", "-br", "link"], capture_output=True, text=True, check=True).stdout
    state["links"] = sorted(line.split()[0] for line in links.splitlines())
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        state["mounts"] = file.read()
    state["bpf"] = sorted(os.listdir("/sys/fs/bpf"))
    state["wireguard"] = (
        sorted(os.listdir("/run/wireguard")) if os.path.isdir("/run/wireguard") else []
    )
    for path in ("/etc/passwd", "/etc/shadow", "/etc/resolv.conf", "/etc/danted.conf"):
        state[path] = os.stat(path).st_mtime_ns if os.path.exists(path) else None
    return state


def check_gone(pids, namespaces, before):
    wait_until(
        lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids), 10, "processes gone"
    )
    left = net_namespaces() & namespaces
    equal(left, set(), "network namespaces left")
    equal(machine_state(), before, "the machine")


def lab_namespaces(pids):
    return {os.stat(f"/proc/{pid}/ns/net").st_ino for pid in pids} - {
        os.stat("/proc/self/ns/net").st_ino
    }


def test_up_with_2_proxies(record_property):
    begun = time.monotonic()
    lab = start_lab(2)
    took = time.monotonic() - begun
    equal(end_lab(lab), "done\n")
    record_property("note", f"up in {took:.2f} s")


def test_up_with_50_proxies_each_of_which_serves(record_property):
    body = (
        "t = lab.traffic('2 connect', '1 connect addr=name6', each=True).finish(); "
        "print(t['successful'], min(p['successful'] for p in t['by_proxy']))"
    )
    begun = time.monotonic()
    lab = start_lab(50, body)
    took = time.monotonic() - begun
    equal(end_lab(lab), "150 3\ndone\n")
    record_property("note", f"up in {took:.2f} s")


def test_an_ended_lab_leaves_nothing():
    before = machine_state()
    lab = start_lab()
    pids = descendants(lab.pid)
    namespaces = lab_namespaces(pids)
    equal(end_lab(lab), "done\n")
    check_gone(pids, namespaces, before)


def killed_at(depth, signum):
    """Kill the process `depth` levels below the lab's root; all others must end too."""
    before = machine_state()
    lab = start_lab()
    # A listing of /proc that changes meanwhile may lack entries.
    pids = wait_until(
        lambda: len(found := descendants(lab.pid)) > 40 and found,
        5,
        "all processes of the lab to be seen",
    )
    namespaces = lab_namespaces(pids)
    assert len(namespaces) >= 5, f"only {len(namespaces)} network namespaces in the lab"
    victim = pids[0]
    for _ in range(depth):
        with open(f"/proc/{victim}/task/{victim}/children", encoding="ascii") as file:
            victim = int(file.read().split()[0])
    os.kill(victim, signum)
    lab.wait(10 * PATIENCE)
    lab.stdin.close()
    lab.stdout.close()
    check_gone(pids, namespaces, before)


def test_kill_9_of_the_outermost_process_leaves_nothing():
    killed_at(0, signal.SIGKILL)


def test_kill_9_of_its_init_leaves_nothing():
    killed_at(1, signal.SIGKILL)


def test_kill_9_of_the_program_inside_leaves_nothing():
    killed_at(2, signal.SIGKILL)


def test_SIGTERM_leaves_nothing():
    killed_at(0, signal.SIGTERM)


def test_two_labs_at_once():
    body = "print(lab.traffic('300 connect', '100 transfer').finish()['successful'])"
    before = machine_state()
    labs = [start_lab(2, body), start_lab(2, body)]
    for lab in labs:
        lab.stdin.write("\n")
        lab.stdin.flush()
    for lab in labs:
        equal(end_lab(lab), "400\ndone\n")
    equal(machine_state(), before, "the machine")


def test_the_command():
    done = subprocess.run(
        [os.path.join(HERE, "lab"), "up", "--proxies", "3", "--", "ip", "netns"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    equal(done.returncode, 0, done.stderr)
    equal(
        sorted(re.findall(r"^(\w+) \(id", done.stdout, re.MULTILINE)),
        ["clients", "inet", "p0", "p1", "p2"],
    )
    failed = subprocess.run(
        [os.path.join(HERE, "lab"), "up", "--", "sh", "-c", "exit 7"],
        capture_output=True,
        timeout=60,
        check=False,
    )
    equal(failed.returncode, 7, "the command's status")
