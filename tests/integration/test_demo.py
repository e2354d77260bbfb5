# SPDX-License-Identifier: Apache-2.0
"""The demo: its tables are true, it survives its visitor and leaves nothing behind."""

import contextlib
import json
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]


from sockslab import PATIENCE, wait_until

DEMO = str(ROOT / "tests" / "demo" / "demo")
STAYS = "The trouble lasts until"
ROW = re.compile(r"(\S.*?|  \S.*?)  +(\S.*?) +([\d,]+) +([\d,]+)  (equal|differs)$")
COMPARED = {
    "proxy_client_connections_total", '  command="connect"', '  command="bind"',
    '  command="udp_associate"', '  command="unknown"', "proxy_requests_successful_total",
    "proxy_requests_failed_total",
    '  reason="not_allowed"', '  reason="host_unreachable"', '  reason="connection_refused"',
    '  reason="client_abort"', '  reason="ttl_expired"', "proxy_active_connections",
    "proxy_upstream_active_connections", "proxy_upstream_connects_total",
    "proxy_bytes_transferred_total", "vpn_connection_status", "wgsocks_exporter_events_lost_total",
}
# One in 32 ports: dante's connect fails after its timeout, where the client expects another answer.
LOST_SYNS = """table ip lost { chain c { type filter hook prerouting priority -300;
iifname wg0 tcp flags & (syn | ack) == syn tcp sport & 0x3e == 0x10 counter drop; }; }
"""


def environment(**more):
    """Without the variables of a make that runs this test."""
    return {name: value for name, value in os.environ.items()
            if not name.startswith(("MAKE", "MFLAGS"))} | more


def read(path):
    return pathlib.Path(path).read_text(encoding="utf-8")


def machine_state():
    """What a demo must not leave behind on the machine."""
    links = subprocess.run(["ip", "-br", "link"], capture_output=True, text=True, check=True).stdout
    return {
        "netns": subprocess.run(["ip", "netns"], capture_output=True, text=True, check=True).stdout,
        "links": sorted(line.split()[0] for line in links.splitlines()),
        "mounts": read("/proc/self/mountinfo"),
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
                todo += map(int, read(f"/proc/{one}/task/{task}/children").split())
    return found


def stat(pid):
    """The fields of /proc/PID/stat behind the name."""
    return read(f"/proc/{pid}/stat").rsplit(")", 1)[1].split()


def started(pid):
    """In clock ticks since boot."""
    return int(stat(pid)[19])


def running_in(namespaces, before):
    """Processes in these network namespaces that began before: the kernel uses inodes again."""
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if os.stat(f"/proc/{entry}/ns/net").st_ino in namespaces and started(entry) <= before:
                found.append(entry)
    return found


def check_gone(processes, before, least=5):
    """Nothing of a demo is left that had at least so many network namespaces."""
    now = time.clock_gettime(time.CLOCK_BOOTTIME) * os.sysconf("SC_CLK_TCK")
    namespaces = set(processes.values()) - {os.stat("/proc/self/ns/net").st_ino}
    assert len(namespaces) >= least, f"only {len(namespaces)} network namespaces existed"
    wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in processes), 15,
               "the demo's processes gone")
    wait_until(lambda: not running_in(namespaces, now), 15, "the demo's network namespaces empty")
    assert machine_state() == before


def read_rows(text):
    """{proxy or "Trouble": {metric: (witness's value, exporter's value, verdict)}}"""
    tables, table = {}, None
    for line in text.splitlines():
        title = re.match(r"(golden-crab|free-salmon): dante |(?=(Trouble): )", line)
        if title:
            table = tables.setdefault(title[1] or title[2], {})
        row = ROW.match(line)
        if row:
            table[row[1]] = (row[3], row[4], row[5])
    return tables


