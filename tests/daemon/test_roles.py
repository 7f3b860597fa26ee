# SPDX-License-Identifier: BSD-3-Clause
"""Who may do what. Other users' clients are this test's own children, which need root."""

import grp
import json
import os
import signal
import subprocess
import sys
import unittest

from harness import POLICY, DaemonCase, main

NOBODY = 65534
GROUP = next(group for group in grp.getgrall() if group.gr_gid not in (0, NOBODY))

ASK = """
import json, socket, sys
client = socket.socket(socket.AF_UNIX)
client.settimeout(30)
client.connect(sys.argv[1])
lines = client.makefile("rb")
answers = [json.loads(lines.readline())]
for request in json.load(sys.stdin):
    client.sendall(json.dumps(request).encode() + b"\\n")
    answers.append(json.loads(lines.readline()))
json.dump(answers, sys.stdout)
"""

# Many ask for much, and none reads before all have been answered. How many answers each got.
SLEEPERS = """
import json, select, socket, sys
clients = [socket.socket(socket.AF_UNIX) for _ in range(150)]
answers = []
for client in clients:
    client.settimeout(60)
    client.connect(sys.argv[1])
    client.recv(4096)
for client in clients:
    client.sendall(b'{"jsonrpc":"2.0","id":1,"method":"policy.get"}\\n' * 2)
    client.shutdown(socket.SHUT_WR)
for client in clients:
    assert select.select([client], [], [], 60)[0]
for client in clients:
    lines = 0
    try:
        while data := client.recv(1 << 20):
            lines += data.count(b"\\n")
    except ConnectionResetError:
        pass
    answers.append(lines)
json.dump(answers, sys.stdout)
"""


# Many are greeted, ask when told to, and say which generation each was told of.
ASKERS = """
import json, socket, sys
clients = [socket.socket(socket.AF_UNIX) for _ in range(100)]
for client in clients:
    client.connect(sys.argv[1])
lines = [client.makefile("rb") for client in clients]
for greeting in lines:
    greeting.readline()
print("greeted", flush=True)
sys.stdin.readline()
for client in clients:
    client.sendall(b'{"jsonrpc":"2.0","id":1,"method":"health"}\\n')
print("asked", flush=True)
print(json.dumps([json.loads(line.readline())["result"]["generation"] for line in lines]))
"""


