#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The replay cases through the real data plane: replay.py DATAPLANE MAKE_STATE CASES SLUICE

For each case, what comes out is what `sluice replay` says passes, and every reason has as many
packets. Cases in which time decides are left out: the data plane's clock is not the capture's.
"""
import collections
import json
import pathlib
import runpy
import subprocess
import sys
import tempfile

from dataplane import DEADLINE_S, Place, write_capture

LONGEST = 9728  # what DPDK's pcap port writes whole
TIMED = ('"limit"', '"host"', '"expires"')


def replayed(place, sluice, policy, frames):
    """The verdicts and reasons that `sluice replay` prints."""
    capture = write_capture(place.path("replay.pcap"), frames)
    run = subprocess.run([sluice, "replay", "--policy", policy, "--pcap", capture], check=True,
                         capture_output=True, text=True, timeout=DEADLINE_S)
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(lines) == len(frames), run.stdout
    return [(line["verdict"], line["reason"]) for line in lines]


def check(place, sluice, case):
    policy = case / "policy.json"
    packets = runpy.run_path(str(case / "packets.py"))["packets"]
    frames = [bytes(packet[1]) for packet in packets if 0 < len(packet[1]) <= LONGEST]
    expected = replayed(place, sluice, policy, frames)
    place.publish(policy)
    run = place.filter(frames)
    out = [frame[6:] for frame, (verdict, _) in zip(frames, expected) if verdict != "drop"]
    assert [frame[6:] for frame in run.out] == out, case.name
    assert run.reasons() == dict(collections.Counter(reason for _, reason in expected)), case.name
    return len(frames)


def main():
    dataplane, make_state, cases, sluice = sys.argv[1:5]
    count = 0
    for case in sorted(pathlib.Path(cases).iterdir()):
        policy = case / "policy.json"
        if not policy.is_file() or any(word in policy.read_text() for word in TIMED):
            continue
        with (tempfile.TemporaryDirectory() as folder,
              Place(folder, dataplane, make_state) as place):
            packets = check(place, sluice, case)
        print(f"{case.name}: {packets} as replayed", flush=True)
        count += 1
    return 0 if count else 1


if __name__ == "__main__":
    sys.exit(main())
