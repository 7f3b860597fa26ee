#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Limits at any rate: never more than burst + rate * t, and less only by the rounding allowed.

    rates.py [--rounds N] [--seed S] [--keep DIR] SLUICE

Where a packet does not cost a whole number of 1/256 ns, sluice may round the cost up by less than
one. So each packet let through must fit an exact bucket, and each one refused must find no room in
a bucket that rounds up by all of that, both charged for what sluice let through.
"""
import argparse
import json
import pathlib
import random
import sys
import tempfile
from fractions import Fraction

import generate
import run
from generate import frames

TICK_NS = Fraction(1, 256)


class Bucket:
    """A bucket in nanoseconds of its rate: each packet costs `more` than its exact share."""

    def __init__(self, burst_ns, more):
        self.burst_ns, self.more = burst_ns, more
        self.level, self.now = burst_ns, 0

    def room(self, cost_ns, now):
        self.level = min(self.level + now - self.now, self.burst_ns)
        self.now = now
        return cost_ns + self.more <= self.level

    def charge(self, cost_ns):
        self.level -= cost_ns + self.more


def random_limit(source):
    """(limit, nanoseconds a packet, nanoseconds a byte, nanoseconds of burst)"""
    if source.random() < 0.5:
        rate = int(10**source.uniform(0, 8.397))
        burst = min(source.choice((1, 2, 10, 1000)), rate * 86400)
        cost = Fraction(10**9, rate)
        return {"pps": rate, "burst": burst}, cost, 0, burst * cost
    rate = int(10**source.uniform(2, 11))
    burst = min(source.choice((60, 1500, 10000, 10**6)), rate * 10800)
    cost = Fraction(8 * 10**9, rate)
    return {"bps": rate, "burst": burst}, 0, cost, burst * cost


def random_policy(source, limit):
    document = {"schema": 1, "salt": "00" * 16, "origins": {"feeds": []},
                "rules": [{"name": "all"}]}
    level = source.choice(("source", "rule", "host"))
    if level == "host":
        document["host"] = limit
    else:
        document["rules"][0]["limit"] = {level: limit}
    return document


def random_packets(source, cost_ns, byte_ns, size):
    """`size` packets about as fast as the limit lets through, or much faster, then slower."""
    now, packets = generate.BASE_S * 10**9, []
    for _ in range(size):
        data = bytes(source.choice((6, 46, 1446)))
        frame = frames.eth(frames.ip4("192.0.2.9", "198.18.0.1", frames.raw(253, data)), pad=20)
        packets.append((min(now, generate.LAST_NS), frame))
        pace = cost_ns + byte_ns * len(frame)
        now += int(pace * source.choice((0, 0, Fraction(1, 2), 1, 1, Fraction(999, 1000), 3)))
        now += source.choice((0, 0, 1, 2))
    return packets


def check(verdicts, packets, cost_ns, byte_ns, burst_ns):
    """What is wrong with the verdicts, or None."""
    exact, rounded = Bucket(burst_ns, 0), Bucket(burst_ns - TICK_NS, TICK_NS)
    for number, (verdict, (now, frame)) in enumerate(zip(verdicts, packets), 1):
        cost = cost_ns + byte_ns * len(frame)
        fits, must = exact.room(cost, now), rounded.room(cost, now)
        if verdict == "pass" and not fits:
            return f"packet {number} is more than burst + rate * t"
        if verdict == "drop" and must:
            return f"packet {number} is refused below the rate"
        if verdict == "pass":
            exact.charge(cost)
            rounded.charge(cost)
    return None


def play(sluice, folder, seed):
    """(what is wrong or None, packets refused)"""
    source = random.Random(seed)
    limit, cost_ns, byte_ns, burst_ns = random_limit(source)
    packets = random_packets(source, cost_ns, byte_ns, 300)
    run.write(folder, random_policy(source, limit), {}, packets)
    ended = run.replay(sluice, folder)
    if ended.returncode != 0:
        return f"exit {ended.returncode}: {ended.stderr}", 0
    verdicts = [json.loads(line)["verdict"] for line in ended.stdout.splitlines()]
    if len(verdicts) != len(packets):
        return f"{len(verdicts)} lines for {len(packets)} packets", 0
    return check(verdicts, packets, cost_ns, byte_ns, burst_ns), verdicts.count("drop")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=pathlib.Path,
                        default=pathlib.Path(tempfile.gettempdir()) / "sluice-model")
    parser.add_argument("sluice")
    arguments = parser.parse_args()
    failed = refused = 0
    for seed in range(arguments.seed, arguments.seed + arguments.rounds):
        with tempfile.TemporaryDirectory() as name:
            wrong, dropped = play(arguments.sluice, pathlib.Path(name), seed)
            refused += dropped
            if wrong:
                failed += 1
                kept = run.keep(pathlib.Path(name), arguments.keep, seed)
                print(f"seed {seed}: {wrong}\nkept in {kept}")
    print(f"{arguments.rounds} rounds, {refused} of {300 * arguments.rounds} packets refused, "
          f"{failed} rounds wrong")
    return 1 if failed or not refused else 0


if __name__ == "__main__":
    sys.exit(main())
