#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Random frames under random policies through the real data plane, on pcap ports, beside the
program in the kernel: process.py ANY ASK DATAPLANE MAKE_STATE

What comes out is what the kernel would let through, frame by frame, diverted ones apart, and every
reason has as many packets. Limits and expiries are left out of the policies: the two have different
clocks."""
import collections
import pathlib
import subprocess
import sys
import tempfile

from replay import SKIPPED

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "pmd"))
from dataplane import DEADLINE_S, Place, read_capture  # noqa: E402

ROUNDS, FRAMES = 8, 5000
LITE = bytes.fromhex("020000000f01")  # the fallback, to which what is diverted is addressed
# What random policies give: with no limits, none refuses.
REASONS = {"malformed", "link", "guard", "blocked", "allowed", "default", "shed", "admitted"}


def asked(ask, policy, capture):
    """What the kernel says of each packet; None: there is no kernel to ask."""
    run = subprocess.run([ask, policy, capture], capture_output=True, text=True,
                         timeout=DEADLINE_S, check=False)
    if run.returncode == SKIPPED:
        print(run.stderr)
        return None
    assert run.returncode == 0, run.stderr
    said = [dict(word.split(": ") for word in line.split(", "))
            for line in run.stdout.splitlines()]
    assert all(len(set(words.values())) == 1 for words in said), "levels differ"
    return [words["kernel"].split() for words in said]


def check(place, programs, seed):
    """The reasons of one round's frames."""
    any_, ask = programs
    subprocess.run([any_, place.folder, str(seed), str(FRAMES)], check=True, timeout=DEADLINE_S)
    policy, capture = place.path("policy.json"), place.path("frames.pcap")
    expected = asked(ask, policy, capture)
    if expected is None:
        return None
    frames = read_capture(capture)
    assert len(expected) == len(frames) == FRAMES
    place.publish(policy)
    run = place.filter(frames)
    diverted = [LITE + frame[6:] for frame, (verdict, _) in zip(frames, expected)
                if verdict == "divert"]
    passed = [frame for frame, (verdict, _) in zip(frames, expected) if verdict == "pass"]
    assert [frame for frame in run.out if frame[:6] == LITE] == diverted, f"seed {seed}"
    assert [frame for frame in run.out if frame[:6] != LITE] == passed, f"seed {seed}"
    reasons = collections.Counter(reason for _, reason in expected)
    assert run.reasons() == dict(reasons), f"seed {seed}: {run.reasons()}, not {reasons}"
    return reasons


def main():
    seen = collections.Counter()
    for seed in range(1, ROUNDS + 1):
        with (tempfile.TemporaryDirectory() as folder,
              Place(folder, *sys.argv[3:5]) as place):
            reasons = check(place, sys.argv[1:3], seed)
        if reasons is None:
            return SKIPPED
        seen += reasons
        print(f"seed {seed}: {FRAMES} frames as in the kernel: {dict(reasons)}", flush=True)
    assert set(seen) == REASONS, seen
    return 0


if __name__ == "__main__":
    sys.exit(main())
