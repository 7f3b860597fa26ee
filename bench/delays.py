# SPDX-License-Identifier: BSD-3-Clause
"""The time that a worker adds to a packet: bench-latency's figures as rows."""
import json
import os
import subprocess

import rows

ROUNDS = 9
LOADS = ["10%", "50%", "80%"]
QUANTILES = ["p50", "p99", "p99.99"]


def names(_):
    return [f"latency/{load}/{quantile}" for load in LOADS for quantile in QUANTILES]


def measure(bench):
    rounds = bench.rounds or (1 if bench.quick else ROUNDS)
    done = subprocess.run([bench.build / "bench/bench-latency", bench.root / "bench/policy.json",
                           str(rounds), *(["quick"] if bench.quick else [])],
                          check=True, text=True, stdout=subprocess.PIPE)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {line["name"]: line for line in lines}


def row(load, quantile, ours, plain):
    figure = ours[quantile] / 1000
    lost = f", {ours['lost']} lost" if ours["lost"] else ""
    noisy = any(line["kept"] < rows.FAIR_SHARE * line["windows"] for line in (ours, plain))
    return rows.Row(f"latency/{load}/{quantile}", figure, "us", figure, figure, noisy,
                    note=f"{plain[quantile] / 1000:.1f} us without a decision, at "
                         f"{ours['pps'] / 1e6:.1f} Mpps{lost}")


def run(bench):
    if os.cpu_count() < 2:
        return [rows.left_out("latency", "needs two CPUs")]
    said = measure(bench)
    return [row(load, quantile, said[f"latency/{load}/sluice"], said[f"latency/{load}/forward"])
            for load in LOADS for quantile in QUANTILES]
