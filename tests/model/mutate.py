#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Documents, feeds and captures with bytes turned over: sluice reads or refuses them, and says why.

    mutate.py [--rounds N] [--seed S] [--keep DIR] SLUICE

Most telling of a build with sanitizers.
"""
import argparse
import os
import pathlib
import random
import sys
import tempfile

import generate
import run

TOKENS = [b"{", b"}", b"[", b"]", b",", b":", b'"', b"null", b"-1", b"1e9", b"99999999999999999999",
          b'""', b"true", b"\0", b"\xff", b"::/0", b"!", b"\\u0000", b"%", b"/129"]
ENVIRONMENT = {"ASAN_OPTIONS": "exitcode=99", "UBSAN_OPTIONS": "halt_on_error=1:exitcode=99"}


def swap_numbers(source, data):
    """One digit becomes another: often still a document, and another one."""
    digits = [at for at, byte in enumerate(data) if 48 <= byte < 58]
    if digits:
        data[source.choice(digits)] = 48 + source.randrange(10)


def turn_over(source, data):
    for _ in range(source.choice((1, 1, 1, 2, 5))):
        at = source.randrange(len(data) + 1)
        kind = source.choice(("flip", "token", "remove", "double", "digit", "digit", "cut"))
        if kind == "flip" and at < len(data):
            data[at] ^= 1 << source.randrange(8)
        elif kind == "token":
            data[at:at] = source.choice(TOKENS)
        elif kind == "remove":
            del data[at:at + source.choice((1, 2, 8, 40))]
        elif kind == "double":
            data[at:at] = data[at:at + source.choice((1, 8, 40, 400))]
        elif kind == "digit":
            swap_numbers(source, data)
        elif kind == "cut" and source.random() < 0.2:
            del data[at:]


def play(sluice, folder, seed):
    """The exit status, or None if it is no proper one."""
    source = random.Random(seed)
    pool = generate.Pool(source)
    document, feeds = generate.policy(source, pool, False)
    run.write(folder, document, feeds, generate.capture(source, pool, document, 20, False))
    file = source.choice(sorted(folder.iterdir()) + [folder / "policy.json"] * 3)
    data = bytearray(file.read_bytes())
    turn_over(source, data)
    file.write_bytes(data)
    ended = run.replay(sluice, folder)
    if ended.returncode not in (0, 1) or ended.returncode == 1 and not ended.stderr:
        print(f"seed {seed}: exit {ended.returncode}: {ended.stderr}")
        return None
    return ended.returncode


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=pathlib.Path,
                        default=pathlib.Path(tempfile.gettempdir()) / "sluice-model")
    parser.add_argument("sluice")
    arguments = parser.parse_args()
    os.environ.update(ENVIRONMENT)
    tally = {0: 0, 1: 0, None: 0}
    for seed in range(arguments.seed, arguments.seed + arguments.rounds):
        with tempfile.TemporaryDirectory() as name:
            status = play(arguments.sluice, pathlib.Path(name), seed)
            tally[status] += 1
            if status is None:
                print(f"kept in {run.keep(pathlib.Path(name), arguments.keep, seed)}")
    print(f"{arguments.rounds} rounds: {tally[0]} read, {tally[1]} refused, {tally[None]} failed")
    return 1 if tally[None] or not tally[0] or not tally[1] else 0


if __name__ == "__main__":
    sys.exit(main())
