# SPDX-License-Identifier: BSD-3-Clause
"""What a packet costs, by decision and by pipeline: bench-decide's samples as rows and ratios."""
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
    return output.split()


def measure(bench):
    """What bench-decide prints, by name."""
    options = ["--quick"] if bench.quick else []
    if bench.rounds:
        options += ["--rounds", str(bench.rounds)]
    result = subprocess.run([*command(bench), *options, "--only", bench.only], check=True,
                            text=True, stdout=subprocess.PIPE)
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    return {line["name"]: line for line in lines}


def decision(said, machine, best):
    """The row of one trial."""
    part, scene, decider = said["name"].split("/")
    row = rows.from_samples(said["name"], "cycles",
                            [cycles or None for cycles in said["rounds"]],
                            note=f"{said['figure'] / machine['tsc_ghz']:.0f} ns")
    row.figure, row.low, row.high = said["figure"], said["low"], said["high"]
    row.noisy = said["kept"] < rows.FAIR_SHARE * said["samples"]
    if part == "decide" and decider == best and SIZES.get(scene):
        row.budget, row.most = "B1", SIZES[scene]
    return row


def ratios(made, best):
    def of(scene, decider=best):
        return made.get(f"{scene}/{decider}")

    for size in SIZES:
        for kind in ("", "-zipf"):
            goal = {"budget": "B2", "most": 0.30} if size + kind == "10M" else {}
            scene = f"decide/{size}{kind}"
            yield rows.ratio(f"{scene} over plain chain", of(scene), of(scene, "plain"), **goal)
    yield rows.ratio("decide/10M over 1K", of("decide/10M"), of("decide/1K"))
    yield rows.ratio("decide rate, flood over 10M", of("decide/10M"), of("decide/flood"),
                     budget="B5", least=0.9)
    yield rows.ratio("pipeline/10M over 1K", of("pipeline/10M"), of("pipeline/1K"), budget="B3",
                     most=1.6)


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


def shares(counts):
    return {reason: packets / counts["packets"] for reason, packets in counts.items()
            if reason not in ("name", "packets")}


def check(said, quick):
    """The work was done: every packet has its reason, none a wrong one, and where both had the
    same packets the plain chain came to the same."""
    counted = {name: shares(counts) for name, counts in said.items()
               if name.startswith("reasons/")}
    for name, of in counted.items():
        assert abs(sum(of.values()) - 1) < 1e-9, f"{name}: {of}"
        assert of["malformed"] == 0, f"{name}: {of}"
    for place in () if quick else ("10K", "100K", "10M"):
        ours, plain = (counted.get(f"reasons/{place}/{by}") for by in ("sluice", "plain"))
        for reason in ours if ours and plain else ():
            assert abs(ours[reason] - plain[reason]) < 0.05, f"{place}: {ours} {plain}"


def run(bench):
    said = measure(bench)
    check(said, bench.quick)
    bench.reference = said["machine"]
    trials = [line for line in said.values() if "rounds" in line]
    best = next((level for level in LEVELS
                 if any(line["name"].endswith("/" + level) for line in trials)), "")
    made = {}
    for line in trials:
        made[line["name"]] = decision(line, said["machine"], best)
    bench.curves, bench.best = made, best
    return [*made.values(), *(row for row in ratios(made, best) if row),
            *(memory(said) if not bench.quick else ())]
