# SPDX-License-Identifier: BSD-3-Clause
"""What one run of the twin's program takes in the kernel, beside xdp-filter's: bench-twin's samples
as rows and ratios. Where packets come from many senders, what the stage takes that changes them is
taken off, round by round."""
import json
import os
import pathlib
import subprocess

import rows

OBJECTS = "xdpfilt_alw_all.o"  # of Debian's xdp-tools
# Of each scene: its row, the trial whose stage it used, and that one of what it is compared with.
SCENES = {
    "set": ("empty/one", "empty/one"),
    "passed": ("empty/one", "empty/one"),
    "100K": ("empty/100K", "empty/100K-plain"),
    "one": ("empty/one", None),
    "1M": ("empty/1M", None),
}
# xdp-filter is what `xdp-filter load` loads, with all that it can do.
BUDGETS = {
    "twin/one/twin": {"budget": "B9", "most": 75},
    "twin/1M/twin": {"budget": "B9", "most": 200},
    "twin/set over xdp-filter-all": {"budget": "B9", "most": 1.0},
    "twin/passed over xdp-filter-all": {"budget": "B9", "most": 1.0},
}


def command(bench):
    return [bench.build / "bench" / "bench-twin", "--policy", bench.root / "bench/policy.json",
            "--sets", bench.root / "bench/sets.json"]


def listed(words, part):
    output = subprocess.run([*words, "--list"], check=True, text=True,
                            stdout=subprocess.PIPE).stdout
    return [f"{part}/{name}" for name in output.splitlines()]


def names(bench):
    return listed(command(bench), "twin")


def missing():
    """What the part lacks here, and where xdp-filter's programs lie."""
    folders = [path.parent for path in pathlib.Path("/usr/lib").glob(f"*/bpf/{OBJECTS}")]
    if not folders:
        return "needs xdp-tools", None
    return None if os.geteuid() == 0 else "needs root", folders[0]


def options(bench, part, folder):
    """What the programs that compare with xdp-filter are told besides."""
    only = bench.only.removeprefix(f"{part}/") if bench.only.startswith(f"{part}/") else "*"
    return ["--xdp-filter", folder, "--only", only]


def measure(bench, words, more):
    """What one of the programs prints, by name."""
    more = more + (["--quick"] if bench.quick else [])
    if bench.rounds:
        more += ["--rounds", str(bench.rounds)]
    done = subprocess.run([*words, *more], check=True, text=True, stdout=subprocess.PIPE)
    return {line["name"]: line for line in map(json.loads, done.stdout.splitlines())}


def trial(part, said, ghz):
    """The row of one, in nanoseconds."""
    row = rows.from_samples(f"{part}/{said['name']}", "ns",
                            [cycles / ghz or None for cycles in said["rounds"]])
    row.figure, row.low, row.high = (said[key] / ghz for key in ("figure", "low", "high"))
    row.noisy = said["kept"] < rows.FAIR_SHARE * said["samples"]
    return row


def off_stage(row, stage, empty):
    """The row less what its stage took."""
    if stage is empty:
        return row
    taken = stage.figure - empty.figure
    row.figure, row.low, row.high = (value - taken for value in (row.figure, row.low, row.high))
    row.rounds = [value - (on - off) if value and on and off else None
                  for value, on, off in zip(row.rounds, stage.rounds, empty.rounds)]
    row.noisy = row.noisy or stage.noisy or empty.noisy
    row.note = f"{taken:.0f} ns of the stage taken off"
    return row


def table(said):
    ghz = said["machine"]["tsc_ghz"]
    made = {name: trial("twin", line, ghz) for name, line in said.items() if "rounds" in line}
    empty = made["empty/one"]
    yield empty
    for name, row in made.items():
        scene, program = name.split("/")
        if scene == "empty":
            continue
        stage = SCENES[scene][0 if program == "twin" else 1]
        row = off_stage(row, made[stage], empty)
        vars(row).update(BUDGETS.get(row.name, {}))
        yield row
    for name, row in made.items():
        scene, program = name.split("/")
        if program.startswith("xdp-filter"):
            ratio = f"twin/{scene} over {program}"
            over = rows.ratio(ratio, made.get(f"{scene}/twin"), row, **BUDGETS.get(ratio, {}))
            if over:
                yield over


def check(said):
    """All was on: what became of packets of the million is what the policy says."""
    of = said["reasons/1M"]
    reasons = sum(count for reason, count in of.items() if reason not in ("name", "packets"))
    assert reasons == of["packets"], of
    assert of["admitted"] > 0.9 * of["packets"] and of["shed"] and of["blocked"], of


def run(bench):
    lacks, folder = missing()
    if lacks:
        return [rows.left_out("twin", lacks, lacks_tool=True)]
    said = measure(bench, command(bench), options(bench, "twin", folder))
    check(said)
    bench.reference = bench.reference or said["machine"]
    return list(table(said))
