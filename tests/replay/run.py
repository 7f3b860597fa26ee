#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Replay cases: policy.json and the packets of packets.py in, expected.jsonl out.

    run.py [--update] SLUICE CASE...

packets.py defines `packets`, a list of what frames.capture() takes. --update writes
expected.jsonl anew; read the difference before you believe it.
"""
import argparse
import difflib
import pathlib
import runpy
import subprocess
import sys
import tempfile

from frames import capture


def replay(sluice, case):
    """What sluice prints for the case, or None once it has been said why it failed."""
    packets = runpy.run_path(str(case / "packets.py"))["packets"]
    with tempfile.NamedTemporaryFile(suffix=".pcap") as file:
        file.write(capture(packets))
        file.flush()
        run = subprocess.run([sluice, "replay", "--policy", case / "policy.json", "--pcap",
                              file.name], capture_output=True, text=True, check=False)
    if run.returncode != 0:
        print(f"{case.name}: exit {run.returncode}: {run.stderr}")
        return None
    if len(packets) == 0 or run.stdout.count("\n") != len(packets):
        print(f"{case.name}: {run.stdout.count(chr(10))} lines for {len(packets)} packets")
        return None
    return run.stdout


def check(sluice, case, update):
    found = replay(sluice, case)
    if found is None:
        return False
    file = case / "expected.jsonl"
    if update:
        file.write_text(found)
        return True
    expected = file.read_text()
    sys.stdout.writelines(difflib.unified_diff(expected.splitlines(True), found.splitlines(True),
                                               str(file), "sluice replay", n=0))
    return found == expected


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--update", action="store_true")
    parser.add_argument("sluice")
    parser.add_argument("case", type=pathlib.Path, nargs="+")
    arguments = parser.parse_args()
    failed = [case.name for case in arguments.case
              if not check(arguments.sluice, case, arguments.update)]
    print(f"{len(arguments.case) - len(failed)} cases as expected, {len(failed)} not", *failed)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
