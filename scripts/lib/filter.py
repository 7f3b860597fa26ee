# SPDX-License-Identifier: BSD-3-Clause
"""The filter under load: a daemon and a data plane of our own, or one that runs already; what DPDK
says about a process's ports; waiting for an event."""
import json
import os
import pathlib
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
DEADLINE_S = 60
HUGEPAGES = pathlib.Path("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages")


class Failure(Exception):
    """What the user is told in one line."""


def until(holds, what, deadline_s=DEADLINE_S, every_s=0.02):
    """Wait for an event that another process brings about. What `holds` returned."""
    end = time.monotonic() + deadline_s
    while not (value := holds()):
        if time.monotonic() > end:
            raise Failure(f"never came: {what}")
        time.sleep(every_s)
    return value


def free_huge_megabytes():
    """What is left of hugetlbfs in pages of 2 MB; nothing if it is not mounted."""
    mounted = any(line.split()[2] == "hugetlbfs"
                  for line in pathlib.Path("/proc/mounts").read_text().splitlines())
    return 2 * int(HUGEPAGES.read_text()) if mounted and HUGEPAGES.exists() else 0


def prefix(name):
    """What DPDK is to know a process of ours by."""
    return f"sluice-{os.getpid()}-{name}"


def eal_options(name, megabytes, huge):
    """The EAL's options for a process and its memory, which a vhost peer can map and which is
    gone with the process, however that ends."""
    memory = ["--in-memory", "--single-file-segments"] if huge else ["--no-huge"]
    return ["--file-prefix", prefix(name), "-m", str(megabytes), *memory]


def end_in_order():
    """SIGTERM, as of timeout(1), is to run what `finally` says, as ^C does."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))


class Process:
    """A process of ours, whose output goes to a file. Whatever ends us, it does not outlive us."""

    def __init__(self, arguments, folder, name, environment=(), **options):
        self.name, self.folder = name, folder
        self.log = folder / f"{name}.log"
        if not shutil.which(arguments[0]):
            raise Failure(f"{arguments[0]}: no such program; build first")
        environment = {**os.environ, "RUNTIME_DIRECTORY": str(folder), **dict(environment)}
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *map(str, arguments)], stdout=log,
                stderr=subprocess.STDOUT, env=environment, **options)

    def running(self):
        return self.process.poll() is None

    def said(self):
        return self.log.read_text(errors="replace")

    def must_run(self):
        if not self.running():
            tail = "\n".join(self.said().splitlines()[-15:])
            raise Failure(f"{self.name} ended with status {self.process.returncode}:\n{tail}")
        return True

    def say(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def end(self):
        if self.running():
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(DEADLINE_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()

    def ports(self):
        """DPDK's statistics of each port, by its name; by telemetry, so only of local processes."""
        path = self.folder / "dpdk" / prefix(self.name) / "dpdk_telemetry.v2"
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as telemetry:
            telemetry.connect(str(path))

            def ask(command):
                telemetry.send(command.encode())
                return json.loads(telemetry.recv(1 << 16))[command.split(",")[0]]

            telemetry.recv(1 << 16)  # the greeting
            ids = ask("/ethdev/list")
            return {ask(f"/ethdev/info,{i}")["name"]: ask(f"/ethdev/stats,{i}") for i in ids}


def losses(statistics):
    """What a port received and had no room for."""
    return sum(statistics.get(name, 0) for name in ("imissed", "ierrors", "rx_nombuf"))


class Filter:
    """The command `sluice`, and what answers it."""

    def __init__(self, command):
        self.command = command

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def sluice(self, *words, stdin=None):
        """What it prints with --json."""
        done = subprocess.run([*self.command, *words], input=stdin, capture_output=True, text=True,
                              timeout=DEADLINE_S)
        if done.returncode:
            raise Failure(done.stderr.strip() or f"sluice {shlex.join(words)}: failed")
        return done.stdout

    def status(self):
        return json.loads(self.sluice("status", "--json"))

    def stats(self):
        return self.status()["stats"]

    def ready(self):
        health = self.status()["health"]
        dataplane = health["dataplane"]
        return dataplane["running"] and dataplane["generation"] == health["generation"]

    def wait(self):
        until(self.ready, "a data plane that is ready")

    def apply(self, policy):
        self.sluice("policy", "apply", "/dev/stdin", "--json", stdin=json.dumps(policy))


class OwnFilter(Filter):
    """A daemon and a data plane with its state, sockets and logs in `folder`."""

    def __init__(self, build, folder):
        super().__init__([str(build / "control/cli/sluice"), "--run", str(folder / "run")])
        self.build, self.folder = build, folder
        self.processes = []
        for name in ("run", "state"):
            (folder / name).mkdir()

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.end()

    def place(self):
        return ["--run", self.folder / "run", "--state", self.folder / "state"]

    def start(self, eal, options, daemon=()):
        """`eal` and `options` are the data plane's, before and after `--`."""
        try:
            self.start_both(eal, options, daemon)
        except BaseException:
            self.__exit__()
            raise

    def start_both(self, eal, options, daemon):
        self.daemon = Process([self.build / "control/daemon/sluiced", *self.place(), *daemon],
                              self.folder, "sluiced")
        self.processes.append(self.daemon)
        until(lambda: self.daemon.must_run() and (self.folder / "run/control.sock").exists(),
              "the daemon's socket")
        self.dataplane = Process(
            [self.build / "dataplane/sluice-dataplane", *eal, "--", *self.place(), *options],
            self.folder, "dataplane")
        self.processes.append(self.dataplane)

    def ready(self):
        return self.dataplane.must_run() and super().ready()
