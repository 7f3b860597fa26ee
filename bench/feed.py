#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Replaces the whole origin feed of a filter under load, again and again, by one that differs in
every prefix. Starts a daemon and a data plane of its own, the worker alone on the last CPU and all
else on the first, and sends from memory what the pcap port can.

Prints a JSON object for each type of feed: how long a replacement took from request to answer,
which comes once every worker enforces it, and what CPU time of it was the daemon's and the data
plane's main thread's; what throughput was before, during and after, and in steps of 10 ms;
whether the counters add up; memory before and after. Run it where nobody else runs: throughput is
of the time that the worker had its CPU, but what shares its caches shows."""
import argparse
import json
import mmap
import os
import pathlib
import random
import shutil
import statistics
import struct
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts/lib"))
sys.path.insert(0, str(ROOT / "bench"))
import changes  # noqa: E402
import feed_files  # noqa: E402
from filter import (Failure, OwnFilter, eal_options, end_in_order,  # noqa: E402
                    free_huge_megabytes)

FRAMES, STEP_S, QUIET_S, MEGABYTES = 4096, 0.01, 1.0, 512
EDGE, SERVER = "net_pcap0", "net_pcap1"
# core/counters.h: where the first worker's `received` is.
RECEIVED_AT = 64 * ((16 + 4 * 2 * 4096 + 63) // 64)


def frame(source):
    """TCP from an address to the service `front` of policy.json."""
    tcp = struct.pack("!HHIIBBHHH", 1024, 443, 0, 0, 0x50, 0x02, 0, 0, 0)
    ip4 = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40, 0, 0, 64, 6, 0, source, bytes([198, 18, 0, 1]))
    return bytes.fromhex("020000000002020000000001") + b"\x08\0" + ip4 + tcp + bytes(6)


def write_capture(path, frames):
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for each in frames:
            file.write(struct.pack("<IIII", 0, 0, len(each), len(each)) + each)
    return path


def ran_s(pid, named):
    """CPU time that threads of the process with such a name have had."""
    return sum(int((task / "schedstat").read_text().split()[0]) / 1e9
               for task in pathlib.Path(f"/proc/{pid}/task").iterdir()
               if named in (task / "comm").read_text())


class Meter:
    """
    What the worker has received and how long it ran, read every STEP_S in a thread of its own.
    Rates are of time that it ran: on a machine of many who wait for its CPU, the rest is theirs.
    """

    def __init__(self, path, pid):
        with open(path, "rb") as file:
            self.counters = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        self.samples, self.stopped, self.pid = [], False, pid
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.stopped:
            packets, = struct.unpack_from("<Q", self.counters, RECEIVED_AT)
            self.samples.append((time.monotonic(), packets, ran_s(self.pid, "worker")))
            time.sleep(STEP_S)

    def rates(self, begin, end):
        """Packets a second in each step that began in between, if the worker ran for some of it."""
        return [(packets - before) / (ran - had)
                for (since, before, had), (at, packets, ran) in zip(self.samples, self.samples[1:])
                if begin <= since < end and ran - had > (at - since) / 8]

    def rate(self, begin, end):
        """Likewise in all, and the share of the time that the worker ran."""
        inside = [sample for sample in self.samples if begin <= sample[0] <= end]
        since, before, had = inside[0]
        at, packets, ran = inside[-1]
        return (packets - before) / (ran - had), (ran - had) / (at - since)


def memory_kb(process):
    """What is resident; pages of hugetlbfs do not count as such."""
    status = pathlib.Path(f"/proc/{process.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


def policy(kind):
    document = json.loads((ROOT / "bench/policy.json").read_text())
    feed = {"type": "libloc"} if kind == "libloc" else {"type": "csv", "file": "feed.csv"}
    document["origins"]["feeds"] = [feed]
    return document


def place(file, target):
    """Put a copy in the target's place in one step, as whoever fetches feeds should."""
    copy = target.with_suffix(".new")
    shutil.copy(file, copy)
    os.replace(copy, target)


