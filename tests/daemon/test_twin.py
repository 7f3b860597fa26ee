#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The daemon and its twin in the kernel, on interfaces in namespaces of their own.

    test_twin.py SLUICED FAKE_DATAPLANE
"""
import os
import pathlib
import signal
import subprocess
import threading
import unittest

from harness import DEADLINE, POLICY, SLUICED, Client, DaemonCase, Fake, Refused, main
from kernel import Namespace, bpffs, bpftool, foreign_program, run

TWIN_POLICY = {
    **POLICY,
    "services": {"front": {"destinations": ["198.18.0.0/24"], "proto": "udp", "ports": [80],
                           "fallback": "lite"}},
    "sets": {"bots": {"verdict": "block", "entries": ["192.0.2.66"]}},
    "rules": [{"name": "docs", "service": "front", "origin": "docs", "admit": "0%"},
              {"name": "front", "service": "front", "admit": "100%"}],
}
SERVER = ("198.18.0.1", 80)
ORDINARY, BLOCKED, SHED = "192.0.2.1", "192.0.2.66", "198.51.100.1"


class Options(unittest.TestCase):
    """What makes no sense is said, and nothing begun."""

    def test_refused(self):
        twin = ("--twin", "alone")
        cases = [(("--twin", "both", "--pair", "a"), "'both' is not standby, steer or alone"),
                 (twin, "there is no --pair"),
                 (("--twin", "standby", "--pair", "a"), "a has no SERVER, which mode standby"),
                 (("--twin", "steer", "--pair", "a"), "a has no SERVER, which mode steer"),
                 ((*twin, "--pair", "a,b", "--pair", "c,a"), "a is named twice"),
                 ((*twin, "--pair", "a,a"), "a is named twice"),
                 ((*twin, "--pair", "a,,c"), "is not EDGE"),
                 ((*twin, "--pair", ""), "is not EDGE"),
                 ((*twin, "--pair", "a,b,c,d"), "more than EDGE,SERVER,FALLBACK"),
                 ((*twin, "--pair", "a" * 16), "longer than"),
                 ((*twin, "--pair", "a/b"), "'a/b' is no interface's name"),
                 ((*twin, "--pair", ".."), "'..' is no interface's name"),
                 ((*twin, *sum((("--pair", f"a{i}") for i in range(17)), ())), "more than 16"),
                 ((*twin, "--pair", "a", "--sources", "0"), "'0' is not a number"),
                 ((*twin, "--pair", "a", "--sources", "1k"), "'1k' is not a number"),
                 ((*twin, "--pair", "a", "--pins", ""), "names no folder"),
                 ((*twin, "--pair", "a", "--detach"), "exclude each other"),
                 (("--pair", "a,b"), "--pair: there is no --twin"),
                 (("--pins", "/x"), "--pins: there is no --twin"),
                 (("--sources", "5"), "--sources: there is no --twin")]
        for arguments, said in cases:
            with self.subTest(arguments):
                done = subprocess.run([SLUICED, "--state", "/nonexistent/sluice", *arguments],
                                      capture_output=True, text=True, timeout=DEADLINE,
                                      check=False)
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertIn(said, done.stderr)
                self.assertEqual(done.stderr.count("\n"), 1)


@unittest.skipUnless(os.geteuid() == 0, "needs root")
class TwinCase(DaemonCase):
    """Clients and servers on both sides of a filter that is the twin alone."""

    options = ("--twin", "alone", "--pair", "edge,server")

    def setUp(self):
        self.clients, self.filter, self.servers = (
            Namespace(self, name) for name in ("clients", "filter", "servers"))
        self.lay_cable(self.clients, "edge")
        self.lay_cable(self.servers, "server")
        for source in (ORDINARY, BLOCKED, SHED):
            self.clients.ip("address", "add", f"{source}/32", "dev", "far")
        self.clients.ip("route", "add", "198.18.0.0/24", "dev", "far")
        self.servers.ip("address", "add", f"{SERVER[0]}/24", "dev", "far")
        self.servers.ip("route", "add", "default", "dev", "far")
        self.settle_neighbours()
        self.prefix = self.filter.prefix
        super().setUp()
        self.sockets = {source: self.clients.udp(self, (source, 0))
                        for source in (ORDINARY, BLOCKED, SHED)}
        self.received = self.servers.udp(self, SERVER)
        self.received.settimeout(DEADLINE)
        self.sequence = 0

    def lay_cable(self, place, name):
        """A veth whose end takes redirected frames, as one with GRO does, and sends whole ones."""
        self.filter.ip("link", "add", name, "type", "veth", "peer", "name", "far", "netns",
                       place.name)
        place.ip("link", "set", "far", "up")
        self.filter.ip("link", "set", name, "up")
        place.run("ethtool", "-K", "far", "gro", "on", "txvlan", "off", "tx", "off")
        self.filter.run("ethtool", "-K", name, "rxvlan", "off")

    def settle_neighbours(self):
        """So that nobody has to ask."""
        for here, there, address in ((self.clients, self.servers, SERVER[0]),
                                     *((self.servers, self.clients, source)
                                       for source in (ORDINARY, BLOCKED, SHED))):
            here.ip("neighbour", "replace", address, "lladdr", self.mac(there), "dev", "far")

    @staticmethod
    def mac(place):
        return place.ip("-br", "link", "show", "far").split()[2]

    def start(self, *options, **more):
        if not hasattr(self, "pins"):
            self.pins = os.path.join(bpffs(self, os.path.join(self.folder, "bpf")), "sluice")
        super().start("--pins", self.pins, *options, **more)

    def twin(self):
        with Client(os.path.join(self.run_folder, "control.sock")) as client:
            return client.ask("health")["twin"]

    def filters(self):
        return self.twin()["filters"]

    def up(self):
        """A client of a daemon whose twin filters by TWIN_POLICY."""
        client = self.client()
        client.ask("policy.apply", policy=TWIN_POLICY)
        self.comes_to(self.filters)
        return client

    def gets_through(self, source):
        """Whether a packet of this source does: one of ORDINARY's after it must."""
        self.sequence += 1
        number = b"%d" % self.sequence
        self.sockets[source].sendto(b"asked " + number, SERVER)
        self.sockets[ORDINARY].sendto(b"after " + number, SERVER)
        got = self.received.recv(100)
        if got == b"asked " + number:
            self.assertEqual(self.received.recv(100), b"after " + number)
            return True
        self.assertEqual(got, b"after " + number)
        return False