class Demo:
    """A running demo; text is its output so far. terminal: it has one of its own."""

    def __init__(self, terminal=False, argv=(DEMO,), **more):
        self.text, self.before, self.processes = "", machine_state(), {}
        self.terminal, theirs = pty.openpty() if terminal else os.pipe()
        self.process = subprocess.Popen(
            argv, stdin=theirs if terminal else subprocess.DEVNULL, stdout=theirs, stderr=theirs,
            cwd=ROOT, start_new_session=True, env=environment(NO_COLOR="1", **{"ONCE": "", **more}))
        os.close(theirs)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self.terminal)

    def read(self, seconds):
        """More output, if there is some within the time; False at its end."""
        if not select.select([self.terminal], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.terminal, 65536)
        except OSError:  # of a terminal whose other side is closed
            return False
        self.text += data.decode("utf-8", "replace").replace("\r\n", "\n")
        return bool(data)

    def wait(self, pattern, seconds=90):
        """Until the output has the pattern; the match."""
        end = time.monotonic() + seconds * PATIENCE
        while not (found := re.search(pattern, self.text, re.MULTILINE)):
            self.processes |= tree(self.process.pid)
            more = self.read(0.2)
            assert more or re.search(pattern, self.text, re.MULTILINE), \
                f"ended without {pattern}:\n{self.text[-3000:]}"
            assert time.monotonic() < end, f"no {pattern}:\n{self.text[-3000:]}"
        self.processes |= tree(self.process.pid)
        return found

    def status(self, seconds=90):
        """The exit status, once the output has ended."""
        end = time.monotonic() + seconds * PATIENCE
        while self.read(0.2):
            self.processes |= tree(self.process.pid)
            assert time.monotonic() < end, f"the demo has not ended:\n{self.text[-3000:]}"
        return self.process.wait(20 * PATIENCE)

    def interrupt(self):
        """Ctrl-C; the exit status. Nothing of the demo is left, and no traceback is printed."""
        self.processes |= tree(self.process.pid)
        os.killpg(self.process.pid, signal.SIGINT)
        status = self.status(30)
        assert "Traceback" not in self.text, self.text[-3000:]
        return status

    def named(self, comm):
        """{pid: its network namespace} of the demo's processes of this name that run now."""
        return {pid: net for pid, net in tree(self.process.pid).items() if name_of(pid) == comm}

    def holder(self, name):
        """The process that holds a network namespace of the lab: p0, p1, inet, clients."""
        pid, = self.named(f"ns-{name}")
        return pid

    def inside(self, name, *command, **more):
        enter = ["nsenter", "-t", str(self.holder(name)), "-n"]
        subprocess.run([*enter, *command], check=True, text=True, **more)

    def kill(self, comm, proxy):
        """SIGKILL to each of the proxy's processes of this name."""
        net = os.stat(f"/proc/{self.holder(proxy)}/ns/net").st_ino
        found = [pid for pid, its in self.named(comm).items() if its == net]
        assert found, f"no {comm}"
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def name_of(pid):
    try:
        return read(f"/proc/{pid}/comm").strip()
    except OSError:
        return ""


def test_once_all_rows_are_equal_although_clients_meet_the_unplanned(record_property):
    with Demo(argv=("make", "demo"), ONCE="1") as demo:
        demo.wait(r"^Started: 2 × dante")
        demo.inside("inet", "nft", "-f", "-", input=LOST_SYNS)
        assert demo.status(200) == 0, demo.text[-3000:]
        check_gone(demo.processes, demo.before)
    text = demo.text
    assert "ttl_expired instead of success" in text, f"nothing unplanned:\n{text[:3000]}"
    tables = read_rows(text)
    trouble = tables.pop("Trouble")
    assert trouble == {"proxy_leaked_connections_total": ("20", "20", "equal"),
                       "proxy_requests_successful_total": ("20", "20", "equal")}
    fired = check_trouble(text)
    assert sorted(tables) == ["free-salmon", "golden-crab"]
    rows = len(trouble) + sum(map(len, tables.values()))
    for name, table in tables.items():
        assert set(table) >= COMPARED, f"rows missing of {name}: {COMPARED - set(table)}"
        unequal = {metric: row for metric, row in table.items()
                   if row[0] != row[1] or row[2] != "equal"}
        assert not unequal, f"{name}: {unequal}"
        empty = [metric for metric in COMPARED if table[metric][0] == "0" and "lost" not in metric]
        assert not empty, f"{name}: nothing to count for {empty}"
    assert f"All {rows} rows are equal." in text, text
    assert "\033" not in text, "colour without a terminal"
    shown = text[text.index("wgsocks_exporter demo"):]
    assert not [line for line in shown.splitlines() if len(line) > 100]
    check_files(text)
    record_property("note", f"{rows} rows, VpnTunnelDown after {fired} s")


