#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The demo: what it says is true, what it offers works, and it leaves nothing behind."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "lab"))

from harness import Skip, case, equal, run_cases
from sockslab import wait_until

DEMO = str(ROOT / "tests" / "demo" / "demo")
STAYS = "Light traffic goes on"
ROW = re.compile(r"(\S.*?|  \S.*?)  +(what the clients saw|ss: .*?|kernel: .*?|link wg0: .*?|wg show: .*?|none may be lost|SYNs .*?)"
                 r" +([\d,]+) +([\d,]+)  (equal|differs)$")
WITNESSED = {
    "proxy_client_connections_total", '  command="connect"', '  command="bind"', '  command="udp_associate"',
    '  command="unknown"', "proxy_requests_successful_total", "proxy_requests_failed_total", '  reason="not_allowed"',
    '  reason="host_unreachable"', '  reason="connection_refused"', '  reason="client_abort"', '  reason="ttl_expired"',
    "proxy_active_connections", "proxy_upstream_active_connections", "proxy_upstream_connects_total",
    "proxy_bytes_transferred_total", "vpn_connection_status", "wgsocks_exporter_events_lost_total",
}


def environment(**more):
    """Not that of a make which runs this test."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))} | more


def machine_state():
    """What a demo must not leave behind on the machine."""
    links = subprocess.run(["ip", "-br", "link"], capture_output=True, text=True, check=True).stdout
    return {
        "netns": subprocess.run(["ip", "netns"], capture_output=True, text=True, check=True).stdout,
        "links": sorted(line.split()[0] for line in links.splitlines()),
        "mounts": pathlib.Path("/proc/self/mountinfo").read_text(encoding="utf-8"),
        "bpffs": sorted(os.listdir("/sys/fs/bpf")),
    }


def tree(pid):
    """pid and its descendants that run now, with their network namespaces: {pid: inode}."""
    found, todo = {}, [pid]
    while todo:
        one = todo.pop()
        with contextlib.suppress(OSError):
            found[one] = os.stat(f"/proc/{one}/ns/net").st_ino
            for task in os.listdir(f"/proc/{one}/task"):
                todo += map(int, pathlib.Path(f"/proc/{one}/task/{task}/children").read_text(encoding="ascii").split())
    return found


def started(pid):
    """In clock ticks since boot."""
    return int(pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[19])


def running_in(namespaces, before):
    """Processes in these network namespaces; not those that began later: the kernel gives a dead namespace's inode away again."""
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if os.stat(f"/proc/{entry}/ns/net").st_ino in namespaces and started(entry) <= before:
                found.append(entry)
    return found


def check_gone(processes, before):
    now = time.clock_gettime(time.CLOCK_BOOTTIME) * os.sysconf("SC_CLK_TCK")
    namespaces = set(processes.values()) - {os.stat("/proc/self/ns/net").st_ino}
    assert len(namespaces) >= 5, f"only {len(namespaces)} network namespaces were there"
    wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in processes), 15, "the demo's processes gone")
    wait_until(lambda: not running_in(namespaces, now), 15, "nothing runs in the demo's network namespaces")
    equal(machine_state(), before, "the machine")


def read_rows(text):
    """{proxy, or Trouble: {metric: (truth, value, verdict)}}"""
    tables, table = {}, None
    for line in text.splitlines():
        title = re.match(r"(golden-crab|free-salmon): dante |(?=(Trouble): )", line)
        if title:
            table = tables.setdefault(title[1] or title[2], {})
        row = ROW.match(line)
        if row:
            table[row[1]] = (row[3], row[4], row[5])
    return tables


@contextlib.contextmanager
def staying(**more):
    """A demo that stays, and all that it has said by then."""
    process = subprocess.Popen([DEMO], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               start_new_session=True, env=environment(ONCE="", **more))
    said = []
    try:
        for line in process.stdout:
            said.append(line)
            if line.startswith(STAYS):
                break
        else:
            raise AssertionError("".join(said[-20:]))
        yield process, "".join(said)
    finally:
        if process.poll() is None:
            process.terminate()
        process.stdout.close()
        process.wait(20)


