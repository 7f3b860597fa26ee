#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The real sluice against the real daemon: what it prints, on which stream, and how it ends.

    test_cli.py SLUICED FAKE_DATAPLANE SLUICE
"""
import json
import os
import pathlib
import pty
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

SLUICE = sys.argv.pop(3)
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "daemon"))

from harness import DEADLINE, POLICY, Client, DaemonCase, Fake, main  # noqa: E402

CHANGED = r"^generation \d+, no data plane is running; it will start with this"


class Cli(DaemonCase):
    def sluice(self, *arguments, status=0):
        """What it prints, once it has ended as it should: on stdout, or if refused on stderr."""
        run = subprocess.run([SLUICE, *arguments, "--run", self.run_folder], text=True, check=False,
                             capture_output=True, timeout=DEADLINE)
        self.assertEqual(run.returncode, status, run.stderr)
        self.assertEqual(bool(run.stderr), status != 0, run.stderr)
        return run.stderr if status else run.stdout

    def file(self, name, content):
        path = pathlib.Path(self.folder, name)
        path.write_text(content, encoding="utf-8")
        return str(path)

    def apply(self, policy=None):
        text = json.dumps(policy or POLICY)
        return self.sluice("policy", "apply", self.file("policy.json", text))


class Usage(Cli):
    def test_makes_no_sense(self):
        cases = [([], "which command"), (["burn"], "burn: no such command"),
                 (["policy"], "policy: no such command"), (["policy", "burn"], "policy burn"),
                 (["status", "now"], "usage: sluice status"), (["admit", "front"], "usage: "),
                 (["status", "--ttl", "1s"], "takes no --ttl"), (["status", "--burn"], "--burn"),
                 (["status", "-x"], "-x"), (["block", "10.0.0.1", "--ttl"], "needs an argument"),
                 (["status", "--json", "--json"], "given twice"), (["set", "add", "s"], "--file"),
                 (["set", "remove", "s"], "--file"), (["limit", "front"], "--source"),
                 (["explain", "10.0.0.1", "10.0.0.2:x"], "destination"), (["replay"], "--pcap"),
                 (["detach", "now"], "usage: sluice detach"), (["attach", "--ttl", "1s"], "--ttl")]
        for arguments, said in cases:
            with self.subTest(arguments):
                run = subprocess.run([SLUICE, "--run", self.run_folder, *arguments], text=True,
                                     check=False, capture_output=True, timeout=DEADLINE)
                self.assertEqual((run.returncode, run.stdout), (2, ""))
                self.assertRegex(run.stderr, "^sluice: .*" + said)

    def test_help_and_version(self):
        self.assertIn("commands:", self.sluice("--help"))
        self.assertIn("usage: sluice admit RULE PERCENT [OPTIONS]\n",
                      self.sluice("admit", "--help"))
        self.assertIn("usage: sluice status [OPTIONS]\n", self.sluice("status", "--help"))
        said = self.sluice("set", "--help")
        self.assertIn("usage: sluice set COMMAND [OPTIONS]\n", said)
        self.assertRegex(said, "commands:\n(  set .*\n){4}\n")
        self.assertRegex(self.sluice("--version"), r"^sluice \d+\.\d+\.\d+\n$")

    def test_no_daemon(self):
        self.stop()
        self.assertRegex(self.sluice("status", status=1),
                         "^sluice: .*/control.sock: .*; is sluiced running?")


class Policy(Cli):
    def test_shows_what_check_accepts(self):
        self.assertRegex(self.apply(), CHANGED)
        shown = self.sluice("policy", "show")
        self.assertEqual(json.loads(shown)["rules"][1]["admit"], "25%")
        check = self.sluice("policy", "check", self.file("shown.json", shown))
        self.assertRegex(check, r"rules +2\nservices +1\nsets +1\nentries +1\n")

    def test_refusal_names_file_and_place(self):
        self.apply()
        wrong = self.file("wrong.json", json.dumps({**POLICY, "default": "perhaps"}))
        said = self.sluice("policy", "apply", wrong, status=1)
        self.assertRegex(said, r"^sluice: .*/wrong\.json: default: ")
        feed = self.file("feed.json", json.dumps(
            {**POLICY, "origins": {**POLICY["origins"],
                                   "feeds": [{"type": "csv", "file": "none.csv"}]}}))
        self.assertIn("feeds", self.sluice("policy", "apply", feed, status=1))
        self.assertEqual(json.loads(self.sluice("policy", "show", "--json"))["generation"], 1)

    def test_larger_than_a_request(self):
        bots = [f"10.{i >> 16}.{i >> 8 & 255}.{i & 255}" for i in range(100000)]
        more = [{"prefix": f"2001:db8:{i:x}::/48", "reason": "x" * 100} for i in range(10000)]
        self.apply({**POLICY, "sets": {"bots": {"verdict": "block", "entries": bots},
                                       "more": {"verdict": "allow", "entries": more}}})
        self.assertIn("bots block 100000\nmore allow 10000\n", self.sluice("set", "list"))
        shown = json.loads(self.sluice("policy", "show", "--json"))
        self.assertEqual(shown["generation"], 1)
        self.assertEqual(len(shown["policy"]["sets"]["more"]["entries"]), len(more))


class Between(threading.Thread):
    """A socket of ours that sluice takes for the daemon's."""

    def __init__(self, case):
        super().__init__(daemon=True)
        self.folder = tempfile.mkdtemp(prefix="between.")
        case.addCleanup(shutil.rmtree, self.folder)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(os.path.join(self.folder, "control.sock"))
        self.listener.listen()
        case.addCleanup(self.end)
        self.start()

    def end(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.join(DEADLINE)
        self.listener.close()

    def run(self):
        while True:
            try:
                connection = self.listener.accept()[0]
            except OSError:  # shut down
                return
            with connection, connection.makefile("rb") as lines:
                self.serve(connection, lines)

    def serve(self, connection, lines):
        raise NotImplementedError

    @staticmethod
    def say(connection, message):
        connection.sendall(json.dumps(message).encode() + b"\n")


class Beaten(Between):
    """A socket between sluice and the daemon, on which the first `races` transactions are beaten:
    another change comes right before what commits them."""

    def __init__(self, case, races):
        self.case, self.races, self.connections = case, races, 0
        super().__init__(case)

    def serve(self, connection, lines):
        self.connections += 1
        with Client(os.path.join(self.case.run_folder, "control.sock")) as daemon:
            self.say(connection, daemon.greeting)
            for line in lines:
                if "more" not in json.loads(line)["params"] and self.connections <= self.races:
                    with Client(os.path.join(self.case.run_folder, "control.sock")) as other:
                        other.ask("rule.admit", rule="front", admit="1%")
                self.say(connection, daemon.ask_raw(line.strip()))


class Races(Cli):
    """A transaction that loses to another change begins anew, for a while."""

    def setUp(self):
        super().setUp()
        self.apply()
        self.list = self.file("list.txt", "".join(
            f"10.{i >> 8}.{i & 255}.0/24\n" for i in range(60000)))

    def beaten(self, races, *options, status):
        beaten = Beaten(self, races)
        run = subprocess.run([SLUICE, "set", "add", "partners", "--file", self.list, "--run",
                              str(beaten.folder), *options], text=True, check=False,
                             capture_output=True, timeout=DEADLINE)
        self.assertEqual(run.returncode, status, run.stderr)
        return beaten.connections, run.stdout + run.stderr

    def test_begins_anew(self):
        tries, said = self.beaten(4, status=0)
        self.assertEqual(tries, 5)
        self.assertRegex(said, "^generation 6,.* 60000 entries changed\n$")

    def test_gives_up(self):
        tries, said = self.beaten(9, status=1)
        self.assertEqual(tries, 5)
        self.assertIn("begin anew", said)

    def test_not_if_a_generation_was_meant(self):
        tries, said = self.beaten(1, "--if-generation", "1", status=1)
        self.assertEqual(tries, 1)
        self.assertRegex(said, "generation")


class Rules(Cli):
    def setUp(self):
        super().setUp()
        self.apply()

    def rule(self):
        return json.loads(self.sluice("policy", "show"))["rules"][1]

    def test_admit(self):
        self.assertRegex(self.sluice("admit", "front", "12.5%"), CHANGED + "\n$")
        self.assertEqual(self.rule()["admit"], "12.5%")
        answer = json.loads(self.sluice("admit", "front", "0%", "--json"))
        self.assertEqual((answer["generation"], answer["workers"]), (3, 0))

    def test_workers_and_time(self):
        Fake(self)
        self.assertRegex(self.sluice("admit", "front", "50%"),
                         r"^generation 2, 2 workers, enforced in \d+ us\n$")

    def test_refusals_change_nothing(self):
        self.assertRegex(self.sluice("admit", "nobody", "25%", status=1), "nobody")
        self.assertRegex(self.sluice("admit", "front", "25", status=1), "^sluice: admit: ")
        self.assertRegex(self.sluice("admit", "front", "1%", "--if-generation", "7", status=1),
                         "generation")
        self.assertRegex(self.sluice("admit", "front", "1%", "--if-generation", "x", status=1),
                         "--if-generation")
        self.assertEqual(self.rule()["admit"], "25%")

    def test_reason_is_audited(self):
        self.sluice("admit", "front", "1%", "--reason", "too much", "--if-generation", "1")
        self.stop()  # the answer comes before the line in the log
        self.assertEqual(self.audit()[-1]["params"]["reason"], "too much")

    def test_limit(self):
        self.sluice("limit", "front", "--source", "2000pps,burst=4000", "--rule", "8Gbps")
        self.assertEqual(self.rule()["limit"], {"source": {"pps": "2k", "burst": "4k"},
                                                "rule": {"bps": "8G"}})
        self.sluice("limit", "front", "--no-source")
        self.assertEqual(self.rule()["limit"], {"rule": {"bps": "8G"}})
        self.assertRegex(self.sluice("limit", "front", "--rule", "0pps", status=1), "limit.rule")
        for wrong in ("2000", "pps", "burst=", "1pps,", "1pps,2pps", "burst=1,1fps"):
            self.sluice("limit", "front", "--source", wrong, status=2)


class Sets(Cli):
    def setUp(self):
        super().setUp()
        self.apply()

    def entries(self, name):
        return json.loads(self.sluice("set", "list", name, "--json"))["entries"]

    def test_block_and_unblock(self):
        said = self.sluice("block", "192.0.2.7", "2001:db8:bad::/48", "--ttl", "10m",
                           "--reason", "scan")
        self.assertRegex(said, CHANGED + ", 2 entries changed\n$")
        entry = self.entries("blocked")[0]
        self.assertEqual((entry["prefix"], entry["reason"]), ("192.0.2.7", "scan"))
        self.assertIn("expires", entry)
        self.assertRegex(self.sluice("unblock", "192.0.2.7", "2001:db8:bad::/48"), ", 2 entries")
        self.assertEqual(self.entries("blocked"), [])

    def test_unblock_says_what_else_blocks(self):
        self.assertEqual(self.run_unblock("192.0.2.7"),
                         "sluice: 192.0.2.7 is not in the set blocked\n")
        self.sluice("block", "192.0.2.0/24")
        self.assertRegex(self.run_unblock("192.0.2.7"),
                         "192.0.2.7 is not in the set blocked\n.*"
                         "192.0.2.7 is still blocked by 192.0.2.0/24 in the set blocked\n")
        self.apply({**POLICY, "sets": {"bots": {"verdict": "block", "entries": ["192.0.2.7"]}}})
        self.assertRegex(self.run_unblock("192.0.2.0/24", "192.0.2.7"),
                         "1 of 2 prefixes are not in the set blocked\n.*"
                         "192.0.2.7 is still blocked by 192.0.2.7 in the set bots\n$")
        self.assertEqual(self.entries("blocked"), [])

    def run_unblock(self, *prefixes):
        run = subprocess.run([SLUICE, "unblock", *prefixes, "--run", self.run_folder], text=True,
                             check=False, capture_output=True, timeout=DEADLINE)
        self.assertEqual(run.returncode, 1)
        return run.stderr

    def test_file_in_parts_is_one_generation(self):
        prefixes = [f"10.{i >> 8}.{i & 255}.0/24" for i in range(60000)]
        file = self.file("list.txt", "# bots\n" + "\n".join(prefixes) + "  # last\n")
        said = self.sluice("set", "add", "partners", "--file", file, "--reason", "r" * 30)
        self.assertRegex(said, "^generation 2,.* 60000 entries changed")
        listed = self.sluice("set", "list", "partners").splitlines()
        self.assertEqual(len(listed), 1 + 60001)
        self.assertRegex(self.sluice("set", "replace", "partners", "--file", file, "192.0.2.1"),
                         "^generation 3,")
        self.assertEqual(len(self.entries("partners")), 60001)
        self.assertRegex(self.sluice("set", "remove", "partners", "--file", file),
                         "^generation 4,.* 60000 entries changed")
        self.assertEqual(self.entries("partners"), ["192.0.2.1"])

    def test_remove_what_is_absent(self):
        self.assertRegex(self.sluice("set", "remove", "partners", "192.0.2.1"),
                         CHANGED + ", 0 entries changed\n$")

    def test_replace_by_nothing(self):
        blank = self.file("blank.txt", "# none today\n\n")
        self.assertIn("blank.txt: holds no prefix",
                      self.sluice("set", "replace", "partners", "--file", blank, status=1))
        self.assertEqual(self.entries("partners"), ["203.0.113.0/24"])
        self.assertRegex(self.sluice("set", "replace", "partners", "--empty"),
                         CHANGED + ", 1 entry changed\n$")
        self.assertEqual(self.entries("partners"), [])

    def test_refusals(self):
        self.assertRegex(self.sluice("set", "add", "nobody", "192.0.2.1", status=1), "nobody")
        self.assertRegex(self.sluice("set", "list", "nobody", status=1), "nobody")
        self.assertRegex(self.sluice("block", "192.0.2.1", "--ttl", "soon", status=1), "ttl")
        self.assertEqual(json.loads(self.sluice("policy", "show", "--json"))["generation"], 1)


class Reading(Cli):
    def test_explain_like_offline(self):
        self.apply({**POLICY, "salt": "00" * 16})
        for question in (("192.0.2.9", "198.18.0.1:80"), ("198.51.100.1", "198.18.0.1:80/tcp"),
                         ("2001:db8::1", "[2001:db8::2]:53/udp"), ("203.0.113.5", "198.18.0.1")):
            asked = self.sluice("explain", *question, "--json")
            offline = self.sluice("explain", *question, "--json", "--policy",
                                  str(pathlib.Path(self.folder, "policy.json")))
            self.assertEqual(json.loads(asked), json.loads(offline))
        self.assertIn("verdict  drop\n", self.sluice("explain", "198.51.100.1", "198.18.0.1:80"))

    def test_no_place(self):
        clients = [self.client() for _ in range(256)]
        self.assertIn("too many clients", self.sluice("status", status=1))
        clients[0].close()

    def test_status(self):
        self.apply()
        Fake(self, 2, ["front"])
        self.sluice("admit", "docs", "10%")
        said = self.sluice("status")
        self.assertRegex(said, r"(?m)^data plane +generation 2, 2 workers, pid \d+$")
        self.assertRegex(said, r"(?m)^admitted 3 100\.0% 300 100\.0%$")
        self.assertRegex(said, r"(?m)^front 25% 3 100\.0% 300 100\.0% 0 0 0$")
        self.assertRegex(said, r"(?m)^docs 10% 0 - 0 - 0 0 0$")
        self.assertRegex(said, r"(?m)^fake0 edge 25G 2 sources 70 30 0 5$")
        self.assertRegex(said, r"(?m)^fake1 server up 1 unknown 0 0 0 0$")
        self.assertRegex(said, r"(?m)^1 2 12\.35% 16\.5 2 0$")
        for first in ("REASON", "RULE", "PORT", "WORKER"):
            heading = next(line for line in said.splitlines() if line.startswith(first + " "))
            self.assertEqual(len(heading.split(" ")), len(set(heading.split(" "))))
        both = json.loads(self.sluice("status", "--json"))
        self.assertEqual(both["stats"]["received"], {"packets": 3, "bytes": 300})
        self.assertEqual(both["health"]["generation"], 2)

    def test_problems_stand_out(self):
        self.apply()
        self.assertRegex(self.sluice("status"), "(?m)^problem: +no data plane")
        self.assertIn("\033[1;31mproblem:\033[m ", self.on_terminal("status", NO_COLOR=""))

    def on_terminal(self, *arguments, **environment):
        """What it writes to a terminal."""
        ours, its = pty.openpty()
        with os.fdopen(ours, "rb", 0) as terminal:
            child = subprocess.Popen([SLUICE, *arguments, "--run", self.run_folder], stdout=its,
                                     stdin=its, env={**os.environ, "TERM": "xterm", **environment})
            os.close(its)
            written = b""
            try:
                while part := terminal.read(4096):
                    written += part
            except OSError:  # its end closed
                pass
            self.assertEqual(child.wait(DEADLINE), 0)
        return written.decode()

    def test_colour_on_terminals_only(self):
        self.apply()
        self.assertNotIn("\033[", self.sluice("status"))
        self.assertIn("\033[", self.on_terminal("status", NO_COLOR=""))
        self.assertNotIn("\033[", self.on_terminal("status", NO_COLOR="1"))


class Canned(Between):
    """A socket at which some daemon would answer so."""

    def __init__(self, case, **answers):
        self.answers, self.asked = answers, []
        super().__init__(case)

    def serve(self, connection, lines):
        self.say(connection, {"jsonrpc": "2.0", "method": "greeting", "params": {}})
        for line in lines:
            request = json.loads(line)
            self.asked.append((request["method"], request["params"]))
            self.say(connection, {"jsonrpc": "2.0", "id": request["id"],
                                  "result": self.answers[request["method"]]})


class Twin(unittest.TestCase):
    TWIN = {"mode": "standby", "generation": 3, "filters": True, "serving": True,
            "detached": False, "interfaces": [
                {"name": "eth1", "role": "edge", "attached": True, "native": True, "sockets": 2},
                {"name": "eth2", "role": "server", "attached": True, "native": False,
                 "sockets": 1},
                {"name": "eth3", "role": "fallback", "attached": False, "native": False,
                 "sockets": 0, "problem": "there is no such interface"}]}

    def sluice(self, canned, *arguments):
        return subprocess.run([SLUICE, *arguments, "--run", canned.folder], text=True, check=True,
                              capture_output=True, timeout=DEADLINE).stdout

    def status(self, state, **planes):
        stats = {"received": {"packets": 5, "bytes": 500}, "planes": planes}
        health = {"generation": 3, "dataplane": {"running": False}, "twin": state, "problems": []}
        return self.sluice(Canned(self, **{"health": health, "stats.get": stats}), "status")

    def test_what_it_does(self):
        cases = [({}, "standby, hands over to the data plane"),
                 ({"serving": False},
                  "standby, DECIDES: the data plane does not take frames"),
                 ({"mode": "steer"}, "steer, hands the services' frames to the data plane"),
                 ({"mode": "steer", "serving": False},
                  "steer, DECIDES: the data plane does not take frames"),
                 ({"mode": "alone", "serving": False}, "alone, decides"),
                 ({"filters": False, "serving": False}, "standby, NOT ATTACHED"),
                 ({"filters": False, "serving": False, "detached": True}, "standby, DETACHED")]
        for change, words in cases:
            with self.subTest(words):
                said = self.status({**self.TWIN, **change})
                self.assertIn(f"\ntwin        {words}\n", said)

    def test_interfaces_and_counts(self):
        said = self.status(self.TWIN, twin={"received": {"packets": 2, "bytes": 200},
                                            "handed": {"packets": 7, "bytes": 70}})
        self.assertIn("            eth1, edge: native, 2 sockets\n"
                      "            eth2, server: generic, 1 socket\n"
                      "            eth3, fallback: not attached\n", said)
        self.assertIn("received    5 packets, 500 bytes\n  by twin   2 packets, 200 bytes\n"
                      "handed on   7 packets, 70 bytes\n", said)

    def test_there_is_none(self):
        said = self.status(None, dataplane={})
        self.assertNotIn("twin", said)

    def test_changes(self):
        for workers, twin, words in ((0, True, "the twin, enforced in 9 us"),
                                     (1, True, "1 worker and the twin, enforced in 9 us")):
            canned = Canned(self, **{"rule.admit": {"generation": 4, "workers": workers,
                                                    "twin": twin, "took_us": 9}})
            self.assertEqual(self.sluice(canned, "admit", "front", "1%"),
                             f"generation 4, {words}\n")

    def test_detach_and_attach(self):
        for verb in ("detach", "attach"):
            canned = Canned(self, **{f"twin.{verb}": {"twin": self.TWIN}})
            self.assertRegex(self.sluice(canned, verb), "^twin        standby, hands over")
            self.assertEqual(json.loads(self.sluice(canned, verb, "--reason", "slow", "--json")),
                             {"twin": self.TWIN})
            self.assertEqual(canned.asked, [(f"twin.{verb}", {}),
                                            (f"twin.{verb}", {"reason": "slow"})])


if __name__ == "__main__":
    main()
