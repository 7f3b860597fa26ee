# SPDX-License-Identifier: BSD-3-Clause
"""What sends the frames and counts what comes back: Pktgen-DPDK, or dpdk-testpmd in its stead."""
import re
import shutil
import subprocess

from filter import Failure, Process, eal_options, free_huge_megabytes
from stream import HERE, write_capture

PCI = re.compile(r"([0-9a-f]{4}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]\b")


def device_options(devices):
    """EAL options for these devices, and the port number of each: PCI is probed first, in order."""
    pci = sorted(device for device in devices if PCI.match(device))
    virtual = [device for device in devices if not PCI.match(device)]
    options = [] if pci else ["--no-pci"]
    for device in pci:
        options += ["-a", device]
    for device in virtual:
        options += ["--vdev", device]
    return options, {device: number for number, device in enumerate(pci + virtual)}


class Generator:
    """`tx` and `rx` are DPDK devices, as after -a or --vdev; files and sockets in `folder`."""

    megabytes, frames = 0, 0  # memory it needs; distinct frames it can send
    stops = False             # by itself, having sent each frame of the capture equally often

    def __init__(self, options, tx, rx, folder):
        self.options, self.tx, self.rx, self.folder = options, tx, rx, folder
        self.process = None
        free = free_huge_megabytes()
        self.huge = not options.no_huge and free >= self.megabytes
        self.pages = "" if self.huge else ", without hugepages"
        if not self.huge and not options.no_huge:
            self.pages += f": {self.megabytes} MB of them are needed, {free} MB are free"

    def eal(self, devices):
        options, self.number = device_options(devices)
        return ["--lcores", self.options.lcores, *options,
                *eal_options("generator", self.megabytes, self.huge)]

    def launch(self, arguments, **options):
        self.process = Process(arguments, self.folder, "generator", stdin=subprocess.PIPE,
                               **options)

    def counts(self):
        """DPDK's statistics of both ports; none while it starts."""
        self.process.must_run()
        try:
            ports = self.process.ports()
            return ports[self.tx.split(",")[0]], ports[self.rx.split(",")[0]]
        except (OSError, KeyError, TypeError):
            return {"opackets": 0}, {"ipackets": 0}

    def end(self):
        if self.process:
            self.process.end()


class Pktgen(Generator):
    megabytes, frames, stops = 3456, 250_000, True

    def describe(self):
        version = re.search(r"^Pktgen (\d\S*)", self.process.said(), re.M)
        return f"Pktgen-DPDK {version[1] if version else ''} ({self.program})"

    def __init__(self, options, tx, rx, folder):
        self.program = shutil.which(options.pktgen)
        super().__init__(options, tx, rx, folder)

    def start(self, scenario, capture, packets):
        eal = self.eal([self.tx, self.rx])
        tx, rx = self.number[self.tx], self.number[self.rx]
        environment = {"SLUICE_PORT": str(tx), "SLUICE_PACKETS": str(packets),
                       "SLUICE_RATE": str(self.options.rate)}
        ports = self.options.map or f"1.{tx},1.{rx}"
        self.launch([self.program, *eal, "--", "-m", ports, "-s", f"{tx}:{capture}", "-f",
                     scenario.script.name], cwd=HERE, environment=environment)

    def stop(self):
        """It stops by itself when it has sent what it was told."""


class Testpmd(Generator):
    """Forwards from a capture that never ends to `tx`, and from `rx` to nowhere."""

    frames = 16_384
    megabytes = 256

    def describe(self):
        return f"dpdk-testpmd ({self.program}), STANDING IN for Pktgen-DPDK"

    def __init__(self, options, tx, rx, folder):
        self.program = shutil.which("dpdk-testpmd")
        super().__init__(options, tx, rx, folder)

    def start(self, scenario, capture, packets):
        nothing = self.folder / "nothing.pcap"
        write_capture(nothing, [], 0)
        source, sink = f"net_pcap0,rx_pcap={capture},infinite_rx=1", f"net_pcap1,rx_pcap={nothing}"
        eal = self.eal([source, self.tx, self.rx, sink])
        order = [self.number[port] for port in (source, self.tx, self.rx, sink)]
        self.launch([self.program, *eal, "--", "-i", "--forward-mode=io", "--no-mlockall",
                     f"--total-num-mbufs={2 * self.frames + 16384}"])
        self.forward(order)
        self.drain = order[2:]

    def forward(self, ports):
        self.process.say(f"set portlist {','.join(map(str, ports))}")
        self.process.say("start")

    def stop(self):
        """It goes on taking what comes back."""
        self.process.say("stop")
        self.forward(self.drain)


def choose(options, tx, rx, folder):
    if options.generator in ("auto", "pktgen") and shutil.which(options.pktgen):
        return Pktgen(options, tx, rx, folder)
    if options.generator == "pktgen":
        raise Failure(f"{options.pktgen}: no such program; see scripts/pktgen/README.md")
    if not shutil.which("dpdk-testpmd"):
        raise Failure("neither pktgen nor dpdk-testpmd (of Debian's dpdk-dev) is on the PATH")
    return Testpmd(options, tx, rx, folder)