@case
def test_once_every_row_is_equal_and_nothing_is_left():
    before = machine_state()
    process = subprocess.Popen(["make", "demo", "ONCE=1"], cwd=ROOT, env=environment(), stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True)
    processes, text = {}, ""
    for line in process.stdout:
        text += line
        processes |= tree(process.pid)
    equal(process.wait(), 0, text[-1500:])
    assert len(processes) > 30, f"only {len(processes)} processes were there"
    check_gone(processes, before)

    tables = read_rows(text)
    trouble = tables.pop("Trouble")
    equal(trouble, {"proxy_leaked_connections_total": ("20", "20", "equal"), "proxy_requests_successful_total": ("20", "20", "equal")})
    fired = check_trouble(text)
    equal(sorted(tables), ["free-salmon", "golden-crab"])
    rows = len(trouble)
    for name, table in tables.items():
        equal(WITNESSED - set(table), set(), f"rows missing of {name}")
        for metric, (truth, value, verdict) in table.items():
            equal((value, verdict), (truth, "equal"), f"{name}: {metric}")
        empty = [metric for metric in WITNESSED if table[metric][0] == "0" and "lost" not in metric]
        equal(empty, [], f"{name}: nothing was there to be counted")
        rows += len(table)
    assert f"All {rows} rows are equal." in text, text
    assert "\033" not in text, "colour where there is no terminal"
    shown = text[text.index("wgsocks_exporter: the truth"):]
    equal([line for line in shown.splitlines() if len(line) > 100], [], "lines too long")
    excerpt = re.search(r"^```\n(golden-crab.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)[1]
    told = re.search(r"^```\n( +[\d.]+ s  clients .*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)[1]
    for line in told.splitlines():
        assert line.split(" s  ", 1)[1] in shown, f"README.md's excerpt has {line}"
    for line in excerpt.splitlines():  # the number of bytes is another each time
        assert line in shown or "link wg0" in line, f"README.md's excerpt has {line}"
    check_files(text)
    return f"{rows} rows, VpnTunnelDown after {fired} s"


@case
def test_a_wrong_number_is_seen():
    with tempfile.NamedTemporaryFile("w", suffix=".sh", dir="/tmp", delete=False) as script:
        script.write(f'#!/bin/sh\nexec {ROOT}/build/wgsocks_exporter --proxy.port=1081 "$@"\n')
    os.chmod(script.name, 0o755)
    try:
        for _ in range(2):
            done = subprocess.run([DEMO], env=environment(ONCE="1", WGSOCKS_EXPORTER=script.name), capture_output=True,
                                  text=True, timeout=100, check=False)
            late = re.search(r"^The demo failed: not within .*$", done.stdout, re.MULTILINE)
            if not late:  # else the machine stood still, and it says nothing of numbers
                break
            print(late[0])
    finally:
        os.unlink(script.name)
    equal(done.returncode, 1, done.stdout[-1500:])
    rows = read_rows(done.stdout)
    assert "golden-crab" in rows, f"no table of golden-crab: {done.stdout[-1500:]}{done.stderr[-500:]}"
    equal(rows["golden-crab"]["proxy_client_connections_total"][1:], ("0", "differs"))
    equal(rows["golden-crab"]["proxy_bytes_transferred_total"][2], "equal")
    assert re.search(r"^\d+ of \d+ rows differ\.$", done.stdout, re.MULTILINE), done.stdout


def check_trouble(text):
    """The alerts in the order in which they have to come, and when."""
    chapter = text[text.index("\nTrouble: "):]
    found = re.findall(r"^ +([\d.]+) s  (\w[\w-]*) +(pending|firing|over|)\b *(.*)$", chapter, re.MULTILINE)
    states = {(what, state): (float(seconds), words) for seconds, what, state, words in found}
    equal(states["clients", ""][1], "ask 20 times: 20 are served; they notice nothing")
    pending, firing, over = (states["VpnTunnelDown", state][0] for state in ("pending", "firing", "over"))
    assert pending + 1.5 <= firing <= states["wg0", ""][0] <= over, f"VpnTunnelDown: pending {pending}, firing {firing}, over {over}"
    assert states["ProxyLeak", "firing"][1].startswith("20 connections left beside the tunnel"), states
    assert "wg0 is no_interface" in states["VpnTunnelDown", "firing"][1], states
    equal(states["golden-crab", ""][1], "its alerts: none", "the other proxy")
    return firing


def check_files(text):
    """What ONCE=1 leaves: pictures that are some, and a summary."""
    folder = ROOT / "build" / "demo"
    names = re.search(r"^Written to build/demo: (.*)\.$", text, re.MULTILINE)[1].split(", ")
    summary = (folder / "summary.txt").read_text(encoding="utf-8")
    assert re.search(r"^All \d+ rows are equal\.$", summary, re.MULTILINE) and "VpnTunnelDown" in summary, summary
    if not shutil.which("chromium"):
        raise Skip("no chromium (Debian's package chromium): no screenshots")
    equal(names, ["summary.txt", "golden-crab.png", "free-salmon.png", "alerts.png"])
    for name in names[1:]:
        data = (folder / name).read_bytes()
        equal((data[:8], struct.unpack(">II", data[16:24])), (b"\x89PNG\r\n\x1a\n", (1200, 1000)), name)
        assert len(data) > 15000, f"{name}: {len(data)} bytes are hardly a page"
        assert time.time() - (folder / name).stat().st_mtime < 60, f"{name} is of another run"


def fetch(url):
    with urllib.request.urlopen(url, timeout=5) as answer:
        return answer.status, answer.read().decode()


def requests_of(page):
    return sum(int(value) for value in re.findall(r"^proxy_requests_total\{.*\} (\d+)$", page, re.MULTILINE))


@case
def test_what_it_offers_works_and_ctrl_c_ends_it():
    before = machine_state()
    with staying() as (process, said):
        processes = tree(process.pid)
        urls = re.findall(r"^  \w+ +(http://127\.0\.0\.1:\d+/\S*)$", said, re.MULTILINE)
        equal(len(urls), 7, "URLs")
        for url in urls:
            equal(fetch(url)[0], 200, url)
        assert "ProxyLeak" in fetch(urls[-1])[1], "Prometheus' page of alerts"
        metrics = [url for url in urls if url.endswith("/metrics")]
        for name, url in zip(("golden-crab", "free-salmon"), metrics, strict=True):
            assert f'proxy_info{{proxy_name="{name}"}} 1\n' in fetch(url)[1], url
        begun = requests_of(fetch(metrics[0])[1])
        wait_until(lambda: requests_of(fetch(metrics[0])[1]) > begun, 30, "traffic that goes on")

        commands = re.findall(r"^(?:sudo )?((?:curl|nsenter) .*)$", said, re.MULTILINE)
        equal(len(commands), 6, "commands to copy")
        for command, sign in zip(commands, ("proxy_requests_total", '"client_connections"', '"client_port"',
                                            "state_dispatch_a", "latest handshake", "ESTAB"), strict=True):
            done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=20, check=False)
            assert done.returncode == 0 and sign in done.stdout, f"{command}: {done.stdout[:300]}{done.stderr}"

        os.killpg(process.pid, signal.SIGINT)
        status, rest = process.wait(20), process.stdout.read()
        verdict = [line for line in said.splitlines() if re.search(r"rows (differ|are equal)|differs", line)]
        equal((status, rest.split()), (0, ["Ending."]), f"status after Ctrl-C, and its last word (before: {verdict})")
    check_gone(processes, before)


@case
def test_kill_9_leaves_nothing():
    before = machine_state()
    with staying() as (process, said):
        processes = tree(process.pid)
        url = re.search(r"http://127\.0\.0\.1:\d+/metrics", said)[0]
        os.kill(process.pid, signal.SIGKILL)
    check_gone(processes, before)
    try:
        fetch(url)
    except OSError:
        return
    raise AssertionError(f"{url} still answers")


@case
def test_it_ends_with_the_make_that_ran_it():
    before = machine_state()
    parent = subprocess.Popen(["sh", "-c", f"{DEMO}; exit $?"], stdout=subprocess.PIPE, text=True,
                              env=environment(ONCE=""), start_new_session=True)
    for line in parent.stdout:
        if line.startswith(STAYS):
            break
    processes = tree(parent.pid)
    assert len(processes) > 30, f"only {len(processes)} processes"
    parent.kill()
    parent.wait()
    parent.stdout.close()
    check_gone(processes, before)


if __name__ == "__main__":
    run_cases()