def test_the_excerpt_in_the_pages_has_the_rows_of_the_demo():
    page = (ROOT / "docs" / "first-graph.md").read_text(encoding="utf-8")
    rows = read_rows(page)["golden-crab"]
    assert len(rows) > 5 and set(rows) <= COMPARED, rows
    assert {row[2] for row in rows.values()} == {"equal"}


def test_a_wrong_number_differs_and_a_killed_exporter_is_not_compared():
    with tempfile.NamedTemporaryFile("w", suffix=".sh", dir="/tmp", delete=False) as script:
        script.write(f'#!/bin/sh\nexec {ROOT}/build/wgsocks_exporter --proxy.port=1081 "$@"\n')
    os.chmod(script.name, 0o755)
    try:
        # Less patience: it is also the time for which the demo waits for a number to become right.
        with Demo(WGSOCKS_EXPORTER=script.name, LAB_PATIENCE=str(PATIENCE / 4)) as demo:
            demo.wait("^Started: Prometheus")
            demo.kill("wgsocks_exporte", "p1")
            demo.wait(r"^\d+ of \d+ rows differ\.$", 200)
            demo.wait(f"^{STAYS}")
            assert demo.interrupt() == 1
    finally:
        os.unlink(script.name)
    assert "\nNot compared: the exporter was killed (SIGKILL)" in demo.text, demo.text
    rows = read_rows(demo.text)
    assert rows["golden-crab"]["proxy_client_connections_total"][1:] == ("0", "differs")
    assert rows["golden-crab"]["proxy_bytes_transferred_total"][2] == "equal"


def check_trouble(text):
    """The alerts in the order in which they have to come, and when."""
    chapter = text[text.index("\nTrouble: "):]
    line = r"^ +([\d.]+) s  (\w[\w-]*) +(pending|firing|over|) *(.*)$"
    found = re.findall(line, chapter, re.MULTILINE)
    states = {(what, state): (float(seconds), words) for seconds, what, state, words in found}
    assert "20 requests, 20 served" in states["clients", ""][1]
    down = {state: at for (what, state), (at, _) in states.items() if what == "VpnTunnelDown"}
    pending, fired, over = down["pending"], down["firing"], down["over"]
    assert pending + 1.5 <= fired <= states["wg0", ""][0] <= over, states
    assert states["ProxyLeak", "firing"][1].startswith("20 "), states
    assert "wg0 is no_interface" in states["VpnTunnelDown", "firing"][1], states
    assert states["golden-crab", ""][1].endswith("none"), states
    return fired


def check_files(text):
    """What ONCE=1 leaves: a summary, and pictures that are not empty."""
    folder = ROOT / "build" / "demo"
    names = re.search(r"^Written to build/demo: (.*)\.$", text, re.MULTILINE)[1].split(", ")
    summary = read(folder / "summary.txt")
    assert re.search(r"^All \d+ rows are equal\.$", summary, re.MULTILINE), summary
    assert "VpnTunnelDown" in summary, summary
    if not shutil.which("chromium"):
        assert "chromium is not installed" in text
        return
    assert names == ["summary.txt", "golden-crab.png", "free-salmon.png", "alerts.png"]
    for name in names[1:]:
        data = (folder / name).read_bytes()
        assert data[:8] == b"\x89PNG\r\n\x1a\n", name
        assert struct.unpack(">II", data[16:24]) == (1200, 1000), name
        assert len(data) > 15000, f"{name}: {len(data)} bytes are hardly a page"
        age = time.time() - (folder / name).stat().st_mtime
        assert age < 60 * PATIENCE, f"{name} is of another run"


