# SPDX-License-Identifier: BSD-3-Clause
"""What outlives the daemon, and what becomes of it when disk or daemon fail."""

import os
import random
import shutil
import signal
import subprocess
import threading
import time
import unittest

from harness import DEADLINE, POLICY, SLUICED, DaemonCase, Fake, Refused, main


class Restart(DaemonCase):
    def test_keeps_policy_and_salt(self):
        client = self.applied()
        client.ask("rule.admit", rule="front", admit="33%")
        client.ask("set.add", set="blocked", verdict="block", entries=["10.0.0.1"])
        before = client.ask("policy.get")
        for number in [signal.SIGTERM, signal.SIGKILL]:
            self.restart(number)
            client = self.client()
            self.assertEqual(client.greeting["params"]["generation"], 3)
            self.assertEqual(client.ask("policy.get"), before)
        client.ask("policy.apply", policy=POLICY)
        self.assertEqual(client.ask("policy.get")["policy"]["salt"], before["policy"]["salt"])

    def test_keeps_what_was_answered_just_before(self):
        Fake(self)
        client = self.applied()
        for i in range(20):
            client.ask("rule.admit", rule="front", admit=f"{i}%")
            self.restart(signal.SIGKILL)
            client = self.client()
            self.assertEqual(client.ask("policy.get")["policy"]["rules"][1]["admit"], f"{i}%")
            self.assertEqual(client.ask("rule.admit", rule="docs", admit="0%")["workers"], 2)

    def test_only_its_own_files_are_left(self):
        client = self.applied()
        for i in range(10):
            client.ask("rule.admit", rule="front", admit=f"{i}%")
        self.stop()
        self.assertEqual(len(os.listdir(self.state("segments"))), 10)
        self.assertEqual(sorted(os.listdir(self.state_folder)),
                         ["audit.jsonl", "current", "salt", "segments", "wanted"])
        self.assertEqual(os.stat(self.state("salt")).st_mode & 0o777, 0o600)
        self.assertEqual(os.stat(self.state_folder).st_mode & 0o007, 0)

    def test_is_kept_while_changes_go_on(self):
        """There is always a change under way, and still the disk is not left behind."""
        clients = [self.applied()] + [self.client() for _ in range(7)]
        Fake(self)
        kept, deadline = {self.current()}, time.monotonic() + DEADLINE
        numbers = [client.start("rule.admit", rule="front", admit="1%") for client in clients]
        while len(kept) < 6:
            kept.add(self.current())
            self.assertLess(time.monotonic(), deadline)
            for i, client in enumerate(clients):
                client.finish(numbers[i])
                numbers[i] = client.start("rule.admit", rule="front", admit="1%")
        for client, number in zip(clients, numbers):
            client.finish(number)

    def current(self):
        with open(self.state("current"), "rb") as file:
            return file.read()

    def test_boards_lock_is_not_anybody_s(self):
        """Who may open a file may lock it."""
        mode = os.stat(os.path.join(self.run_folder, "control.board")).st_mode
        self.assertEqual(mode & 0o007, 0)

    def test_generations_only_grow(self):
        client = self.applied()
        client.ask("rule.admit", rule="front", admit="1%")
        self.stop()
        shutil.rmtree(self.state_folder)
        self.start()
        self.assertEqual(self.client().ask("policy.apply", policy=POLICY)["generation"], 3)

    def test_second_daemon_is_refused(self):
        self.applied()
        other = os.path.join(self.folder, "other")
        held = os.path.join(self.run_folder, "control.board") + ": another sluiced holds it"
        for state, run, said in [
                (self.state_folder, self.run_folder, held),
                (other, self.run_folder, held),
                (self.state_folder, other, self.state_folder + ": another sluiced writes there")]:
            second = subprocess.run([SLUICED, "--state", state, "--run", run],
                                    capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(second.returncode, 1)
            self.assertIn(said, second.stderr)
        self.client().ask("health")

    def test_keeps_entries_that_expired(self):
        client = self.applied()
        client.ask("set.add", set="partners", entries=[
            {"prefix": "10.0.0.1", "expires": "2020-01-01T00:00:00Z", "reason": "old"}])
        self.restart()
        self.assertEqual(self.client().ask("set.list", set="partners")["total"], 1)

    def test_keeps_what_changed_bit_by_bit(self):
        """Many entries, then changes of single ones over all layers of them; and no other trace."""
        def address(number):
            return f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"

        client, chance = self.applied(), random.Random(2)
        client.ask("set.add", set="bots", verdict="block",
                   entries=[address(number) for number in range(5000)])
        for turn in range(4):
            for _ in range(30):
                some = [address(chance.randrange(8000)) for _ in range(40)]
                if chance.random() < 0.4:
                    client.ask("set.remove", set="bots", prefixes=some)
                else:
                    client.ask("set.add", set=chance.choice(["bots", "partners"]), entries=[
                        some[0], {"prefix": some[1], "expires": "2100-01-01T00:00:00Z",
                                  "reason": f"seen {turn} times"}, some[2]])
            before = client.ask("policy.get")
            asked = [address(chance.randrange(8000)) for _ in range(50)]
            explained = self.explained(client, asked)
            self.assertGreater(len(set(explained)), 2)
            self.restart([signal.SIGTERM, signal.SIGKILL][turn % 2])
            client = self.client()
            self.assertEqual(client.ask("policy.get"), before)
            self.assertEqual(self.explained(client, asked), explained)
        client.ask("policy.apply", policy={**before["policy"], "name": "again"})
        self.assertEqual(self.explained(client, asked), explained)
        after = client.ask("policy.get")["policy"]
        self.assertEqual({**after, "name": "test"}, before["policy"])

    @staticmethod
    def explained(client, addresses):
        return [client.ask("explain", source=address, destination="198.18.0.1", port=80)["reason"]
                for address in addresses]

    def test_usage(self):
        for arguments, status in [(["--help"], 0), (["--version"], 0), (["--no"], 2), (["x"], 2)]:
            done = subprocess.run([SLUICED, *arguments], capture_output=True, timeout=60,
                                  check=False)
            self.assertEqual(done.returncode, status, arguments)


class Storm(DaemonCase):
    def test_killed_at_any_moment(self):
        client = self.applied()
        chance = random.Random(1)
        shares, generation = {"25%"}, 1
        for turn in range(25):
            admit = f"{turn}%"
            thread = threading.Timer(chance.uniform(0, 0.02), self.daemon.child.kill)
            thread.start()
            try:
                for i in range(1000):
                    shares.add(admit)
                    generation = client.ask("rule.admit", rule="front",
                                            admit=admit)["generation"]
                    shares = {admit}
                    admit = f"{turn}.{i % 100:02}%" if i % 100 else f"{turn}%"
            except (AssertionError, ConnectionError):
                pass
            thread.join()
            self.daemon.child.communicate()
            self.daemon = None
            self.start()
            client = self.client()
            policy = client.ask("policy.get")
            self.assertGreaterEqual(policy["generation"], generation)
            got = policy["policy"]["rules"][1]["admit"]
            self.assertIn(got, {self.canonical(share) for share in shares})
            shares = {got}
            problems = client.ask("health")["problems"]
            self.assertEqual(problems, ["no data plane is running: nothing is filtered"])

    @staticmethod
    def canonical(share):
        return share[:-2] + "%" if "." in share and share.endswith("0%") else share


class Damage(DaemonCase):
    def restarted(self):
        """What the daemon says of its start, which it must then do again."""
        self.restart()
        said = self.stop()
        self.start()
        return said

    def damaged(self, *names):
        """Restart with a byte of each of these files wrong."""
        self.stop()
        for name in names:
            with open(self.state(name), "r+b") as file:
                file.seek(os.path.getsize(self.state(name)) // 2)
                byte = file.read(1)
                file.seek(-1, os.SEEK_CUR)
                file.write(bytes([byte[0] ^ 1]))
        self.start()
        return self.client()

    def refused_somehow(self, client, method, **params):
        with self.assertRaises(Refused) as caught:
            client.ask(method, **params)
        self.assertEqual(caught.exception.code, "DEGRADED")
        return caught.exception

    def lost(self, client, what):
        """Nothing is published, and nothing but a whole policy is taken."""
        self.assertEqual(client.greeting["params"]["generation"], 0)
        self.assertIn(what, " ".join(client.ask("health")["problems"]))
        for method, params in [("policy.get", {}), ("set.list", {}),
                               ("set.add", {"set": "blocked", "verdict": "block",
                                            "entries": ["10.0.0.1"]}),
                               ("rule.admit", {"rule": "front", "admit": "1%"})]:
            self.refused_somehow(client, method, **params)
        client.ask("stats.get")
        error = self.refused_somehow(client, "explain", source="10.0.0.1",
                                     destination="10.0.0.2")
        self.assertIn("the policy on disk is damaged", error.message)

    def test_current(self):
        self.applied()
        client = self.damaged("current")
        self.assertEqual(client.ask("policy.get")["generation"], 1)  # from `wanted`

    def test_wanted(self):
        self.applied()
        client = self.damaged("wanted")
        self.assertEqual(client.ask("policy.get")["generation"], 1)
        problem = self.state("wanted") + ": checksum does not match"
        self.assertEqual(client.ask("health")["problems"][0], problem)
        self.assertIn("sluiced: " + problem, self.restarted())
        client = self.client()
        client.ask("rule.admit", rule="front", admit="1%")
        self.assertNotIn("wanted", client.ask("health")["problems"][0])

    def test_both(self):
        self.applied()
        client = self.damaged("wanted", "current")
        self.lost(client, "checksum does not match")
        answer = client.ask("policy.apply", policy=POLICY)
        self.assertEqual(answer["generation"], 2)
        client.ask("rule.admit", rule="front", admit="1%")

    def test_every_segment(self):
        self.applied()
        self.stop()
        for kind in [name.split("-")[0] for name in os.listdir(self.state("segments"))]:
            with self.subTest(kind):
                name = next(name for name in os.listdir(self.state("segments"))
                            if name.startswith(kind + "-"))
                self.start()
                client = self.damaged(os.path.join("segments", name))
                self.lost(client, name)
                client.ask("policy.apply", policy=POLICY)
                self.stop()
        self.start()

    def test_missing_and_strange_files(self):
        self.applied()
        self.stop()
        name = next(name for name in os.listdir(self.state("segments")) if "rules" in name)
        path = self.state("segments", name)
        os.rename(path, path + ".away")
        makers = [lambda: None, lambda: os.mkdir(path), lambda: os.mkfifo(path),
                  lambda: os.symlink("/dev/zero", path), lambda: open(path, "w").close()]
        for make in makers:
            make()
            self.start()
            self.lost(self.client(), name)
            self.stop()
            if os.path.isdir(path):
                os.rmdir(path)
            elif os.path.lexists(path):
                os.unlink(path)
        os.rename(path + ".away", path)
        self.start()
        self.assertEqual(self.client().ask("policy.get")["generation"], 1)

    def test_salt(self):
        with open(self.state("salt"), "wb") as file:
            file.write(b"abc")
        problem = self.state("salt") + ": is not 16 bytes long"
        self.assertIn("sluiced: " + problem, self.restarted())
        client = self.client()
        self.assertIn(problem, client.ask("health")["problems"])
        self.refused("DEGRADED", self.state("salt"), client, "policy.apply", policy=POLICY)
        client.ask("policy.apply", policy=dict(POLICY, salt="00" * 16))
        self.assertIn(problem, client.ask("health")["problems"])
        client.ask("policy.apply", policy=POLICY)
        self.assertEqual(client.ask("policy.get")["policy"]["salt"], "00" * 16)
        self.assertNotIn(problem, client.ask("health")["problems"])

    def test_salt_in_force_outlives_its_file(self):
        client = self.applied()
        before = client.ask("policy.get")["policy"]["salt"]
        for restart in [False, True]:
            os.unlink(self.state("salt"))
            if restart:
                self.restart()
                client = self.client()
            client.ask("policy.apply", policy=POLICY)
            self.assertEqual(client.ask("policy.get")["policy"]["salt"], before)
            with open(self.state("salt"), "rb") as file:
                self.assertEqual(file.read().hex(), before)


@unittest.skipUnless(os.getuid() == 0, "needs root to mount")
class Disk(DaemonCase):
    def setUp(self):
        """The state folder is a small file system of its own."""
        super().setUp()
        self.stop()
        os.makedirs(self.state_folder, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2M,mode=750", "sluiced-test",
                        self.state_folder], check=True)
        self.addCleanup(subprocess.run, ["umount", self.state_folder], check=True)
        self.addCleanup(lambda: self.daemon and self.stop())
        self.start()

    def nothing_changes(self, client, change):
        before = client.ask("policy.get")["policy"]
        error = self.refused_somehow(client, change)
        self.assertEqual(error.code, "DEGRADED")
        self.assertEqual(client.ask("policy.get")["policy"], before)
        return error

    def refused_somehow(self, client, change):
        with self.assertRaises(Refused) as caught:
            client.ask("rule.admit", rule="front", admit=change)
        return caught.exception

    def test_full(self):
        client = self.applied()
        big = os.open(self.state("big"), os.O_WRONLY | os.O_CREAT)
        try:
            while True:
                os.write(big, b"x" * 4096)
        except OSError:
            os.close(big)
        error = self.nothing_changes(client, "1%")
        self.assertIn("No space left on device", error.message)
        problem = self.state_folder + ": cannot be written: No space left on device"
        self.comes_to(lambda: problem in client.ask("health")["problems"])
        for _ in range(100):  # the log's last page has room for some lines
            self.refused_somehow(client, "1%")
        self.assertTrue(any("audit.jsonl" in problem
                            for problem in client.ask("health")["problems"]))
        os.unlink(self.state("big"))
        client.ask("rule.admit", rule="front", admit="2%")
        self.assertFalse(any("audit.jsonl" in problem
                             for problem in client.ask("health")["problems"]))
        self.restart(signal.SIGKILL)
        self.assertEqual(self.client().ask("policy.get")["policy"]["rules"][1]["admit"], "2%")

    def test_refused_and_not_rolled_back(self):
        """What was refused is never kept, though it is what the disk wants for a while."""
        fake, client = Fake(self), self.applied()
        client.ask("rule.admit", rule="front", admit="5%")
        fake.tell("ignore")
        number = client.start("rule.admit", rule="front", admit="1%")
        self.comes_to(lambda: self.announced() == 3)
        self.remount("ro")
        fake.tell("refuse")
        with self.assertRaises(Refused):
            client.finish(number)
        fake.end()
        self.assertTrue(any("Read-only" in problem for problem in client.ask("health")["problems"]))
        self.remount("rw")
        self.comes_to(lambda: client.ask("health")["generation"] == 4)
        self.restart(signal.SIGKILL)
        self.assertEqual(self.client().ask("policy.get")["policy"]["rules"][1]["admit"], "5%")

    def remount(self, how):
        subprocess.run(["mount", "-o", f"remount,{how}", self.state_folder], check=True)

    def test_read_only(self):
        client = self.applied()
        self.remount("ro")
        error = self.nothing_changes(client, "1%")
        self.assertIn("Read-only file system", error.message)
        self.restart(signal.SIGKILL)
        client = self.client()
        self.assertEqual(client.ask("policy.get")["policy"]["rules"][1]["admit"], "25%")
        problem = self.state_folder + ": cannot be written: Read-only file system"
        self.assertIn(problem, client.ask("health")["problems"])
        self.assertIn("sluiced: " + problem, self.stop(signal.SIGKILL))
        self.start()
        client = self.client()
        self.remount("rw")
        self.comes_to(lambda: problem not in client.ask("health")["problems"])
        self.remount("ro")  # and nobody changes anything
        self.comes_to(lambda: problem in client.ask("health")["problems"])
        self.remount("rw")
        client.ask("rule.admit", rule="front", admit="2%")


if __name__ == "__main__":
    main()
