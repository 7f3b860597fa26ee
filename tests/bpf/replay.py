#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The replay cases through the program in the kernel, and through the data plane's code at every
level of instructions: replay.py ASK CASES

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


def write_captures(cases, folder):
    """The arguments of ASK: for each case its policy, and a capture of its packets."""
    for case in cases:
        packets = runpy.run_path(str(case / "packets.py"))["packets"]
        file = folder / f"{case.name}.pcap"
        file.write_bytes(capture(packets))
        yield from (case / "policy.json", file)


def check(case, said):
    """Compares what was said of a case's packets; how many the kernel was asked about."""
    lines = [json.loads(line) for line in (case / "expected.jsonl").read_text().splitlines()]
    asked = 0
    for line in lines:
        found = dict(word.split(": ") for word in next(said).split(", "))
        assert "scalar" in found, f"{case.name}: {found}"
        for who, decision in found.items():
            expected = f'{line["verdict"]} {line["reason"]}'
            assert decision == expected, f"{case.name}: {who}: {decision}, not {line}"
        if "kernel" in found:
            asked += 1
        else:
            assert line["reason"] == "malformed" or case.name == "snapped", line
    print(f"{case.name}: {asked} of {len(lines)} packets as replayed", flush=True)
    return asked


def main():
    ask = sys.argv[1]
    cases = [case for case in sorted(pathlib.Path(sys.argv[2]).iterdir())
             if (case / "policy.json").is_file()]
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run([ask, *write_captures(cases, pathlib.Path(folder))],
                             capture_output=True, text=True, timeout=240, check=False)
    if run.returncode == SKIPPED:
        sys.stdout.write(run.stderr)
        return SKIPPED
    assert run.returncode == 0, run.stderr
    said = iter(run.stdout.splitlines())
    asked = sum(check(case, said) for case in cases)
    assert next(said, None) is None, "more was said than expected"
    return 0 if asked else 1


if __name__ == "__main__":
    sys.exit(main())