def fetch(url, status=200):
    try:
        with urllib.request.urlopen(url, timeout=10 * PATIENCE) as answer:
            assert answer.status == status, url
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        assert error.code == status, url
        return error.read().decode()


def requests_of(page):
    values = re.findall(r"^proxy_requests_total\{.*\} (\d+)$", page, re.MULTILINE)
    return sum(map(int, values))


def urls_of(text):
    """{(proxy or Prometheus, page): URL}"""
    found, of = {}, ""
    for line in text.splitlines():
        title = re.match(r"(golden-crab|free-salmon|Prometheus):$", line)
        of = title[1] if title else of
        url = re.match(r"  (\w+) +(http://127\.0\.0\.1:\d+/\S*)$", line)
        if url:
            found[of, url[1]] = url[2]
    return found


def firing(alerts_url):
    """Names of the alerts that fire for free-salmon."""
    answer = json.loads(fetch(re.match(r"http://[^/]+", alerts_url)[0] + "/api/v1/alerts"))
    return {alert["labels"]["alertname"] for alert in answer["data"]["alerts"]
            if alert["state"] == "firing" and alert["labels"].get("proxy_name") == "free-salmon"}


def test_a_visitor_sees_the_trouble_and_does_not_break_the_demo():
    with Demo(terminal=True) as demo:
        demo.wait("^Started: 2 × dante")
        os.write(demo.terminal, b"\n")  # too early: it must not end the trouble
        demo.wait(f"^{STAYS} you press Enter")
        urls = urls_of(demo.text)
        assert len(urls) == 7, urls
        pages = {key: fetch(url) for key, url in urls.items() if key != ("free-salmon", "probes")}
        assert "tunnel" in fetch(urls["free-salmon", "probes"], 503)
        assert "free-salmon has trouble" in pages["free-salmon", "page"]
        assert "golden-crab has trouble" not in pages["golden-crab", "page"]
        for name in ("golden-crab", "free-salmon"):
            assert f'proxy_info{{proxy_name="{name}"}} 1\n' in pages[name, "metrics"]
        assert "ProxyLeak" in pages["Prometheus", "alerts"]
        check_commands(demo.text)

        golden, salmon = urls["golden-crab", "metrics"], urls["free-salmon", "metrics"]
        for url in (golden, salmon):
            begun = requests_of(fetch(url))
            wait_until(lambda of=url, than=begun: requests_of(fetch(of)) > than, 30)
        assert firing(urls["Prometheus", "alerts"]) >= {"VpnTunnelDown", "ProxyLeak"}

        demo.kill("wgsocks-collect", "p1")
        demo.wait("^.*free-salmon: .* collector was restarted", 30)
        demo.inside("p0", "ip", "link", "set", "wg0", "down")
        demo.wait("^.*golden-crab: wg0 is down", 30)
        demo.inside("p0", "ip", "link", "set", "wg0", "up")
        demo.wait("^.*golden-crab: wg0 is up again", 30)
        demo.kill("danted", "p1")
        demo.wait("^.*free-salmon: dante does not run", 30)
        demo.kill("wgsocks_exporte", "p0")
        demo.wait("^.*golden-crab: the exporter was killed", 30)
        demo.wait("golden-crab: no answer", 30)
        os.write(demo.terminal, b"\n")
        demo.wait(r"VpnTunnelDown +over", 60)
        demo.wait("^The tunnel works again", 30)
        assert demo.interrupt() == 0, demo.text[-3000:]
        check_gone(demo.processes, demo.before)


