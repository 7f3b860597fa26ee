#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The replay cases through the program in the kernel: replay.py ASK CASES

Each packet's verdict and reason are those of the case's expected.jsonl."""
import json
import pathlib
import runpy
import subprocess
import sys
import tempfile

SKIPPED = 77

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "replay"))
from frames import capture  # noqa: E402


def check(ask, case):
    """How many packets were asked about; ends all where the kernel cannot be asked."""
    packets = runpy.run_path(str(case / "packets.py"))["packets"]
    with tempfile.NamedTemporaryFile(suffix=".pcap") as file:
        file.write(capture(packets))
        file.flush()
        run = subprocess.run([ask, case / "policy.json", file.name], capture_output=True,
                             text=True, timeout=60, check=False)
    if run.returncode == SKIPPED:
        sys.stdout.write(run.stderr)
        sys.exit(SKIPPED)
    assert run.returncode == 0, f"{case.name}: {run.stderr}"
    said = run.stdout.splitlines()
    expected = [json.loads(line) for line in (case / "expected.jsonl").read_text().splitlines()]
    assert len(said) == len(expected), f"{case.name}: {len(said)} of {len(expected)} packets"
    asked = 0
    for found, line in zip(said, expected):
        if found == "-":
            assert line["reason"] == "malformed" or case.name == "snapped", line
            continue
        assert found == f'{line["verdict"]} {line["reason"]}', f"{case.name}: {found}, not {line}"
        asked += 1
    print(f"{case.name}: {asked} of {len(expected)} packets as replayed", flush=True)
    return asked


def main():
    ask, cases = sys.argv[1:]
    asked = [check(ask, case) for case in sorted(pathlib.Path(cases).iterdir())
             if (case / "policy.json").is_file()]
    return 0 if asked and sum(asked) else 1


if __name__ == "__main__":
    sys.exit(main())
