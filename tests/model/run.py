#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Random policies and captures through `sluice replay` and through the model: line by line.

    run.py [--rounds N] [--seed S] [--packets N] [--keep DIR] SLUICE

Round r of seed S can be run again with --seed S+r --rounds 1. What differed is kept in DIR.
"""
import argparse
import copy
import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile
from decimal import Decimal

import generate
from generate import frames
from model import Model, siphash


class Differs(Exception):
    """The model and sluice do not agree."""


class Tally:
    def __init__(self):
        self.rounds = self.skipped = self.packets = 0
        self.reasons = {}


def write(folder, document, feeds, packets):
    (folder / "policy.json").write_text(json.dumps(document, indent=1))
    for name, text in feeds.items():
        (folder / name).write_text(text)
    (folder / "capture.pcap").write_bytes(frames.capture(
        [(Decimal(time).scaleb(-9), *rest) for time, *rest in packets]))


def replay(sluice, folder):
    """The finished process."""
    return subprocess.run([sluice, "replay", "--policy", folder / "policy.json", "--pcap",
                           folder / "capture.pcap"], capture_output=True, text=True, check=False)


def matching(document, feeds, pool, rule):
    """The sources of the pool whose packets the rule takes, if they are of its service."""
    model = Model(document, feeds.values())
    return {source for source in pool.sources()
            if model.rule_matches(rule, rule.get("service"), source)}


def check_refusal(run, document, feeds, pool):
    """A document is refused only for a rule that an earlier one covers."""
    found = re.search(r'rules\[(\d+)\]: "[^"]*" never decides[^"]*"([^"]*)"', run.stderr)
    if run.returncode != 1 or not found:
        raise Differs(f"exit {run.returncode}: {run.stderr}")
    rules, index = document["rules"], int(found[1])
    later = rules[index]
    earlier = next(rule for rule in rules[:index] if rule["name"] == found[2])
    if earlier.get("service") not in (None, later.get("service")) \
            or matching(document, feeds, pool, later) - matching(document, feeds, pool, earlier):
        raise Differs(f"refused without need: {run.stderr}")


def check_acceptance(document, feeds, pool):
    """No rule of an accepted document repeats or narrows an earlier one that takes all of it."""
    rules = document["rules"]
    for index, rule in enumerate(rules):
        if generate.plainly_covered(rule, rules[:index]) \
                and matching(document, feeds, pool, rule):
            raise Differs(f"rules[{index}] is covered, but not refused")


def compare(run, document, feeds, packets, tally):
    found = run.stdout.splitlines()
    if run.returncode != 0 or len(found) != len(packets):
        raise Differs(f"exit {run.returncode}, {len(found)} lines for {len(packets)} packets: "
                      + run.stderr)
    model = Model(document, feeds.values())
    for line, (time, frame, *whole) in zip(found, packets):
        expected = model.decide(time, frame, *whole)
        if line != expected:
            raise Differs(f"whole {whole or len(frame)}, bytes {frame.hex()}\n"
                          f"sluice: {line}\nmodel:  {expected}")
        reason = json.loads(line)["reason"]
        tally.reasons[reason] = tally.reasons.get(reason, 0) + 1
    tally.packets += len(packets)


def raised(document):
    """The same policy without limits, each percentage half way to 100%, and as it was."""
    before = copy.deepcopy(document)
    before.pop("host", None)
    for rule in before["rules"]:
        rule.pop("limit", None)
    after = copy.deepcopy(before)
    for rule in after["rules"]:
        hundredths = (round(100 * float(rule.get("admit", "100%")[:-1])) + 10000) // 2
        rule["admit"] = f"{hundredths // 100}.{hundredths % 100:02}%"
    return before, after


def check_raised(sluice, folder, document, feeds, packets, tally):
    """Raising percentages admits more and evicts nobody."""
    verdicts = []
    for stage in raised(document):
        write(folder, stage, feeds, packets)
        run = replay(sluice, folder)
        compare(run, stage, feeds, packets, tally)
        verdicts.append([json.loads(line)["verdict"] for line in run.stdout.splitlines()])
    for number, (before, after) in enumerate(zip(*verdicts), 1):
        if after != before and after != "pass":
            raise Differs(f"packet {number} is evicted by higher percentages")


def play(sluice, folder, seed, count, tally):
    source = random.Random(seed)
    pool = generate.Pool(source)
    busy = source.random() < 0.4
    document, feeds = generate.policy(source, pool, busy)
    packets = generate.capture(source, pool, document, count, busy)
    write(folder, document, feeds, packets)
    tally.rounds += 1
    run = replay(sluice, folder)
    if run.returncode != 0:
        check_refusal(run, document, feeds, pool)
        tally.skipped += 1
        return
    check_acceptance(document, feeds, pool)
    compare(run, document, feeds, packets, tally)
    if source.random() < 0.1:
        check_raised(sluice, folder, document, feeds, packets, tally)


def keep(folder, where, seed):
    target = where / f"seed-{seed}"
    target.mkdir(parents=True, exist_ok=True)
    for file in folder.iterdir():
        (target / file.name).write_bytes(file.read_bytes())
    return target


def run_rounds(arguments, tally):
    """How many rounds differed."""
    differed = 0
    for seed in range(arguments.seed, arguments.seed + arguments.rounds):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            try:
                play(arguments.sluice, folder, seed, arguments.packets, tally)
            except Differs as difference:
                differed += 1
                print(f"seed {seed}: {difference}\nkept in {keep(folder, arguments.keep, seed)}")
    return differed


def main():
    # the model's SipHash on its authors' own test vector
    assert siphash(bytes(range(16)), bytes(range(15))) == 0xA129CA6149BE45E5
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=250)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--packets", type=int, default=200)
    parser.add_argument("--keep", type=pathlib.Path,
                        default=pathlib.Path(tempfile.gettempdir()) / "sluice-model")
    parser.add_argument("sluice")
    arguments = parser.parse_args()
    tally = Tally()
    differed = run_rounds(arguments, tally)
    reasons = " ".join(f"{reason}={count}" for reason, count in sorted(tally.reasons.items()))
    print(f"{tally.rounds} rounds, {tally.packets} packets, {tally.skipped} policies refused, "
          f"{differed} rounds differ: {reasons}")
    return 1 if differed or not tally.packets or tally.skipped > tally.rounds / 3 else 0


if __name__ == "__main__":
    sys.exit(main())