@unittest.skipUnless(os.getuid() == 0, "needs root to be somebody else")
class Roles(DaemonCase):
    options = ("--operators", GROUP.gr_name)

    def ask_as(self, who, *requests):
        """Greeting and answers that a client of `who`, setpriv's options, gets."""
        lines = [{"jsonrpc": "2.0", "id": i, "method": method, "params": params}
                 for i, (method, params) in enumerate(requests)]
        done = subprocess.run(["setpriv", f"--reuid={NOBODY}", *who, sys.executable, "-c", ASK,
                               os.path.join(self.run_folder, "control.sock")],
                              input=json.dumps(lines), capture_output=True, text=True, check=True,
                              timeout=60)
        return json.loads(done.stdout)

    def check(self, who, role, allowed):
        admin = self.applied()
        changes = [
            ("rule.admit", {"rule": "front", "admit": "1%"}),
            ("rule.limit", {"rule": "front", "limit": {"source": None}}),
            ("set.add", {"set": "blocked", "verdict": "block", "entries": ["10.0.0.1"]}),
            ("set.replace", {"set": "blocked", "entries": ["10.0.0.1"]}),
            ("set.remove", {"set": "blocked", "prefixes": ["10.0.0.1"]}),
            ("policy.apply", {"policy": POLICY}),
        ]
        greeting, *answers = self.ask_as(who, ("policy.get", {}), ("health", {}),
                                         ("stats.get", {}), *changes)
        self.assertEqual(greeting["params"]["role"], role)
        policy = answers[0]["result"]["policy"]
        self.assertNotIn("salt", policy)
        self.assertIn("salt", admin.ask("policy.get")["policy"])
        for answer in answers[:3]:
            self.assertIn("result", answer)
        for (method, _), answer in zip(changes, answers[3:]):
            with self.subTest(method=method):
                if method in allowed:
                    self.assertIn("result", answer)
                else:
                    self.assertEqual(answer["error"]["data"]["code"], "DENIED")
        lines = self.audit()[1:]
        self.assertEqual([line["method"] for line in lines], [method for method, _ in changes])
        self.assertEqual({(line["uid"], line["role"]) for line in lines}, {(NOBODY, role)})

    def test_viewer(self):
        self.check([f"--regid={NOBODY}", "--clear-groups"], "viewer", [])

    def test_viewer_may_not_have_the_daemon_compile(self):
        _, answer = self.ask_as([f"--regid={NOBODY}", "--clear-groups"],
                                ("policy.check", {"policy": POLICY}))
        self.assertEqual(answer["error"]["data"]["code"], "DENIED")

    def test_operator_by_supplementary_group(self):
        self.check([f"--regid={NOBODY}", f"--groups={GROUP.gr_gid}"], "operator",
                   ["rule.admit", "rule.limit", "set.add", "set.replace", "set.remove"])

    def test_operator_by_own_group(self):
        self.check([f"--regid={GROUP.gr_gid}", "--clear-groups"], "operator",
                   ["rule.admit", "rule.limit", "set.add", "set.replace", "set.remove"])

    def test_keys_are_each_user_s_own(self):
        self.applied().ask("rule.admit", rule="front", admit="1%", request_key="k")
        answers = self.ask_as([f"--regid={GROUP.gr_gid}", "--clear-groups"],
                              ("rule.admit", {"rule": "front", "admit": "2%", "request_key": "k"}))
        self.assertEqual(answers[1]["result"]["generation"], 3)

    def test_a_viewer_cannot_fill_the_audit_log(self):
        request = ("rule.admit", {"rule": "front", "admit": "1%", "reason": "x" * 10000})
        self.ask_as([f"--regid={NOBODY}", "--clear-groups"], *[request] * 2000)
        self.assertLess(len(self.audit()), 200)
        self.assertLess(os.path.getsize(self.state("audit.jsonl")), 200 * 6000)
        self.applied()
        lines = self.audit()
        self.assertEqual(len(lines) + sum(line.get("unwritten", 0) for line in lines), 2001)

    def test_viewers_leave_room(self):
        code = ("import socket, sys\n"
                "clients = [socket.socket(socket.AF_UNIX) for _ in range(200)]\n"
                "for client in clients: client.connect(sys.argv[1])\n"
                "said = [client.recv(4096) for client in clients]\n"
                "print(sum(b'greeting' in line for line in said), flush=True)\n"
                "sys.stdin.read()\n")
        viewers = subprocess.Popen(
            ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
             sys.executable, "-c", code, os.path.join(self.run_folder, "control.sock")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        with viewers:
            self.assertEqual(viewers.stdout.readline(), "192\n")
            self.applied()
            viewers.stdin.close()

    def test_viewers_wait_for_operators(self):
        """What viewers asked before is answered after a change that was asked for meanwhile."""
        admin = self.applied()
        with subprocess.Popen(
                ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
                 sys.executable, "-c", ASKERS, os.path.join(self.run_folder, "control.sock")],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as viewers:
            self.assertEqual(viewers.stdout.readline(), "greeted\n")
            self.daemon.child.send_signal(signal.SIGSTOP)
            viewers.stdin.write("ask\n")
            viewers.stdin.flush()
            self.assertEqual(viewers.stdout.readline(), "asked\n")
            change = admin.start("rule.admit", rule="front", admit="1%")
            self.daemon.child.send_signal(signal.SIGCONT)
            self.assertEqual(admin.finish(change)["generation"], 2)
            told = json.loads(viewers.stdout.readline())
            self.assertGreater(told.count(2), 90)  # all but who had a turn between two timers

    def test_viewers_that_do_not_read(self):
        """They have what all viewers together may leave unread, and are cut off."""
        prefixes = [f"{10 + i // 65536}.{i // 256 % 256}.{i % 256}.0/24" for i in range(40000)]
        self.applied().ask("set.replace", set="partners", entries=prefixes)
        viewers = subprocess.run(
            ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
             sys.executable, "-c", SLEEPERS, os.path.join(self.run_folder, "control.sock")],
            capture_output=True, text=True, timeout=120, check=True)
        answers = json.loads(viewers.stdout)
        self.assertEqual(answers[0], 2)
        self.assertGreater(sum(answers), 100)
        self.assertLess(sum(answers), 2 * len(answers) - 20)


class Options(DaemonCase):
    def start(self, *options):
        super().start("--operators", "no-such-group-here")

    def test_unknown_group(self):
        said = self.daemon.child.communicate()[1].decode()
        self.assertIn("--operators: group no-such-group-here: there is none", said)
        self.assertEqual(self.daemon.child.returncode, 1)
        self.daemon = None


if __name__ == "__main__":
    main()
