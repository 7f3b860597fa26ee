# SPDX-License-Identifier: BSD-3-Clause
"""What replacing a whole origin feed takes: bench/feed.py's figures as rows."""
import json
import os
import subprocess
import sys

import rows

ROUNDS = 5
KINDS = ["libloc", "csv"]


def names(_):
    return [f"feed/{kind}{what}" for kind in KINDS for what in ("", " dip")]


def rows_of(said):
    kind, took, dip, lost = said["feed"], said["took_ms"], said["dip_percent"], said["lost"]
    assert lost["adds_up"], f"feed {kind}: the counters do not add up"
    yield rows.Row(f"feed/{kind}", took["median"], "ms", took["least"], took["most"],
                   budget="B7", most=300,
                   note=f"{said['cpu_ms']['median']:.0f} ms of CPU time, "
                        f"{lost['missed_by_ports'] + lost['unsent']} packets lost")
    ran = said["worker_ran_percent"]["median"]
    yield rows.Row(f"feed/{kind} dip", dip["median"], "%", dip["least"], dip["most"], budget="B7",
                   most=5, note=f"of the rate; the worker ran {ran:.0f}% of the time")


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