class Trial:
    def __init__(self, options, folder, kind, files):
        self.kind, self.files, self.folder = kind, files, folder
        self.target = folder / "feeds" / ("feed.csv" if kind == "csv" else "feed.db")
        self.target.parent.mkdir()
        place(files[0], self.target)
        self.filter = OwnFilter(options.build, folder)

    def start(self):
        chosen = random.Random(1)
        load = write_capture(self.folder / "load.pcap",
                             [frame(chosen.randbytes(4)) for _ in range(FRAMES)])
        nothing = write_capture(self.folder / "nothing.pcap", [])
        last = os.cpu_count() - 1
        self.filter.start(
            [*eal_options("dataplane", MEGABYTES, free_huge_megabytes() >= MEGABYTES),
             "--no-pci", "--no-shconf", "--lcores", f"0@0,1@{last}",
             "--vdev", f"{EDGE},rx_pcap={load},infinite_rx=1",
             "--vdev", f"{SERVER},rx_pcap={nothing}"],
            ["--pair", f"{EDGE},{SERVER}"],
            ["--feeds", self.folder / "feeds", "--libloc", self.folder / "feeds/feed.db"])
        self.filter.wait()
        self.client = changes.Client(str(self.folder / "run/control.sock"))
        self.client.ask("policy.apply", policy=policy(self.kind))

    def replace(self, meter, number):
        """One replacement: seconds to its answer, and rates before, during and after it."""
        place(self.files[number % 2], self.target)
        request = changes.request_of("policy.apply", {"policy": policy(self.kind)})
        time.sleep(QUIET_S)
        ran = self.ran()
        began = time.monotonic()
        self.client.send(request)
        self.client.finish()
        ended = time.monotonic()
        ran = [after - before for before, after in zip(ran, self.ran())]
        time.sleep(QUIET_S)
        self.filter.dataplane.must_run()
        before, _ = meter.rate(began - QUIET_S, began)
        during, share = meter.rate(began, ended + STEP_S)
        after, _ = meter.rate(ended + STEP_S, ended + QUIET_S)
        steps = meter.rates(began, ended + STEP_S)
        return {
            "took_ms": round((ended - began) * 1e3, 1),
            "ran_ms": {"sluiced": round(ran[0] * 1e3, 1), "dataplane": round(ran[1] * 1e3, 1)},
            "cpu_ms": round(sum(ran) * 1e3, 1),
            "worker_ran_percent": round(share * 100, 1),
            "mpps": [round(rate / 1e6, 2) for rate in (before, during, after)],
            "dip_percent": round(100 * (1 - during * 2 / (before + after)), 1),
            "lowest_step": round(min(steps, default=0) / before, 3),
            "steps": [round(step / before, 2) for step in steps],
        }

    def ran(self):
        """CPU time of those who work on a change: the daemon, the data plane's main thread."""
        return (ran_s(self.filter.daemon.process.pid, ""),
                ran_s(self.filter.dataplane.process.pid, "sluice-datapl"))

    def memory(self):
        return {"sluiced": memory_kb(self.filter.daemon),
                "sluice-dataplane": memory_kb(self.filter.dataplane)}

    def adds_up(self):
        """Nothing can be lost: the worker takes from the port what it has time for."""
        stats = self.filter.stats()
        return all(sum(count["packets"] for count in stats[name].values()) ==
                   stats["received"]["packets"] for name in ("reasons", "verdicts"))

    def run(self, rounds):
        with self.filter:
            self.start()
            meter = Meter(self.folder / "run/dataplane.counters",
                          self.filter.dataplane.process.pid)
            self.replace(meter, 1)  # so that what is kept from one to the next is there
            before = self.memory()
            made = [self.replace(meter, number) for number in range(2, 2 + rounds)]
            meter.stopped = True
            meter.thread.join()
            after = self.memory()
            return {"feed": self.kind, "replacements": rounds,
                    **{name: spread([each[name] for each in made])
                       for name in ("took_ms", "cpu_ms", "dip_percent", "worker_ran_percent")},
                    "adds_up": self.adds_up(), "memory_kb": {"before": before, "after": after},
                    "each": made}


def spread(values):
    return {"median": round(statistics.median(values), 1), "least": round(min(values), 1),
            "most": round(max(values), 1)}


def options_read():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--rounds", type=int, default=5, help="replacements of each feed (5)")
    parser.add_argument("--feed", choices=["libloc", "csv"], action="append",
                        help="only this type")
    return parser.parse_args()


def main():
    options = options_read()
    end_in_order()
    files = feed_files.make(options.build / "feeds")
    os.sched_setaffinity(0, {0})
    for kind in options.feed or ["libloc", "csv"]:
        with tempfile.TemporaryDirectory(prefix="sluice-feed-") as folder:
            trial = Trial(options, pathlib.Path(folder), kind, files[kind])
            print(json.dumps(trial.run(options.rounds)), flush=True)


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(f"feed.py: {failure}")
