# SPDX-License-Identifier: BSD-3-Clause
"""How a change meets a data plane: one that crosses, refuses, is slow, comes, goes."""

import os
import signal
import subprocess

from harness import POLICY, DaemonCase, Fake, main


class Crossing(DaemonCase):
    def test_workers_are_counted(self):
        fake = Fake(self, workers=3)
        client = self.client()
        self.assertEqual(client.ask("policy.apply", policy=POLICY)["workers"], 3)
        self.assertEqual(client.ask("rule.admit", rule="front", admit="1%")["generation"], 2)
        health = client.ask("health")
        self.assertEqual((health["ok"], health["problems"]), (True, []))
        dataplane = health["dataplane"]
        self.assertRegex(dataplane.pop("started"), r"^20\d\d-")
        self.assertEqual(dataplane, {"running": True, "pid": fake.child.pid, "workers": 3,
                                     "generation": 2, "from_disk": False})

    def test_queries_are_answered_meanwhile(self):
        fake = Fake(self)
        changer, other, third = self.applied(), self.client(), self.client()
        fake.tell("ignore")
        first = changer.start("rule.admit", rule="front", admit="1%")
        self.comes_to(lambda: self.announced() == 2)
        second = other.start("rule.admit", rule="docs", admit="2%")
        policy = third.ask("policy.get")
        self.assertEqual(policy["generation"], 1)
        self.assertEqual(policy["policy"]["rules"][1]["admit"], "25%")
        fake.tell("cross")
        self.assertEqual(changer.finish(first)["generation"], 2)
        self.assertEqual(other.finish(second)["generation"], 3)

    def test_a_change_whose_client_went_is_made(self):
        fake = Fake(self)
        changer, other = self.applied(), self.client()
        fake.tell("ignore")
        changer.start("rule.admit", rule="front", admit="1%")
        self.comes_to(lambda: self.announced() == 2)
        waiting = other.start("rule.admit", rule="docs", admit="2%")
        changer.close()
        fake.tell("cross")
        self.assertEqual(other.finish(waiting)["generation"], 3)
        self.assertEqual(other.ask("policy.get")["policy"]["rules"][1]["admit"], "1%")

    def test_clients_that_go_while_they_wait(self):
        fake = Fake(self)
        changer = self.applied()
        others = [self.client() for _ in range(3)]
        fake.tell("ignore")
        first = changer.start("rule.admit", rule="front", admit="1%")
        numbers = [client.start("rule.admit", rule="docs", admit=f"{i}%")
                   for i, client in enumerate(others)]
        self.client().ask("health")  # the daemon has them all by now
        others[0].close()
        fake.tell("cross")
        changer.finish(first)
        self.assertEqual(others[1].finish(numbers[1])["workers"], 2)
        self.assertEqual(others[2].finish(numbers[2])["workers"], 2)

    def test_a_data_plane_that_dies_meanwhile(self):
        fake = Fake(self)
        client = self.applied()
        fake.tell("ignore")
        number = client.start("rule.admit", rule="front", admit="1%")
        fake.child.kill()
        answer = client.finish(number)
        self.assertEqual((answer["generation"], answer["workers"]), (2, 0))

    def test_data_planes_come_and_go(self):
        client = self.applied()
        for workers in [1, 4, 2]:
            fake = Fake(self, workers=workers)
            self.assertEqual(client.ask("rule.admit", rule="front", admit="1%")["workers"],
                             workers)
            self.assertEqual(client.ask("health")["dataplane"]["pid"], fake.child.pid)
            fake.end()
            self.assertEqual(client.ask("health")["dataplane"], {"running": False})
        self.assertEqual(client.ask("rule.admit", rule="front", admit="2%")["workers"], 0)

    def test_a_data_plane_that_stands_still(self):
        fake, client = Fake(self), self.applied()
        problem = "data plane: its main thread stands still"
        self.assertTrue(client.ask("health")["ok"])
        self.addCleanup(fake.child.send_signal, signal.SIGCONT)  # or it would not end
        fake.child.send_signal(signal.SIGSTOP)
        self.comes_to(lambda: client.ask("health")["problems"] == [problem])
        fake.child.send_signal(signal.SIGCONT)
        self.comes_to(lambda: client.ask("health")["ok"])

    def test_a_data_plane_without_image(self):
        Fake(self)
        client = self.client()
        problem = "the data plane has no image: every packet passes"
        self.assertEqual(client.ask("health")["problems"], [problem])
        client.ask("policy.apply", policy=POLICY)
        self.assertEqual(client.ask("health")["problems"], [])

    def test_a_board_that_is_none(self):
        client = self.applied()
        board = os.path.join(self.run_folder, "dataplane.board")
        for content in [b"", b"x" * 100, b"x" * 100000]:
            with open(board, "wb") as file:
                file.write(content)
            with subprocess.Popen(["flock", "--exclusive", board, "cat"], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE) as holder:
                holder.stdin.write(b"x\n")
                holder.stdin.flush()
                holder.stdout.readline()
                self.assertEqual(client.ask("rule.admit", rule="front", admit="1%")["workers"], 0)
                self.assertFalse(client.ask("health")["dataplane"]["running"])
                client.ask("stats.get")
                holder.stdin.close()


