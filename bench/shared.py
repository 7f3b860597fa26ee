# SPDX-License-Identifier: BSD-3-Clause
"""What it costs the data plane to have its buckets in common with the twin, in the kernel's arrays
instead of memory of its own: bench-shared's samples as rows and ratios."""
import os

import rows
import twin

SIZES = ["1K", "1M", "10M"]


def command(bench):
    return [bench.build / "bench" / "bench-shared", "--policy", bench.root / "bench/policy.json"]


def names(bench):
    return twin.listed(command(bench), "shared")


def run(bench):
    if os.geteuid() != 0:
        return [rows.left_out("shared", "needs root", lacks_tool=True)]
    said = twin.measure(bench, command(bench), [])
    ghz = said["machine"]["tsc_ghz"]
    made = {name: twin.trial("shared", line, ghz) for name, line in said.items()
            if "rounds" in line}
    ratios = [rows.ratio(f"shared/{size}, {memory} over own", made[f"{size}/{memory}"],
                         made[f"{size}/own"])
              for size in SIZES for memory in ("own, atomic", "own, atomic, small pages", "twin")]
    return [*made.values(), *ratios]
