# SPDX-License-Identifier: BSD-3-Clause
"""What replacing a whole origin feed takes: bench/feed.py's figures as rows."""
import json
import os
import subprocess
import sys

import rows
from processes import CPU_LEAST

ROUNDS = 5
KINDS = ["libloc", "csv"]


def names(_):
    return [f"feed/{kind}{what}" for kind in KINDS for what in ("", " dip")]


def rows_of(said):
    """Not fair: those who make the change, or the worker, had not their CPU for enough of it."""
    kind, each = said["feed"], said["each"]
    assert said["adds_up"], f"feed {kind}: the counters do not add up"
    yield rows.from_samples(
        f"feed/{kind}", "ms",
        [one["took_ms"] if one["cpu_ms"] >= CPU_LEAST * one["took_ms"] else None for one in each],
        budget="B7", most=300, note=f"{said['cpu_ms']['median']:.0f} ms of CPU time")
    yield rows.difference(rows.from_samples(
        f"feed/{kind} dip", "%",
        [one["dip_percent"] if one["worker_ran_percent"] >= 100 * CPU_LEAST else None
         for one in each], budget="B7", most=5,
        note=f"of throughput; the worker ran {said['worker_ran_percent']['median']:.0f}% of the "
        "time"))


def run(bench):
    if os.cpu_count() < 2:
        return [rows.left_out("feed", "needs two CPUs")]
    rounds = bench.rounds or (1 if bench.quick else ROUNDS)
    kinds = KINDS[:1] if bench.quick else KINDS
    done = subprocess.run([sys.executable, bench.root / "bench/feed.py", "--build",
                           bench.build.resolve(), "--rounds", str(rounds),
                           *(word for kind in kinds for word in ("--feed", kind))],
                          check=True, text=True, stdout=subprocess.PIPE)
    return [row for line in done.stdout.splitlines() for row in rows_of(json.loads(line))]