class Counters(DaemonCase):
    def test_sums(self):
        Fake(self, workers=3, rules=["front"])
        stats = self.applied().ask("stats.get")
        six = {"packets": 6, "bytes": 600}
        none = {"packets": 0, "bytes": 0}
        self.assertEqual(stats["workers"], 3)
        self.assertEqual((stats["received"], stats["sent"], stats["unsent"]), (six, six, none))
        self.assertEqual(stats["reasons"].pop("admitted"), six)
        self.assertEqual(stats["verdicts"].pop("pass"), six)
        for counts in (stats["reasons"], stats["verdicts"]):
            self.assertTrue(all(count == none for count in counts.values()))
        self.assertEqual([(rule["rule"], rule["admitted"], rule["shed"])
                          for rule in stats["rules"]],
                         [("docs", none, none), ("front", six, none)])

    def test_damaged_file(self):
        Fake(self)
        client = self.applied()
        for name in "dataplane.vitals", "dataplane.counters":
            path = os.path.join(self.run_folder, name)
            for content in [b"", b"SLCN", b"x" * 100000]:
                with open(path + ".new", "wb") as file:
                    file.write(content)
                os.rename(path, path + ".whole")
                os.rename(path + ".new", path)
                self.refused("DEGRADED", name, client, "stats.get")
                os.rename(path + ".whole", path)


class Load(DaemonCase):
    """What ports and workers have to bear."""

    def test_ports_and_workers(self):
        Fake(self, workers=3, rules=["front"])
        stats = self.applied().ask("stats.get")
        none = {"packets": 0, "bytes": 0}
        self.assertEqual(stats["ports"], [
            {"port": "fake0", "pair": 0, "role": "edge", "link": {"up": True, "mbps": 25000},
             "queues": 3, "spread": "sources", "received": {"packets": 70, "bytes": 7000},
             "sent": {"packets": 30, "bytes": 3000}, "missed": 0, "no_buffer": 0,
             "rx_errors": 2, "tx_errors": 3,
             "per_queue": [{"received": {"packets": i, "bytes": 100 * i}, "missed": 0}
                           for i in (1, 2, 3)]},
            {"port": "fake1", "pair": 0, "role": "server", "link": {"up": True, "mbps": None},
             "queues": 1, "spread": "unknown", "received": none, "sent": none, "missed": 0,
             "no_buffer": 0, "rx_errors": 0, "tx_errors": 0, "per_queue": []}])
        self.assertEqual(stats["per_worker"], [
            {"worker": i, "generation": 1, "received": {"packets": i + 1, "bytes": 100 * (i + 1)},
             "from_servers": none, "busy": busy, "packets_per_poll": 16.5}
            for i, busy in enumerate(("12.34%", "12.35%", "12.36%"))])

    def test_none_runs(self):
        stats = self.applied().ask("stats.get")
        self.assertEqual((stats["ports"], stats["per_worker"]), ([], []))

    def test_problems(self):
        fake = Fake(self)
        client = self.applied()
        self.assertEqual(client.ask("health")["problems"], [])
        fake.tell("strain")
        health = client.ask("health")
        self.assertFalse(health["ok"])
        drops, link, busy = health["problems"]
        self.assertEqual(drops, "port fake0: drops frames before any worker sees them, 1007 so "
                                "far: it ran out of buffers")
        self.assertEqual(link, "port fake1: its link is down")
        self.assertRegex(busy, r"^worker 1: is saturated, 99\.5% busy for [4-9]\d* s: "
                               "more workers are needed$")
        fake.tell("ease")
        self.assertTrue(client.ask("health")["ok"])


