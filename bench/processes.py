# SPDX-License-Identifier: BSD-3-Clause
"""The real sluice-dataplane on DPDK's pcap port, beside dpdk-testpmd on the same port and capture,
and with two workers beside one. All run at once and one at a time is let go on, so that each sees
the machine in the same moods, and all have hugepages or none. Rates are packets by the CPU time of
the threads that move them."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import machine
import rows

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "scripts/lib"))
from filter import Process, eal_options, free_huge_megabytes, until  # noqa: E402

SOURCES = 4096
ROUNDS, WARM_S, WINDOW_S = 9, 0.1, 0.4
LCORES = "0@0,1@1"
PROCESSES, MEGABYTES = 5, 256
CPU_LEAST = 0.6  # of a window that a thread must have had its CPU


def names(_):
    return [f"process/{name}" for name in
            ("rxonly", "macswap", "sluice", "sluice over macswap", "sluice over rxonly",
             "two workers over one")]


class Forwarder(Process):
    """A process that forwards from port net_pcap0 by `workers` threads."""

    def __init__(self, arguments, folder, name, workers=1):
        super().__init__(arguments, folder, name, stdin=subprocess.PIPE)
        self.workers = workers
        try:
            until(lambda: self.must_run() and self.packets() > 0, f"packets through {name}")
            self.threads = self.find_threads()
        except BaseException:
            self.end()
            raise
        self.stop()

    def packets(self):
        try:
            return self.ports()["net_pcap0"]["ipackets"]
        except (OSError, KeyError):
            return 0

    def find_threads(self):
        """Of those that move packets, the files that say what they have had of their CPU."""
        tasks = list(pathlib.Path(f"/proc/{self.process.pid}/task").iterdir())
        found = [task / "schedstat" for task in tasks
                 if re.match(r"(rte|lcore)-worker", machine.read(task / "comm"))]
        assert len(found) == self.workers, f"{self.name}: {len(found)} workers"
        return found

    def cpu_ns(self):
        return sum(int(thread.read_text().split()[0]) for thread in self.threads)

    def stop(self):
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def read(self):
        return self.packets(), self.cpu_ns(), time.monotonic_ns()

    def window(self, stop=True):
        """Packets a second that one worker moved; None: somebody else had the CPU."""
        self.go_on()
        time.sleep(WARM_S)
        before = self.read()
        time.sleep(WINDOW_S)
        packets, cpu, wall = (b - a for a, b in zip(before, self.read()))
        if stop:
            self.stop()
        return packets / cpu * 1e9 if cpu >= CPU_LEAST * wall * self.workers else None

    def end(self):
        """A data plane ends at a signal, dpdk-testpmd at the end of its input."""
        self.go_on()
        if not self.process.stdin.closed:
            self.process.stdin.close()
        super().end()


def huge_for(count):
    """Whether there are hugepages for so many processes."""
    return free_huge_megabytes() >= count * MEGABYTES


def eal(name, huge, lcores, vdevs):
    options = [*eal_options(name, MEGABYTES, huge), "--lcores", lcores, "--no-pci"]
    for vdev in vdevs:
        options += ["--vdev", vdev]
    return options


def sluice(bench, folder, name, huge, lcores, captures):
    edge = "".join(f",rx_pcap={capture}" for capture in captures)
    server = f",rx_pcap={folder / 'none.pcap'}" * len(captures)
    run = folder / f"run-{name}"
    run.mkdir(exist_ok=True)
    return Forwarder(
        [bench.build / "dataplane/sluice-dataplane",
         *eal(name, huge, lcores, [f"net_pcap0{edge},infinite_rx=1", f"net_pcap1{server}"]), "--",
         "--state", folder / "state", "--run", run, "--pair", "net_pcap0,net_pcap1",
         "--workers", len(captures)], folder, name, len(captures))


def testpmd(folder, mode, huge, capture):
    return Forwarder(
        ["dpdk-testpmd",
         *eal(mode, huge, LCORES, [f"net_pcap0,rx_pcap={capture},infinite_rx=1"]), "--",
         f"--forward-mode={mode}", "--burst=64", "--total-num-mbufs=16384", "--auto-start"],
        folder, mode)


def write_files(bench, folder):
    captures = [folder / name for name in ("all.pcap", "even.pcap", "odd.pcap")]
    for names_ in (captures[:1], captures[1:]):
        subprocess.run([bench.build / "bench/bench-files", bench.root / "bench/policy.json",
                        folder / "state", str(SOURCES), *names_], check=True)
    (folder / "none.pcap").write_bytes(captures[0].read_bytes()[:24])
    return captures


def start(bench, folder):
    everything, even, odd = write_files(bench, folder)
    huge = huge_for(PROCESSES)
    yield sluice(bench, folder, "sluice", huge, LCORES, [everything])
    if shutil.which("dpdk-testpmd"):
        yield testpmd(folder, "macswap", huge, everything)
        yield testpmd(folder, "rxonly", huge, everything)
    yield sluice(bench, folder, "half", huge, LCORES, [even])
    yield sluice(bench, folder, "two", huge, "0@0,1@0,2@1", [even, odd])


def check(forwarder):
    """What a data plane counted adds up."""
    forwarder.end()
    said = forwarder.said()
    totals = json.loads(said[said.index("{"):said.rindex("}") + 1])
    for unit in ("packets", "bytes"):
        assert totals["received"][unit] == sum(
            count[unit] for count in totals["reasons"].values()), totals
        assert totals["verdicts"]["pass"][unit] == (
            totals["sent"][unit] + totals["unsent"][unit]), totals


def row(name, samples, **more):
    rates = [sample and sample / 1e6 for sample in samples]
    return rows.from_samples(name, "Mpps", rates, **more)


def measure(forwarders, rounds):
    samples = {forwarder.name: [] for forwarder in forwarders}
    for _ in range(rounds):
        for forwarder in forwarders:
            samples[forwarder.name].append(forwarder.window())
    return samples


def table(samples):
    made = {name: row(f"process/{name}", values) for name, values in samples.items()}
    shown = [made[name] for name in ("rxonly", "macswap", "sluice") if name in made]
    yield from shown
    for rival, goal in (("macswap", {"budget": "B4", "least": 0.75}), ("rxonly", {})):
        if rival in made:
            yield rows.ratio(f"process/sluice over {rival}", made["sluice"], made[rival], **goal)
    over = rows.ratio("process/two workers over one", made["two"], made["half"], budget="B10",
                      least=1.9)
    over.figure, over.low, over.high = 2 * over.figure, 2 * over.low, 2 * over.high
    yield over


def run(bench):
    if os.cpu_count() < 2:
        return [rows.left_out("process", "needs two CPUs")]
    with tempfile.TemporaryDirectory() as folder:
        forwarders = []
        try:
            for forwarder in start(bench, pathlib.Path(folder)):
                forwarders.append(forwarder)
            samples = measure(forwarders, bench.rounds or (2 if bench.quick else ROUNDS))
            for forwarder in forwarders:
                if forwarder.name not in ("macswap", "rxonly"):
                    check(forwarder)
        finally:
            for forwarder in forwarders:
                forwarder.end()
    return list(table(samples))
