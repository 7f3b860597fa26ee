#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What replay and the other commands that need no daemon say of bad input.

    refusals.py SLUICE
"""
import pathlib
import subprocess
import sys
import tempfile

from frames import capture, eth, ip4, tcp

POLICY = '{"schema": 1, "name": "empty", "salt": "%s", "origins": {"feeds": []}}' % ("00" * 16)
FRAME = eth(ip4("192.0.2.9", "198.18.0.1", tcp(1024, 80)))
WHOLE = capture([(0, FRAME), (1, FRAME)])

# name, files, arguments, exit status, lines on stdout, what stderr holds
CASES = [
    ("whole", {"p": POLICY, "c": WHOLE}, "replay --policy p --pcap c", 0, 2, ""),
    ("empty capture", {"p": POLICY, "c": WHOLE[:24]}, "replay --policy p --pcap c", 0, 0, ""),
    ("cut in a frame", {"p": POLICY, "c": WHOLE[:-1]}, "replay --policy p --pcap c", 1, 1, "c: "),
    ("cut in a record", {"p": POLICY, "c": WHOLE[:24 + 8]},
     "replay --policy p --pcap c", 1, 0, "c: "),
    ("no capture", {"p": POLICY, "c": b"text\n" * 9}, "replay --policy p --pcap c", 1, 0, "c: "),
    ("empty file", {"p": POLICY, "c": b""}, "replay --policy p --pcap c", 1, 0, "c: "),
    ("no file", {"p": POLICY}, "replay --policy p --pcap c", 1, 0, "c: No such file"),
    ("raw IP", {"p": POLICY, "c": capture([(0, FRAME)], link=101)},
     "replay --policy p --pcap c", 1, 0, "c: link type RAW is not Ethernet"),
    ("Linux cooked", {"p": POLICY, "c": capture([(0, FRAME)], link=113)},
     "replay --policy p --pcap c", 1, 0, "c: link type LINUX_SLL is not Ethernet"),
    ("no policy", {"c": WHOLE}, "replay --policy p --pcap c", 1, 0, "p: No such file"),
    ("folder", {"c": WHOLE}, "replay --policy . --pcap c", 1, 0, ".: Is a directory"),
    ("not JSON", {"p": "{", "c": WHOLE}, "replay --policy p --pcap c", 1, 0, "p: "),
    ("bad rule", {"p": POLICY[:-1] + ', "rules": [{"name": "a", "admit": "101%"}]}', "c": WHOLE},
     "replay --policy p --pcap c", 1, 0, "p: rules[0].admit: "),
    ("duplicate key", {"p": POLICY[:-1] + ', "name": "b"}', "c": WHOLE},
     "replay --policy p --pcap c", 1, 0, "p: "),
    ("no feed", {"p": POLICY.replace("[]", '[{"type": "csv", "file": "f.csv"}]'), "c": WHOLE},
     "replay --policy p --pcap c", 1, 0, "f.csv"),
    ("bad feed", {"p": POLICY.replace("[]", '[{"type": "csv", "file": "f.csv"}]'), "c": WHOLE,
                  "f.csv": "192.0.2.0/24,US,\n192.0.2.0/23,US,x\n"},
     "replay --policy p --pcap c", 1, 0, "f.csv:2"),
    ("no salt", {"p": POLICY.replace('"salt": "%s", ' % ("00" * 16), ""), "c": WHOLE},
     "replay --policy p --pcap c", 0, 2, "p: no salt"),
    ("no database", {"p": '{"schema": 1, "name": "a", "salt": "%s"}' % ("00" * 16), "c": WHOLE},
     "replay --policy p --pcap c --libloc nowhere.db", 1, 0, "nowhere.db"),
    ("cut short", {"p": POLICY, "c": capture([(0, FRAME), (1, FRAME[:30], 60), (2, FRAME[:53], 54),
                                              (3, FRAME, 1500), (4, FRAME[:30])])},
     "replay --policy p --pcap c", 0, 5, "cut them short: 2 frames, whose headers"),
    # usage
    ("no --pcap", {"p": POLICY}, "replay --policy p", 2, 0, "usage"),
    ("an operand", {"p": POLICY, "c": WHOLE}, "replay --policy p --pcap c x", 2, 0, "usage"),
    ("twice", {"p": POLICY, "c": WHOLE}, "replay --policy p --policy p --pcap c", 2, 0, "--policy"),
    ("another's option", {}, "status --pcap c", 2, 0, "--pcap"),
    ("unknown option", {}, "replay --frob", 2, 0, "--frob"),
    ("short option", {}, "replay -xy", 2, 0, "-x: "),
    ("needless argument", {}, "status --json=1", 2, 0, "--json=1"),
    ("no argument", {}, "replay --policy", 2, 0, "--policy"),
    ("unknown command", {}, "policy frob", 2, 0, "policy frob"),
    ("no command", {}, "", 2, 0, "--help"),
    ("bad limit", {}, "limit front --source fast", 2, 0, "fast"),
    ("no limit", {}, "limit front", 2, 0, "limit"),
    ("no prefix", {}, "set add bots", 2, 0, "set"),
    # the other verbs
    ("check", {"p": POLICY}, "policy check p", 0, 6, ""),
    ("check refuses", {"p": POLICY[:-1] + ', "frob": 1}'}, "policy check p", 1, 0, "p: frob: "),
    ("apply checks first", {"p": "{}"}, "policy apply p --run .", 1, 0, "p: "),
    ("host bits", {}, "block 192.0.2.1/24 --run .", 1, 0, "192.0.2.1/24"),
    ("a line of a file", {"f": "192.0.2.1 # fine\n\n192.0.2.256\n"},
     "set add bots --file f --run .", 1, 0, "f:3: "),
    ("no daemon", {}, "status --run .", 1, 0, "./control.sock: "),
    ("long folder", {}, "status --run " + "x" * 200, 1, 0, "--run"),
    ("explain", {"p": POLICY}, "explain 192.0.2.9 198.18.0.1:80 --policy p", 0, 5, ""),
    ("explain, IPv6", {"p": POLICY},
     "explain 2001:db8::9 [2001:db8::1]:443/udp --policy p", 0, 5, ""),
    ("explain, no port", {"p": POLICY}, "explain 2001:db8::9 2001:db8::1 --policy p", 0, 5, ""),
    ("families", {"p": POLICY}, "explain 192.0.2.9 2001:db8::1 --policy p", 1, 0, "destination"),
    ("bad port", {"p": POLICY}, "explain 192.0.2.9 198.18.0.1:65536 --policy p", 1, 0, "port"),
    ("no port at all", {"p": POLICY},
     "explain 192.0.2.9 198.18.0.1: --policy p", 2, 0, "destination"),
    ("open bracket", {"p": POLICY},
     "explain 192.0.2.9 [2001:db8::1 --policy p", 2, 0, "destination"),
    ("help", {}, "--help", 0, None, ""),
    ("no prefix in a file", {"f": "# none\n\n \t\r\n"},
     "set replace bots --file f --run .", 1, 0, "f: holds no prefix"),
    ("nor in an empty one", {"f": ""},
     "set replace bots 192.0.2.1 --file f --run .", 1, 0, "f: holds no prefix"),
    ("empty, and not", {}, "set replace bots 192.0.2.1 --empty", 2, 0, "--empty"),
    ("help of one", {}, "admit --help", 0, None, ""),
    ("version", {}, "--version", 0, 1, ""),
]


def check(sluice, name, files, arguments, status, lines, words):
    with tempfile.TemporaryDirectory() as folder:
        for file, content in files.items():
            content = content.encode() if isinstance(content, str) else content
            pathlib.Path(folder, file).write_bytes(content)
        run = subprocess.run([sluice, *arguments.split()], capture_output=True, text=True,
                             check=False, cwd=folder)
    found = run.stdout.count("\n")
    good = (run.returncode == status and (lines is None or found == lines) and
            words in run.stderr and bool(words) == bool(run.stderr))
    if not good:
        print(f"{name}: exit {run.returncode}, not {status}; {found} lines; {run.stderr}")
    return good


def main():
    sluice = str(pathlib.Path(sys.argv[1]).resolve())
    failed = [case[0] for case in CASES if not check(sluice, *case)]
    print(f"{len(CASES) - len(failed)} cases as expected, {len(failed)} not")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