class Refusal(DaemonCase):
    def after(self, client, generation):
        """The policy is what it was, under a new number."""
        policy = client.ask("policy.get")
        self.assertEqual(policy["generation"], generation)
        self.assertEqual(policy["policy"]["rules"][1]["admit"], "25%")

    def test_refused(self):
        fake = Fake(self)
        client = self.applied()
        fake.tell("refuse")
        error = self.refused("DEGRADED", "", client, "rule.admit", rule="front", admit="1%")
        self.assertIn("it is only a fake", error.message)
        self.assertEqual(error.number, -32000)
        self.after(client, 3)
        self.assertEqual(self.audit()[-1]["error"]["code"], "DEGRADED")
        fake.tell("cross")
        self.assertEqual(client.ask("rule.admit", rule="front", admit="1%")["generation"], 4)
        self.restart()
        self.assertEqual(self.client().ask("policy.get")["policy"]["rules"][1]["admit"], "1%")

    def test_refused_and_restarted(self):
        fake = Fake(self)
        client = self.applied()
        fake.tell("refuse")
        self.refused("DEGRADED", "", client, "rule.admit", rule="front", admit="1%")
        fake.end()
        self.restart(signal.SIGKILL)
        self.after(self.client(), 3)

    def test_refused_while_the_daemon_was_dead(self):
        fake = Fake(self)
        client = self.applied()
        self.assertEqual(client.ask("rule.admit", rule="docs", admit="0%")["generation"], 2)
        fake.tell("ignore")
        client.start("rule.admit", rule="front", admit="1%")
        self.comes_to(lambda: self.announced() == 3)
        self.stop(signal.SIGKILL)
        fake.tell("refuse")
        while self.refused_generation() != 3:
            pass
        self.start()
        self.after(self.client(), 4)

    def refused_generation(self):
        with open(os.path.join(self.run_folder, "dataplane.board"), "rb") as board:
            return int.from_bytes(board.read()[48:56], "little")

    def test_first_policy_refused(self):
        fake = Fake(self)
        fake.tell("refuse")
        client = self.client()
        self.refused("DEGRADED", "", client, "policy.apply", policy=POLICY)
        self.assertEqual(client.ask("policy.get")["generation"], 0)
        self.assertFalse(os.path.exists(self.state("wanted")))
        self.assertEqual(os.listdir(self.state("segments")), [])
        fake.tell("cross")
        self.assertEqual(client.ask("policy.apply", policy=POLICY)["workers"], 2)

    def test_slow(self):
        fake = Fake(self)
        client = self.applied()
        fake.tell("ignore")
        error = self.refused("TIMEOUT", "", client, "rule.admit", rule="front", admit="1%")
        self.assertEqual(error.generation, 3)
        self.after(client, 3)
        self.assertFalse(client.ask("health")["ok"])
        fake.tell("cross")
        self.assertEqual(client.ask("rule.admit", rule="front", admit="1%")["generation"], 4)
        self.assertTrue(client.ask("health")["ok"])

    def test_key_of_a_refused_change_is_free(self):
        fake = Fake(self)
        client = self.applied()
        fake.tell("refuse")
        change = {"rule": "front", "admit": "1%", "request_key": "k"}
        self.refused("DEGRADED", "", client, "rule.admit", **change)
        fake.tell("cross")
        self.assertEqual(client.ask("rule.admit", **change)["generation"], 4)


if __name__ == "__main__":
    main()
