# SPDX-License-Identifier: BSD-3-Clause
"""Changes that share a generation: each has its own answer, error, and line in the audit log."""

import contextlib
import json
import os
import random
import signal
import threading

from harness import DaemonCase, Fake, Refused, main


class Groups(DaemonCase):
    def setUp(self):
        """One change is under way, so that what comes now waits for the next generation."""
        super().setUp()
        self.fake = Fake(self)
        self.first = self.applied()
        self.fake.tell("ignore")
        self.number = self.first.start("rule.admit", rule="front", admit="1%")
        self.comes_to(lambda: self.announced() == 2)

    def go_on(self):
        self.fake.tell("cross")
        self.assertEqual(self.first.finish(self.number)["generation"], 2)

    def block(self, client, number, **params):
        return client.start("set.add", set="bots", verdict="block", entries=[f"10.0.0.{number}"],
                            **params)

    def blocked(self):
        return self.first.ask("set.list", set="bots")["entries"]

    def test_one_generation_for_all_that_waited(self):
        clients = [self.client() for _ in range(20)]
        numbers = [self.block(client, i) for i, client in enumerate(clients)]
        self.go_on()
        answers = [client.finish(number) for client, number in zip(clients, numbers)]
        self.assertEqual({answer["generation"] for answer in answers}, {3})
        self.assertEqual({(answer["changed"], answer["workers"]) for answer in answers}, {(1, 2)})
        self.assertEqual(self.blocked(), [f"10.0.0.{i}" for i in range(20)])

    def test_a_bad_one_leaves_the_others(self):
        good, bad, other = self.client(), self.client(), self.client()
        numbers = [self.block(good, 1, reason="one"), self.block(good, 2)]
        wrong = [bad.start("rule.admit", rule="no", admit="1%"),
                 bad.start("set.add", set="bots", verdict="allow", entries=["10.0.0.9"])]
        numbers.append(good.start("set.remove", set="bots", prefixes=["10.0.0.1", "10.0.0.7"]))
        last = other.start("set.add", set="partners", entries=["10.0.0.0/33"])
        self.go_on()
        answers = [good.finish(number) for number in numbers]
        self.assertEqual([(answer["generation"], answer["changed"]) for answer in answers],
                         [(3, 1), (3, 1), (3, 1)])
        for client, number, path in [(bad, wrong[0], "rule"), (bad, wrong[1], "verdict"),
                                     (other, last, "entries[0]")]:
            with self.assertRaises(Refused) as caught:
                client.finish(number)
            self.assertEqual((caught.exception.code, caught.exception.path), ("INVALID", path))
        self.assertEqual(self.blocked(), ["10.0.0.2"])
        lines = self.audit()[2:]
        self.assertEqual(len(lines), 6)
        self.assertEqual(sorted(line["error"]["path"] for line in lines if "error" in line),
                         ["entries[0]", "rule", "verdict"])
        made = [line for line in lines if "error" not in line]
        self.assertEqual([line["generation"] for line in made], [3, 3, 3])
        self.assertEqual([line["params"].get("reason") for line in made], ["one", None, None])

    def test_a_client_s_requests_are_answered_in_order(self):
        client, asked = self.client(), []
        for i in range(10):
            asked += [self.block(client, i), client.start("rule.admit", rule="no", admit="1%"),
                      client.start("set.list", set="bots"), client.start("no.method")]
        client.send(b"not JSON\n")
        asked += [None, self.block(client, 99)]
        self.go_on()
        totals = []
        for number in asked:
            answer = client.read()
            self.assertEqual(answer["id"], number)
            if "total" in answer.get("result", {}):
                totals.append(answer["result"]["total"])
        self.assertEqual(totals, list(range(1, 11)))

    def test_many_of_one_client(self):
        client, count = self.client(), 1500
        lines = [json.dumps({"jsonrpc": "2.0", "id": i, "method": "set.add", "params": {
            "set": "bots", "verdict": "block", "entries": [f"10.0.{i >> 8}.{i & 255}"]}})
            for i in range(count)]
        sender = threading.Thread(target=client.send, args=["\n".join(lines + [""]).encode()])
        sender.start()
        self.go_on()
        answers = [client.read() for _ in range(count)]
        sender.join()
        self.assertEqual([answer["id"] for answer in answers], list(range(count)))
        generations = [answer["result"]["generation"] for answer in answers]
        self.assertEqual(generations, sorted(generations))
        self.assertLess(generations[-1], 3 + count // 4)
        self.assertEqual(self.first.ask("set.list", set="bots")["total"], count)

    def test_large_ones(self):
        client = self.client()
        entries = [f"10.0.{i >> 8}.{i & 255}" for i in range(25000)]  # a third of a MiB
        sender = threading.Thread(target=lambda: [
            client.start("set.add", set="bots", verdict="block", entries=entries)
            for _ in range(12)])
        sender.start()
        self.go_on()
        generations = [client.read()["result"]["generation"] for _ in range(12)]
        sender.join()
        self.assertLessEqual(max(map(generations.count, generations)), 4)

    def test_if_generation(self):
        client = self.client()
        numbers = [self.block(client, 1), self.block(client, 2, if_generation=3),
                   self.block(client, 3), self.block(client, 4, if_generation=3),
                   self.block(client, 5, if_generation=5)]
        self.go_on()
        self.assertEqual([client.finish(number)["generation"] for number in numbers[:3]], [3, 4, 5])
        with self.assertRaises(Refused) as caught:
            client.finish(numbers[3])
        self.assertEqual((caught.exception.code, caught.exception.generation), ("CONFLICT", 5))
        self.assertEqual(client.finish(numbers[4])["generation"], 6)
        self.assertEqual(self.blocked(), [f"10.0.0.{i}" for i in (1, 2, 3, 5)])

    def test_request_key(self):
        clients = [self.client() for _ in range(3)]
        numbers = [self.block(client, 1, request_key="k") for client in clients]
        self.go_on()
        answers = [client.finish(number) for client, number in zip(clients, numbers)]
        self.assertEqual(answers, answers[:1] * 3)
        self.assertEqual(self.first.ask("policy.get")["generation"], 3)

    def test_a_transaction_has_its_own(self):
        client, other = self.client(), self.client()
        parts = [self.block(client, 1, more=True), self.block(client, 2)]
        alone = self.block(other, 3)
        self.go_on()
        self.assertEqual(client.finish(parts[0]), {"staged": 1})
        answer = other.finish(alone)
        # Whichever came first, the other is another generation, or too late.
        try:
            committed = client.finish(parts[1])
            self.assertEqual(committed["changed"], 2)
            self.assertEqual({answer["generation"], committed["generation"]}, {3, 4})
        except Refused as refused:
            self.assertEqual((refused.code, refused.generation), ("CONFLICT", 3))

    def test_refused_by_the_data_plane(self):
        clients = [self.client() for _ in range(5)]
        numbers = [self.block(client, i) for i, client in enumerate(clients)]
        self.go_on()
        for client, number in zip(clients, numbers):
            client.finish(number)
        self.fake.tell("ignore")
        self.number = self.first.start("rule.admit", rule="front", admit="2%")
        self.comes_to(lambda: self.announced() == 4)
        numbers = [self.block(client, 10 + i) for i, client in enumerate(clients)]
        self.fake.tell("refuse")
        with self.assertRaises(Refused):
            self.first.finish(self.number)
        for client, number in zip(clients, numbers):
            with self.assertRaises(Refused) as caught:
                client.finish(number)
            self.assertEqual(caught.exception.code, "DEGRADED")
            self.assertIn("it is only a fake", caught.exception.message)
        self.assertEqual(self.blocked(), [f"10.0.0.{i}" for i in range(5)])
        self.assertEqual(len(self.audit()), 2 + 5 + 1 + 5)

    def test_who_went_meanwhile(self):
        clients = [self.client() for _ in range(6)]
        numbers = [self.block(client, i) for i, client in enumerate(clients)]
        for client in clients[::2]:
            client.close()
        self.go_on()
        for client, number in list(zip(clients, numbers))[1::2]:
            client.finish(number)
        self.comes_to(lambda: len(self.blocked()) == 6)


class Reads(DaemonCase):
    def test_a_group_does_not_wait_for_them(self):
        client, reader, count = self.applied(), self.client(), 100  # more than one turn
        line = json.dumps({"jsonrpc": "2.0", "id": 0, "method": "policy.get"}) + "\n"
        self.daemon.child.send_signal(signal.SIGSTOP)
        number = client.start("rule.admit", rule="front", admit="1%")
        reader.send(line.encode() * count)
        self.daemon.child.send_signal(signal.SIGCONT)
        generations = [reader.finish(0)["generation"] for _ in range(count)]
        self.assertEqual(generations[-1], 2)
        self.assertEqual(client.finish(number)["generation"], 2)


class Folding(DaemonCase):
    """The layer of all single addresses is built anew beside the changes that go on."""

    MANY = 70000  # more than fit the layers over it

    @staticmethod
    def address(number):
        return f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"

    def layer(self):
        """How large that layer is on disk."""
        size = 0
        for name in os.listdir(self.state("segments")):
            if name.startswith("singles-"):
                with contextlib.suppress(FileNotFoundError):  # it was replaced just now
                    size += os.path.getsize(self.state("segments", name))
        return size

    def block_many(self, client):
        for first in range(0, self.MANY, self.MANY // 2):
            answer = client.ask("set.add", set="bots", verdict="block", entries=[
                self.address(i) for i in range(first, first + self.MANY // 2)])
            self.assertEqual(answer["changed"], self.MANY // 2)

    def check(self, client, gone, more):
        self.assertEqual(client.ask("set.list", set="bots")["total"], self.MANY - gone + more)
        for number, reason in [(0, "default" if gone else "blocked"), (self.MANY - 1, "blocked"),
                               (self.MANY + more - 1, "blocked"), (self.MANY + more, "default")]:
            answer = client.ask("explain", source=self.address(number), destination="192.0.2.1")
            self.assertEqual(answer["reason"], reason, number)

    def test_changes_go_on(self):
        Fake(self)
        client = self.applied()
        small = self.layer()
        self.block_many(client)
        gone = more = 0
        while self.layer() < small + 8 * self.MANY:
            client.ask("set.remove", set="bots", prefixes=[self.address(gone)])
            client.ask("set.add", set="bots", entries=[self.address(self.MANY + more)])
            gone, more = gone + 1, more + 1
        self.check(client, gone, more)
        client.ask("set.add", set="bots", entries=[self.address(self.MANY + more)])
        self.check(client, gone, more + 1)
        before = client.ask("policy.get")
        for number in signal.SIGTERM, signal.SIGKILL:
            self.restart(number)
            client = self.client()
            self.assertEqual(client.ask("policy.get"), before)
            self.check(client, gone, more + 1)

    def test_killed_meanwhile(self):
        Fake(self)
        for turn in range(4):
            client = self.applied()
            self.block_many(client)
            for _ in range(turn):
                client.ask("set.remove", set="bots", prefixes=[self.address(0)])
            self.restart(signal.SIGKILL)
            client = self.client()
            self.check(client, min(turn, 1), 0)
            client.ask("set.remove", set="bots", prefixes=["10.255.255.255"])
            self.check(client, min(turn, 1), 0)


class Storm(DaemonCase):
    """Killed while groups are made: what was answered is there, and nothing that was not asked."""

    def pump(self, client, numbers, asked, answered):
        """Keep several requests under way, until the daemon is gone."""
        try:
            under_way = []
            for number in numbers:
                address = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
                asked.add(address)
                under_way.append((address, client.start("set.add", set="bots", verdict="block",
                                                        entries=[address])))
                if len(under_way) == 8:
                    address, waited = under_way.pop(0)
                    client.finish(waited)
                    answered.add(address)
        except (AssertionError, ConnectionError):
            pass

    def test_killed_at_any_moment(self):
        fake, chance = Fake(self), random.Random(3)
        self.applied()
        asked, answered = set(), set()
        for turn in range(8):
            threads = [threading.Thread(target=self.pump, args=[
                self.client(), range((turn * 4 + i) << 12, (turn * 4 + i + 1) << 12), asked,
                answered]) for i in range(4)]
            before = len(answered)
            for thread in threads:
                thread.start()
            goal = before + chance.randrange(1, 400)
            self.comes_to(lambda goal=goal: len(answered) >= goal)
            self.stop(signal.SIGKILL)
            for thread in threads:
                thread.join()
            self.start()
            client = self.client()
            sets = client.ask("policy.get")["policy"]["sets"]
            there = set(sets["bots"]["entries"])
            self.assertLessEqual(answered, there)
            self.assertLessEqual(there, asked)
            self.assertEqual(client.ask("explain", source=min(answered),
                                        destination="198.18.0.1")["reason"], "blocked")
        self.assertIsNone(fake.child.poll())


if __name__ == "__main__":
    main()
