# SPDX-License-Identifier: BSD-3-Clause
"""What a decision costs: bench-decide's samples as rows, ratios and budgets."""
import json
import subprocess

import rows

LEVELS = ["avx512", "avx2", "scalar"]  # the best first
SIZES = {"1K": 45, "10K": None, "100K": None, "1M": 90, "10M": 110}  # B1, cycles
BYTES_A_SOURCE = 27


def command(bench):
    return [bench.build / "bench" / "bench-decide", "--policy", bench.root / "bench/policy.json"]


def names(bench):
    output = subprocess.run([*command(bench), "--list"], check=True, text=True,
                            stdout=subprocess.PIPE).stdout
    return output.split() + ["decide/B2", "decide/B3", "decide/B5", "memory/source",
                             "memory/shared"]


def measure(bench):
    """What bench-decide prints, by name."""
    options = ["--rounds", str(bench.rounds)] if bench.rounds else []
    only = bench.only if bench.only.startswith("decide/") and "/B" not in bench.only else "*"
    result = subprocess.run([*command(bench), *options, *(["--quick"] if bench.quick else []),
                             "--only", only],
                            check=True, text=True, stdout=subprocess.PIPE)
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    return {line["name"]: line for line in lines}


def decision(said, machine, best):
    """The row of one trial."""
    _, scene, decider = said["name"].split("/")
    row = rows.from_samples(said["name"], "cycles",
                            [cycles or None for cycles in said["rounds"]],
                            note=f"{said['figure'] / machine['tsc_ghz']:.0f} ns")
    row.figure, row.low, row.high = said["figure"], said["low"], said["high"]
    row.noisy = said["kept"] < rows.FAIR_SHARE * said["samples"]
    if decider == best and SIZES.get(scene):
        row.budget, row.most = "B1", SIZES[scene]
    return row


def ratios(made, best):
    def of(scene, decider=best):
        return made.get(f"decide/{scene}/{decider}")

    yield rows.ratio("decide/B2 10M over plain chain", of("10M"), of("10M", "plain"),
                     budget="B2", most=0.30)
    for size in ("1K", "1M", "10M"):
        for kind in ("", "-zipf"):
            if (size, kind) != ("10M", ""):
                yield rows.ratio(f"decide/{size}{kind} over plain chain", of(size + kind),
                                 of(size + kind, "plain"))
    yield rows.ratio("decide/B3 10M over 1K", of("10M"), of("1K"))
    yield rows.ratio("decide/B5 rate of a flood over 10M", of("10M"), of("flood"),
                     budget="B5", least=0.9)


def memory(said):
    sources = said.get("sources/10M")
    if not sources:
        return
    value = sources["bytes"] / sources["live"]
    yield rows.Row("memory/source", value, "bytes", value, value, budget="B8",
                   most=BYTES_A_SOURCE, note=f"{sources['live']:,} live sources")
    value = 100 * (1 - sources["own_bucket"] / sources["live"])
    yield rows.Row("memory/shared", value, "%", value, value,
                   note="of live sources, without a bucket of their own")


def check(said):
    """The work was done: every packet has its reason, and hardly any a wrong one."""
    for name, counts in said.items():
        if name.startswith("reasons/"):
            reasons = {key: value for key, value in counts.items()
                       if key not in ("name", "packets")}
            assert sum(reasons.values()) == counts["packets"], counts
            assert counts["packets"] > 0, counts
            assert counts["malformed"] == 0, counts


def run(bench):
    said = measure(bench)
    check(said)
    bench.say_machine(said["machine"])
    trials = [line for name, line in said.items() if name.startswith("decide/")]
    best = next(level for level in LEVELS
                if any(line["name"].endswith("/" + level) for line in trials))
    made = {}
    for line in trials:
        made[line["name"]] = decision(line, said["machine"], best)
    bench.curves = [(name, row) for name, row in made.items()]
    bench.best = best
    return [*made.values(), *(row for row in ratios(made, best) if row), *memory(said)]
