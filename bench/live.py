# SPDX-License-Identifier: BSD-3-Clause
"""What a change costs while packets pass: a daemon and a data plane on DPDK's pcap port, asked for
changes by bench/changes.py, and how many packets the worker moves meanwhile."""
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import machine
import processes
import rows
from processes import Process, until

CHANGES, ROUNDS, RATE = 1000, 5, 10000
ENTRIES = 2000000  # what the daemon takes in in half a minute
OTHERS_MOST = 0.1  # of the time, that others may have had one of the CPUs


def names(_):
    return [f"change/{name}" for name in
            ("admit", "block", "fill", "block in a large set", "trickle", "throughput taken",
             "throughput a busy CPU takes")]


def spent_s(pid):
    """CPU time of a process."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def busy_s():
    """Time that the CPUs were not idle, or were not given to this machine."""
    ticks = [int(field) for field in machine.read("/proc/stat").split()[1:9]]
    return (sum(ticks) - sum(ticks[3:5])) / os.sysconf("SC_CLK_TCK")


class Live:
    """A filter under load. The daemon is kept off the worker's CPU."""

    def __init__(self, bench, folder):
        self.bench, self.folder = bench, folder
        self.run = folder / "run-live"
        self.processes, self.begun = [], 0

    def __enter__(self):
        try:
            return self.begin()
        except BaseException:
            self.__exit__()
            raise

    def begin(self):
        self.captures = processes.write_files(self.bench, self.folder)[:1]
        (self.folder / "state").rename(self.folder / "state-of-files")
        (self.folder / "state").mkdir()
        self.run.mkdir()
        self.start_daemon()
        until(lambda: self.daemon.must_run() and (self.run / "control.sock").exists(),
              "the daemon's socket")
        self.apply()
        self.start_dataplane()
        return self

    def start_daemon(self):
        self.daemon = Process(["taskset", "-c", "0", self.bench.build / "control/daemon/sluiced",
                               "--run", self.run, "--state", self.folder / "state"], self.folder,
                              "sluiced")
        self.processes.append(self.daemon)

    def start_dataplane(self):
        """Returns once packets pass."""
        self.worker = processes.sluice(self.bench, self.folder, "live", processes.huge_for(1),
                                       processes.LCORES, self.captures)
        self.processes.append(self.worker)
        self.worker.go_on()

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.end()

    def apply(self):
        subprocess.run([self.bench.build / "control/cli/sluice", "--run", self.run, "policy",
                        "apply", self.bench.root / "bench/policy.json"], check=True,
                       stdout=subprocess.DEVNULL)

    def others_s(self):
        """CPU time that others have had, once our children have ended."""
        ours = sum(spent_s(process.process.pid) for process in self.processes
                   if process.running())
        return busy_s() - ours - sum(os.times()[:4])

    def ask(self, *words, meanwhile=None):
        """What changes.py says; `fair`: hardly anybody else had a CPU meanwhile. It blocks other
        addresses each time, so that the layers of the set fill up."""
        began, before = time.monotonic(), self.others_s()
        process = subprocess.Popen(
            ["taskset", "-c", "0", sys.executable, self.bench.root / "bench/changes.py",
             "--socket", self.run / "control.sock", "--first", str(self.begun << 20),
             *map(str, words)], text=True, stdout=subprocess.PIPE)
        self.begun += 1
        if meanwhile:
            assert process.stdout.readline() == "begun\n", f"changes.py {words}: failed"
            meanwhile()
        output, _ = process.communicate()
        assert process.returncode == 0, f"changes.py {words}: failed"
        others = (self.others_s() - before) / (time.monotonic() - began)
        return {"fair": others <= OTHERS_MOST, **json.loads(output.splitlines()[-1])}


def serial(live, name, kind, count, rounds):
    said = [live.ask("serial", "--kind", kind, "--count", count) for _ in range(rounds)]
    half = statistics.median(one["p50_us"] for one in said)
    return rows.from_samples(name, "us", [one["p99_us"] if one["fair"] else None for one in said],
                             budget="B6", most=1000, note=f"p99 of {count}; p50 {half:.0f} us")


def fill(live, entries):
    said = live.ask("fill", "--count", entries)
    return rows.Row("change/fill", said["seconds"], "s", said["seconds"], said["seconds"],
                    noisy=not said["fair"], note=f"{entries:,} entries, one change")


def beside_a_loop(live):
    """A window while the daemon's CPU does nothing but keep busy: CPUs of one host share caches,
    clocks and maybe cores."""
    loop = Process(["taskset", "-c", "0", sys.executable, "-c", "while True: pass"], live.folder,
                   "loop")
    try:
        return live.worker.window(stop=False)
    finally:
        loop.end()


def taken(name, windows, quiet, **more):
    """How much of the throughput of quiet windows others lack."""
    row = rows.ratio(name, processes.row("", windows), processes.row("", quiet), **more)
    row.unit = "%"
    if not row.noisy:
        row.figure, row.low, row.high = (100 * (1 - share)
                                         for share in (row.figure, row.high, row.low))
    return row


def trickle(live, rounds, rate):
    """Windows with changes and without, in turn."""
    quiet, beside, busy, said = [], [], [], []
    for _ in range(rounds):
        quiet.append(live.worker.window(stop=False))
        beside.append(beside_a_loop(live))
        said.append(live.ask("trickle", "--rate", rate, "--seconds", 1, meanwhile=lambda:
                             busy.append(live.worker.window(stop=False))))
    late = statistics.median(one["p99_us"] for one in said)
    yield rows.from_samples("change/trickle", "1/s", [one["reached_per_s"] if one["fair"] else None
                                                      for one in said],
                            note=f"of {rate:,} wanted; p99 {late:.0f} us")
    yield rows.difference(taken("change/throughput taken", busy, quiet, most=3))
    yield taken("change/throughput a busy CPU takes", beside, quiet)


def run(bench):
    if os.cpu_count() < 2:
        return [rows.left_out("change", "needs two CPUs")]
    count, entries = (50, 10000) if bench.quick else (CHANGES, ENTRIES)
    rounds = bench.rounds or (1 if bench.quick else ROUNDS)
    with tempfile.TemporaryDirectory() as folder, Live(bench, pathlib.Path(folder)) as live:
        made = [serial(live, "change/admit", "admit", count, rounds),
                serial(live, "change/block", "block", count, rounds),
                fill(live, entries),
                serial(live, "change/block in a large set", "block", count, rounds),
                *trickle(live, rounds, RATE)]
        live.worker.stop()
        processes.check(live.worker)
    return made
