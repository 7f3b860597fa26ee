# SPDX-License-Identifier: BSD-3-Clause
"""What a change costs while packets pass: a daemon and a data plane on DPDK's pcap port, asked for
changes by bench/changes.py, and how many packets the worker moves meanwhile."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import processes
import rows
from processes import Process, until

CHANGES, ROUNDS, RATE = 1000, 5, 10000
ENTRIES = 2000000  # what the daemon takes in in half a minute


def names(_):
    return [f"change/{name}" for name in
            ("admit", "block", "fill", "block in a large set", "trickle", "packets lost to it")]


class Live:
    """A filter under load. The daemon is kept off the worker's CPU."""

    def __init__(self, bench, folder):
        self.bench, self.folder = bench, folder
        self.run = folder / "run-live"
        self.processes = []

    def __enter__(self):
        try:
            return self.begin()
        except BaseException:
            self.__exit__()
            raise

    def begin(self):
        captures = processes.write_files(self.bench, self.folder)
        (self.folder / "state").rename(self.folder / "state-of-files")
        (self.folder / "state").mkdir()
        self.run.mkdir()
        self.start(Process(["taskset", "-c", "0", self.bench.build / "control/daemon/sluiced",
                            "--run", self.run, "--state", self.folder / "state"], self.folder,
                           "sluiced"))
        until(lambda: self.processes[0].must_run() and (self.run / "control.sock").exists(),
              "the daemon's socket")
        self.apply()
        self.worker = processes.sluice(self.bench, self.folder, "live", processes.LCORES,
                                       captures[:1])
        self.start(self.worker)
        self.worker.go_on()
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.end()

    def start(self, process):
        self.processes.append(process)

    def apply(self):
        subprocess.run([self.bench.build / "control/cli/sluice", "--run", self.run, "policy",
                        "apply", self.bench.root / "bench/policy.json"], check=True,
                       stdout=subprocess.DEVNULL)

    def changes(self, *words):
        return subprocess.Popen(
            ["taskset", "-c", "0", sys.executable, self.bench.root / "bench/changes.py",
             "--socket", self.run / "control.sock", *map(str, words)], text=True,
            stdout=subprocess.PIPE)

    def ask(self, *words):
        process = self.changes(*words)
        output, _ = process.communicate()
        assert process.returncode == 0, f"changes.py {words}: failed"
        return json.loads(output)


def latency(name, said, **more):
    return rows.Row(name, said["p99_us"], "us", said["p99_us"], said["p99_us"],
                    note=f"p99 of {said['changes']}; p50 {said['p50_us']:.0f} us", **more)


def serial(live, name, kind, count):
    goal = {"budget": "B6", "most": 1000}
    return latency(name, live.ask("serial", "--kind", kind, "--count", count), **goal)


def trickle(live, rounds, rate):
    """Windows with changes and without, in turn."""
    quiet, busy, said = [], [], None
    for _ in range(rounds):
        quiet.append(live.worker.window(stop=False))
        changes = live.changes("trickle", "--rate", rate, "--seconds", 1)
        busy.append(live.worker.window(stop=False))
        output, _ = changes.communicate()
        assert changes.returncode == 0, "changes.py trickle: failed"
        said = json.loads(output)
    yield rows.Row("change/trickle", said["reached_per_s"], "1/s", said["reached_per_s"],
                   said["reached_per_s"], note=f"p99 {said['p99_us']:.0f} us")
    over = rows.ratio("change/packets lost to it", processes.row("", busy),
                      processes.row("", quiet), most=3)
    over.unit = "%"
    if not over.noisy:
        over.figure, over.low, over.high = (100 * (1 - share)
                                            for share in (over.figure, over.high, over.low))
    yield over


def run(bench):
    if os.cpu_count() < 2:
        return [rows.left_out("change", "needs two CPUs")]
    count, entries = (50, 10000) if bench.quick else (CHANGES, ENTRIES)
    with tempfile.TemporaryDirectory() as folder, Live(bench, pathlib.Path(folder)) as live:
        made = [serial(live, "change/admit", "admit", count),
                serial(live, "change/block", "block", count)]
        said = live.ask("fill", "--count", entries)
        made += [rows.Row("change/fill", said["seconds"], "s", said["seconds"], said["seconds"],
                          note=f"{entries:,} entries, one change"),
                 serial(live, "change/block in a large set", "block", count)]
        made += trickle(live, bench.rounds or (1 if bench.quick else ROUNDS), RATE)
        live.worker.stop()
        processes.check(live.worker)
    return made