class Modes(TwinCase):
    def test_in_health(self):
        """Each mode, with what it says of its interfaces; the next takes over from it."""
        self.up()
        for mode, pair in (("alone", "edge,server"), ("standby", "edge,server"),
                           ("steer", "edge,server"), ("alone", "edge")):
            self.options = ("--twin", mode, "--pair", pair)
            self.restart()
            twin = self.twin()
            self.assertEqual((twin["mode"], twin["generation"], twin["filters"], twin["serving"],
                              twin["detached"]), (mode, 1, True, False, False))
            self.assertEqual([(each["name"], each["role"], each["attached"], each["native"])
                              for each in twin["interfaces"]],
                             [(name, name, True, True) for name in pair.split(",")])
            health = self.client().ask("health")
            self.assertEqual(health["problems"], [] if mode == "alone" else
                             ["no data plane is running: the twin decides"])
            self.assertEqual(health["ok"], mode == "alone")

    def test_counts_are_in_stats(self):
        client = self.up()
        before = client.ask("stats.get")
        for source, through in ((ORDINARY, True), (BLOCKED, False), (SHED, False)):
            self.assertEqual(self.gets_through(source), through)
        after = client.ask("stats.get")
        twin = after["planes"]["twin"]
        self.assertEqual(list(after["planes"]), ["twin"])
        self.assertEqual({name: after[name] for name in twin if name in after},
                         {name: twin[name] for name in twin if name in after})
        for reason, packets in (("blocked", 1), ("shed", 1), ("admitted", 4)):
            self.assertEqual(after["reasons"][reason]["packets"]
                             - before["reasons"][reason]["packets"], packets)
        self.assertEqual([(rule["rule"], rule["shed"]["packets"], rule["admitted"]["packets"])
                          for rule in after["rules"]], [("docs", 1, 0), ("front", 0, 4)])


