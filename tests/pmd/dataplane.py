# SPDX-License-Identifier: BSD-3-Clause
"""The real sluice-dataplane on pcap ports, and a stand-in for the daemon.

Every run ends in check_totals(): the counters add up, whatever a test is about.
"""
import ctypes
import fcntl
import json
import mmap
import os
import pathlib
import signal
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "replay"))
from frames import capture  # noqa: E402

DEADLINE_S = 30
SYS_FUTEX, FUTEX_WAKE = 202, 1


def read_capture(path):
    """The frames of a capture file."""
    data = pathlib.Path(path).read_bytes()
    frames, at = [], 24
    while at < len(data):
        stored, = struct.unpack_from("<I", data, at + 8)
        frames.append(data[at + 16:at + 16 + stored])
        at += 16 + stored
    return frames


def write_capture(path, frames):
    pathlib.Path(path).write_bytes(capture([(0, frame) for frame in frames]))
    return path


def until(holds, what):
    """Wait for an event that another process brings about."""
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"never came: {what}")
        time.sleep(0.002)


def check_totals(totals):
    def total(counts, unit):
        return sum(count[unit] for count in counts)

    for unit in ("packets", "bytes"):
        received = totals["received"][unit]
        verdicts = totals["verdicts"]
        assert received == total(totals["reasons"].values(), unit), totals
        assert received == total(verdicts.values(), unit), totals
        assert (verdicts["pass"][unit] + verdicts["divert"][unit] ==
                totals["sent"][unit] + totals["unsent"][unit]), totals
    return totals


class Place:
    """A scratch folder with a state and a run folder, and the programs under test."""

    def __init__(self, folder, dataplane, make_state):
        self.folder = pathlib.Path(folder)
        self.dataplane, self.make_state = dataplane, make_state
        self.state, self.run = self.folder / "state", self.folder / "run"
        self.state.mkdir()
        self.run.mkdir()
        self.serial = 0
        self.processes = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """Nothing that a failed test started outlives it."""
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait()

    def path(self, name):
        return self.folder / name

    def publish(self, policy, manifest="current", generation=1):
        """Write an image of `policy`, a document or a file's path, to the state folder."""
        if isinstance(policy, dict):
            file = self.path("policy.json")
            file.write_text(json.dumps(policy))
            policy = file
        subprocess.run([self.make_state, policy, self.state, manifest, str(generation)],
                       check=True, timeout=DEADLINE_S)

    def start(self, vdevs, pairs, options=(), lcores="0@0,1@0",
              sources=("--sources", "4096")):
        """Start a data plane; `vdevs` are the arguments of DPDK's --vdev."""
        self.serial += 1
        arguments = [self.dataplane, "--no-huge", "-m", "128", "--no-pci", "--no-shconf",
                     "--no-telemetry", "--lcores", lcores,
                     "--file-prefix", f"sluice-{os.getpid()}-{self.serial}"]
        for vdev in vdevs:
            arguments += ["--vdev", vdev]
        arguments += ["--", "--state", self.state, "--run", self.run, *sources]
        for pair in pairs:
            arguments += ["--pair", pair]
        errors = self.path(f"stderr-{self.serial}")
        with open(errors, "wb") as file:
            process = subprocess.Popen([*arguments, *options], stdout=subprocess.PIPE, stderr=file,
                                       env={**os.environ, "RUNTIME_DIRECTORY": str(self.folder)})
        self.processes.append(process)
        return Run(process, errors, self.run, 2 if "--workers" in options else 1)

    def filter(self, frames, fallback=False, returns=()):
        """Send `frames` through one pair until all are done. The Run, with `.out` and so on."""
        ports = [f"net_pcap0,rx_pcap={write_capture(self.path('in.pcap'), frames)},"
                 f"tx_pcap={self.path('back.pcap')}"]
        source = write_capture(self.path("returns.pcap"), returns)
        ports.append(f"net_pcap1,rx_pcap={source},tx_pcap={self.path('out.pcap')}")
        if fallback:
            source = write_capture(self.path("empty.pcap"), [])
            ports.append(f"net_pcap2,rx_pcap={source},tx_pcap={self.path('fallback.pcap')}")
        run = self.start(ports, ["net_pcap0,net_pcap1" + (",net_pcap2" if fallback else "")],
                         ["--packets", str(len(frames))])
        run.finish()
        run.out = read_capture(self.path("out.pcap"))
        run.back = read_capture(self.path("back.pcap"))
        run.fallback = read_capture(self.path("fallback.pcap")) if fallback else None
        return run


