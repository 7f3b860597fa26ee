# SPDX-License-Identifier: BSD-3-Clause
"""A real sluiced in folders of its own, and clients of its socket."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

DEADLINE = 30  # seconds, for whatever has to happen at all
SLUICED, FAKE = sys.argv[1:3] if len(sys.argv) > 2 else (None, None)

POLICY = {
    "schema": 1,
    "name": "test",
    "sets": {"partners": {"verdict": "allow", "entries": ["203.0.113.0/24"]}},
    "origins": {"feeds": [], "groups": {"docs": ["prefix:198.51.100.0/24"]}},
    "services": {"front": {"destinations": ["198.18.0.0/24"], "proto": "tcp", "ports": [80],
                           "fallback": "lite"}},
    "fallbacks": {"lite": {"mac": "02:00:00:00:0f:01"}},
    "rules": [
        {"name": "docs", "service": "front", "origin": "docs", "admit": "0%"},
        {"name": "front", "service": "front", "admit": "25%", "else": "divert"},
    ],
}


class Refused(Exception):
    def __init__(self, error):
        super().__init__(f"{error['data']['code']} {error['data']['path']}: {error['message']}")
        self.number = error["code"]
        self.code = error["data"]["code"]
        self.path = error["data"]["path"]
        self.generation = error["data"].get("generation")
        self.message = error["message"]


class Client:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(DEADLINE)
        self.socket.connect(path)
        self.lines = self.socket.makefile("rb")
        self.greeting = self.read()
        self.id = 0

    def close(self):
        self.lines.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, data):
        self.socket.sendall(data)

    def read(self):
        line = self.lines.readline()
        return json.loads(line) if line else None

    def ask_raw(self, line):
        self.send(line + b"\n")
        return self.read()

    def start(self, method, **params):
        self.id += 1
        request = {"jsonrpc": "2.0", "id": self.id, "method": method, "params": params}
        self.send(json.dumps(request).encode() + b"\n")
        return self.id

    def finish(self, number):
        answer = self.read()
        assert answer and answer["id"] == number, answer
        if "error" in answer:
            raise Refused(answer["error"])
        return answer["result"]

    def ask(self, method, **params):
        return self.finish(self.start(method, **params))


class Process:
    """A child that is ended whatever becomes of the test."""

    def __init__(self, case, arguments, **options):
        self.child = subprocess.Popen(arguments, **options)
        case.addCleanup(self.end)

    def end(self):
        if self.child.poll() is None:
            self.child.terminate()
        status = self.child.wait(DEADLINE)
        for stream in (self.child.stdin, self.child.stdout, self.child.stderr):
            if stream:
                stream.close()
        return status


class Fake(Process):
    def __init__(self, case, workers=2, rules=()):
        super().__init__(case, [FAKE, case.run_folder, str(workers), *rules], text=True,
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.child.stdout.readline() == "ready\n"

    def tell(self, command):
        self.child.stdin.write(command + "\n")
        self.child.stdin.flush()
        assert self.child.stdout.readline() == command + "\n"


class DaemonCase(unittest.TestCase):
    """Starts the daemon; a test restarts it where that is its point."""

    options = ()
    prefix = ()  # of the command line

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="sluiced-test.")
        self.addCleanup(shutil.rmtree, self.folder)
        os.chmod(self.folder, 0o755)
        self.state_folder = os.path.join(self.folder, "state")
        self.run_folder = os.path.join(self.folder, "run")
        self.start()

    def start(self, *options, socket_given=None):
        """Start the daemon and wait until it takes requests, or has ended.

        socket_given: it is to listen on this socket, as if systemd had made it."""
        command = [*self.prefix, SLUICED, "--state", self.state_folder, "--run", self.run_folder,
                   *self.options, *options]
        if socket_given:
            command = ["sh", "-c", f'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@" 3<&{socket_given}', "sh",
                       *command]
        notify = os.path.join(self.folder, "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
            ready.bind(notify)
            os.chmod(notify, 0o666)  # whoever the daemon is
            ready.settimeout(0.1)
            self.daemon = Process(
                self, command, env=dict(os.environ, NOTIFY_SOCKET=notify),
                stderr=subprocess.PIPE, pass_fds=[socket_given] if socket_given else [])
            while self.daemon.child.poll() is None:
                try:
                    if ready.recv(4096).startswith(b"READY=1"):
                        break
                except TimeoutError:
                    pass
        os.unlink(notify)

    def stop(self, number=signal.SIGTERM):
        """End the daemon, which must not have ended by itself; what it said."""
        daemon, self.daemon = self.daemon, None
        self.assertIsNone(daemon.child.poll(), "it ended by itself")
        daemon.child.send_signal(number)
        said = daemon.child.communicate(timeout=DEADLINE)[1].decode()
        if number == signal.SIGTERM:
            self.assertEqual(daemon.child.returncode, 0, said)
        return said

    def tearDown(self):
        if self.daemon:
            self.stop()

    def restart(self, number=signal.SIGTERM, *options):
        self.stop(number)
        self.start(*options)

    def client(self):
        client = Client(os.path.join(self.run_folder, "control.sock"))
        self.addCleanup(client.close)
        return client

    def applied(self):
        """A client, once POLICY is applied."""
        client = self.client()
        client.ask("policy.apply", policy=POLICY)
        return client

    def refused(self, code, path, client, method, **params):
        with self.assertRaises(Refused) as caught:
            client.ask(method, **params)
        self.assertEqual((caught.exception.code, caught.exception.path), (code, path))
        return caught.exception

    def comes_to(self, condition):
        deadline = time.monotonic() + DEADLINE
        while not condition():
            self.assertLess(time.monotonic(), deadline)

    def announced(self):
        """The generation that control.board announces."""
        with open(os.path.join(self.run_folder, "control.board"), "rb") as board:
            return int.from_bytes(board.read()[8:16], "little")

    def state(self, *name):
        return os.path.join(self.state_folder, *name)

    def audit(self):
        with open(self.state("audit.jsonl"), encoding="utf-8") as lines:
            return [json.loads(line) for line in lines]


def main():
    result = unittest.main(argv=sys.argv[:1] + sys.argv[3:], exit=False).result
    sys.exit(0 if result.wasSuccessful() and result.testsRun > 0 else 1)