class Changes(TwinCase):
    def test_in_force_when_answered(self):
        client = self.up()
        self.assertEqual([self.gets_through(source) for source in (ORDINARY, BLOCKED, SHED)],
                         [True, False, False])
        client.ask("set.remove", set="bots", prefixes=[BLOCKED])
        client.ask("rule.admit", rule="docs", admit="100%")
        self.assertEqual([self.gets_through(source) for source in (BLOCKED, SHED)], [True, True])
        generation = client.ask("set.add", set="bots", entries=[SHED])["generation"]
        self.assertEqual([self.gets_through(source) for source in (BLOCKED, SHED)], [True, False])
        self.assertEqual(self.twin()["generation"], generation)

    def test_entries_end_on_time(self):
        client = self.up()
        client.ask("set.add", set="bots", entries=[{"prefix": SHED, "ttl": "1s"}])
        client.ask("rule.admit", rule="docs", admit="100%")
        self.assertFalse(self.gets_through(SHED))
        self.comes_to(lambda: self.gets_through(SHED))

    def test_refused_leaves_the_former(self):
        client = self.up()
        fake = Fake(self)
        fake.tell("refuse")
        with self.assertRaises(Refused):
            client.ask("set.remove", set="bots", prefixes=[BLOCKED])
        self.assertFalse(self.gets_through(BLOCKED))
        self.assertEqual(self.twin()["generation"], client.ask("health")["generation"])
        fake.tell("cross")
        client.ask("set.remove", set="bots", prefixes=[BLOCKED])
        self.assertTrue(self.gets_through(BLOCKED))

    def test_waits_for_the_data_plane(self):
        """Until that has crossed both decide by the former."""
        client = self.up()
        fake = Fake(self)
        fake.tell("ignore")
        number = client.start("set.remove", set="bots", prefixes=[BLOCKED])
        self.comes_to(lambda: self.announced() > 1)
        self.assertFalse(self.gets_through(BLOCKED))
        fake.tell("cross")
        client.finish(number)
        self.assertTrue(self.gets_through(BLOCKED))


class Survives(TwinCase):
    def flow(self, meanwhile):
        """Send all the while; every packet that may is to get through, and no other."""
        over, faults = threading.Event(), []

        def send():
            try:
                while not over.is_set():
                    for source in (BLOCKED, SHED):
                        if self.gets_through(source):
                            faults.append(source)
            except (AssertionError, OSError) as fault:
                faults.append(fault)

        thread = threading.Thread(target=send)
        before = self.sequence
        thread.start()
        try:
            meanwhile()
        finally:
            over.set()
            thread.join(2 * DEADLINE)
        self.assertEqual(faults, [])
        self.assertGreater(self.sequence, before)

    def test_restart_without_a_gap(self):
        self.up()
        counted = self.client().ask("stats.get")["received"]["packets"]
        self.flow(self.restart)
        self.assertTrue(self.filters())
        self.flow(lambda: self.restart(signal.SIGKILL))
        client = self.client()
        stats = client.ask("stats.get")
        self.assertEqual(stats["received"]["packets"] - counted, 2 * self.sequence)
        self.assertEqual(stats["reasons"]["admitted"]["packets"], self.sequence)
        client.ask("set.remove", set="bots", prefixes=[BLOCKED])
        self.assertTrue(self.gets_through(BLOCKED))

    def test_grows_without_a_gap(self):
        """Tables that need ten times the room there is: another program, with more, takes over."""
        client = self.up()
        origins = {**TWIN_POLICY["origins"], "feeds": [{"type": "libloc"}]}
        self.flow(lambda: client.ask("policy.apply", policy={**TWIN_POLICY, "origins": origins}))
        self.assertTrue(self.filters())
        self.assertEqual(self.twin()["generation"], client.ask("health")["generation"])
        client.ask("set.remove", set="bots", prefixes=[BLOCKED])
        self.assertTrue(self.gets_through(BLOCKED))

    def test_filters_without_its_daemon(self):
        self.up()
        self.stop(signal.SIGKILL)
        self.assertEqual([self.gets_through(source) for source in (ORDINARY, BLOCKED, SHED)],
                         [True, False, False])

    def test_comes_back_to_an_interface(self):
        """One that goes is attached to again once it is back."""
        self.up()
        self.filter.ip("link", "del", "edge")
        self.comes_to(lambda: not self.filters())
        self.lay_cable(self.clients, "edge")
        self.comes_to(self.filters)