class Run:
    """A data plane that was started."""

    def __init__(self, process, errors, run_dir, workers):
        self.process, self.errors, self.run_dir = process, errors, run_dir
        self.workers = workers
        self.totals = None

    def said(self):
        return self.errors.read_text()

    def has_said(self, text):
        until(lambda: text in self.said() or self.process.poll() is not None, text)
        assert text in self.said(), self.said()

    def board(self):
        """Generation, number of the refused one and why."""
        data = (self.run_dir / "dataplane.board").read_bytes()
        generation, = struct.unpack_from("<Q", data, 24)
        refused, message = struct.unpack_from("<Q248s", data, 48)
        return generation, refused, message.split(b"\0")[0].decode()

    def from_disk(self):
        """Whether it started without the daemon and has not met it since."""
        data = (self.run_dir / "dataplane.board").read_bytes()
        return struct.unpack_from("<I", data, 40)[0] == 1

    def received(self):
        """Packets that the first worker has received so far."""
        board = self.run_dir / "dataplane.board"
        if not board.exists() or board.read_bytes()[:16] != struct.pack(
                "<IIII", 0x42434C53, 1, self.workers, self.process.pid):
            return 0
        data = (self.run_dir / "dataplane.counters").read_bytes()
        return struct.unpack_from("<Q", data, (16 + 4 * 8192 + 63) // 64 * 64)[0]

    def idle_ns(self, worker=0):
        """How long a worker has seen no packets."""
        data = (self.run_dir / "dataplane.board").read_bytes()
        return struct.unpack_from("<Q", data, 320 + 64 * worker + 24)[0]

    def busy(self, worker=0):
        """Hundredths of a per cent of the worker's last second."""
        data = (self.run_dir / "dataplane.vitals").read_bytes()
        return struct.unpack_from("<I", data, 16 + 16 * worker)[0]

    def ports(self):
        """What each port has counted, by its name."""
        data = (self.run_dir / "dataplane.vitals").read_bytes()
        ports = {}
        for i in range(struct.unpack_from("<I", data, 8)[0]):
            at = 16 + 16 * 64 + (160 + 24 * 16) * i
            words = struct.unpack_from("<64s6I9Q", data, at)
            queues = [struct.unpack_from("<QQQ", data, at + 160 + 24 * queue)
                      for queue in range(words[5])]
            ports[words[0].split(b"\0")[0].decode()] = {
                "role": words[2], "spread": words[3], "queues": queues,
                "received": words[7:9], "sent": words[9:11], "missed": words[11]}
        return ports

    def finish(self, status=0):
        output, _ = self.process.communicate(timeout=DEADLINE_S)
        assert self.process.returncode == status, (self.process.returncode, self.said())
        if status == 0:
            self.totals = check_totals(json.loads(output))
        return self

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.finish()

    def reasons(self):
        return {name: count["packets"] for name, count in self.totals["reasons"].items()
                if count["packets"]}


class Daemon:
    """Holds control.board as sluiced would, and rings for what is published."""

    def __init__(self, place):
        self.place = place
        self.path = place.run / "control.board"
        self.path.unlink(missing_ok=True)
        self.file = open(self.path, "w+b")
        fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self.file.truncate(64)
        self.board = mmap.mmap(self.file.fileno(), 64)
        struct.pack_into("<IIQII", self.board, 0, 0x42434C53, 1, 0, 0, os.getpid())

    def write(self, generation):
        struct.pack_into("<Q", self.board, 8, generation)

    def want(self, generation):
        doorbell, = struct.unpack_from("<I", self.board, 16)
        self.write(generation)
        struct.pack_into("<I", self.board, 16, doorbell + 1)
        libc = ctypes.CDLL(None, use_errno=True)
        address = ctypes.c_char.from_buffer(self.board, 16)
        libc.syscall(SYS_FUTEX, ctypes.byref(address), FUTEX_WAKE, 0x7FFFFFFF, None, None, 0)
        del address

    def publish(self, policy, generation):
        self.place.publish(policy, "wanted", generation)
        self.want(generation)

    def die(self):
        self.board.close()
        self.file.close()


def main(tests):
    """Run the test functions given, each in a place of its own: TEST.py DATAPLANE MAKE_STATE."""
    for test in tests:
        with tempfile.TemporaryDirectory() as folder, Place(folder, *sys.argv[1:3]) as place:
            test(place)
        print(f"{test.__name__}: as expected")
    return 0 if tests else 1