def check_commands(text):
    """The commands that the demo offers do what they should."""
    commands = re.findall(r"^(?:sudo )?((?:curl|nsenter) .*)$", text, re.MULTILINE)
    signs = ("proxy_requests_total", '"client_connections"', '"client_port"', "dispatch",
             "latest handshake", "ESTAB")
    assert len(commands) == len(signs), commands
    for command, sign in zip(commands, signs, strict=True):
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True,
                              timeout=20 * PATIENCE, check=False)
        assert done.returncode == 0, f"{command}: {done.stderr}"
        assert sign in done.stdout, f"{command}: {done.stdout[:300]}"


def test_ctrl_c_ends_it_at_any_moment():
    for moment, namespaces in ((None, 0), ("wgsocks_exporter demo", 0), ("Started: 2 × dante", 5),
                               ("Started: 2 × wgsocks", 5), ("Trouble: ", 5)):
        with Demo() as demo:
            if moment:
                demo.wait(f"^{moment}")
            else:
                wait_until(lambda one=demo: name_of(one.process.pid) == "python3", 10, every=0.001)
            status = demo.interrupt()
            # Before env has blocked the signal, it ends the process: a shell says 130 then, too.
            allowed = (130,) if moment else (130, -signal.SIGINT)
            assert status in allowed, f"{status} after {moment}: {demo.text}"
            check_gone(demo.processes, demo.before, namespaces)


def test_a_tunnel_that_goes_down_is_no_failure_and_without_a_terminal_it_stays_until_kill_9(record_property):
    with Demo() as demo:
        demo.wait("^Started: Prometheus")
        demo.inside("p0", "ip", "link", "set", "wg0", "down")
        demo.wait(f"^{STAYS} the end", 200)
        assert read_rows(demo.text)["golden-crab"]["vpn_connection_status"] == ("0", "0", "equal")
        assert re.search(r"^All \d+ rows are equal\.$", demo.text, re.MULTILINE), demo.text
        urls = urls_of(demo.text)
        pythons = demo.named("python3")
        used, begun = sum(map(cpu_seconds, pythons)), time.monotonic()
        metrics = urls["golden-crab", "metrics"]
        count = requests_of(fetch(metrics))
        wait_until(lambda: requests_of(fetch(metrics)) > count + 15, 60, "light traffic")
        used = (sum(map(cpu_seconds, pythons)) - used) / (time.monotonic() - begun)
        assert used < 0.5, f"the demo uses {used:.2f} CPUs"
        assert firing(urls["Prometheus", "alerts"]) >= {"VpnTunnelDown", "ProxyLeak"}
        demo.processes |= tree(demo.process.pid)
        demo.process.kill()
        demo.process.wait()
        check_gone(demo.processes, demo.before)
        with contextlib.suppress(OSError):
            raise AssertionError(f"still answers: {fetch(metrics)[:100]}")
    record_property("note", f"{used:.2f} CPUs")


def cpu_seconds(pid):
    return (int(stat(pid)[11]) + int(stat(pid)[12])) / os.sysconf("SC_CLK_TCK")


def test_it_ends_with_the_make_that_ran_it():
    with Demo(argv=("sh", "-c", f"{DEMO}; exit $?")) as demo:
        demo.wait("^Started: Prometheus")
        assert len(demo.processes) > 30, f"only {len(demo.processes)} processes"
        demo.process.kill()
        demo.process.wait()
        check_gone(demo.processes, demo.before)


def test_the_build_of_the_lab_prints_short_lines():
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(["make", f"BUILD={folder}", f"{folder}/target", f"{folder}/blind"],
                              cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True,
                              check=True)
        lines = done.stdout.splitlines()
        assert len(lines) == 4, done.stdout
        assert all(re.fullmatch(r"  (CC|LINK) +\S+", line) for line in lines), done.stdout