class Others(TwinCase):
    options = ("--twin", "alone", "--pair", "edge")

    def test_program_is_left_and_reported(self):
        number, remove = foreign_program(self, self.filter, "edge")
        client = self.client()
        client.ask("policy.apply", policy=TWIN_POLICY)

        def reported():
            problems = client.ask("health")["problems"]
            return any("edge" in each and "stranger" in each and str(number) in each
                       for each in problems)

        self.comes_to(reported)
        self.assertFalse(self.filters())
        self.assertIn(f'"id":{number}', self.filter.run("ip", "-j", "link", "show", "edge")
                      .replace(" ", ""))
        remove()
        self.comes_to(self.filters)

    def test_interface_that_is_not_there_yet(self):
        self.options = ("--twin", "alone", "--pair", "late")
        self.restart()
        client = self.client()
        client.ask("policy.apply", policy=TWIN_POLICY)
        self.assertTrue(any("late" in each for each in client.ask("health")["problems"]))
        self.filter.ip("link", "add", "late", "type", "veth", "peer", "name", "other")
        self.comes_to(self.filters)

    def test_folder_of_another_kind(self):
        """The daemon takes changes all the same."""
        self.pins = os.path.join(self.folder, "plain")
        self.restart()
        client = self.client()
        self.assertEqual(client.ask("policy.apply", policy=TWIN_POLICY)["generation"], 1)
        self.assertRegex(str(client.ask("health")["problems"]), "twin: .*plain")
        self.assertEqual(self.twin()["generation"], 0)
        self.assertIn("sluiced: twin: ", self.stop())
        self.start()


class Detaching(TwinCase):
    def ids(self):
        """Of all that is pinned, and of what it uses."""
        found = set()
        for pin in pathlib.Path(self.pins).iterdir():
            link, table = bpftool("link", "show", "pinned", pin), None
            if not link:
                table = bpftool("map", "show", "pinned", pin)
            if link:
                found |= {("link", link["id"]), ("prog", link["prog_id"])}
                program = bpftool("prog", "show", "id", str(link["prog_id"]))
                found |= {("map", number) for number in program["map_ids"]}
            if table:
                found.add(("map", table["id"]))
        return found

    def gone(self, ids):
        return not any(bpftool(kind, "show", "id", str(number)) for kind, number in ids)

    def nothing_is_left(self, ids):
        self.assertGreater({kind for kind, _ in ids}, {"link", "map"})
        self.comes_to(lambda: self.gone(ids))
        self.assertFalse(os.path.exists(self.pins))
        for interface in ("edge", "server"):
            self.assertNotIn("xdp", self.filter.ip("link", "show", interface))

    def test_by_the_daemon(self):
        client = self.up()
        ids = self.ids()
        self.assertTrue(client.ask("twin.detach", reason="too slow")["twin"]["detached"])
        self.nothing_is_left(ids)
        self.assertRegex(str(client.ask("health")["problems"]), "the twin is detached")
        client.ask("set.remove", set="bots", prefixes=[BLOCKED])  # which leaves it so
        self.assertFalse(os.path.exists(self.pins))
        self.assertTrue(client.ask("twin.attach")["twin"]["filters"])
        self.assertTrue(self.gets_through(BLOCKED))
        self.assertFalse(self.gets_through(SHED))
        self.stop()
        self.assertEqual([(line["method"], line["params"]) for line in self.audit()
                          if line["method"].startswith("twin.")],
                         [("twin.detach", {"reason": "too slow"}), ("twin.attach", {})])
        self.start()

    def test_without_a_daemon(self):
        self.up()
        ids = self.ids()
        self.stop(signal.SIGKILL)
        for _ in range(2):  # nothing to detach is no error
            run(*self.prefix, SLUICED, "--detach", "--pins", self.pins)
            self.nothing_is_left(ids)


class Unprivileged(DaemonCase):
    """Nobody's daemon has no twin, and goes on."""

    prefix = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups") \
        if os.geteuid() == 0 else ()
    options = ("--twin", "alone", "--pair", "edge", "--pins", "/nonexistent/sluice")

    def setUp(self):
        seen = subprocess.run([*self.prefix, SLUICED, "--version"], check=False,
                              capture_output=True, timeout=DEADLINE)
        if seen.returncode != 0:
            self.skipTest("nobody may not run it")
        super().setUp()

    def start(self, *options, **more):
        os.chmod(self.folder, 0o777)
        super().start(*options, **more)

    def test_goes_on(self):
        client = self.client()
        with self.assertRaisesRegex(Refused, "DEGRADED : the twin needs root"):
            client.ask("twin.attach")
        self.assertEqual(client.ask("health")["twin"]["filters"], False)
        self.assertIn("twin: the twin needs root", str(client.ask("health")["problems"]))
        self.assertNotIn("twin", client.ask("policy.apply", policy=TWIN_POLICY))
        self.assertIn("sluiced: twin: the twin needs root", self.stop())


class Without(DaemonCase):
    def test_nothing_to_attach(self):
        client = self.client()
        self.assertIsNone(client.ask("health")["twin"])
        for method in ("twin.attach", "twin.detach"):
            self.refused("INVALID", "", client, method)
        self.refused("INVALID", "reason", client, "twin.detach", reason="")


if __name__ == "__main__":
    main()
