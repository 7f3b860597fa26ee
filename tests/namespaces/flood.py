#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Frames onto an interface at a given rate, for a given time at most:

    flood.py INTERFACE MAC SECONDS PPS:PROTOCOL/PORT:PREFIX[,PREFIX...]...

Each stream comes from many addresses of its prefixes in turn. Of TCP it is openings of connections;
UDP carries a number, counted up, by which arrived.py finds what was lost. Says at the end, and at
SIGTERM, how many frames of each stream the interface took."""

import ipaddress
import json
import logging
import random
import signal
import socket
import struct
import sys
import time

logging.getLogger("scapy.runtime").setLevel(logging.ERROR)
from scapy.all import IP, TCP, UDP, Ether, IPv6, Raw  # noqa: E402, pylint: disable=C0413

VIP, VIP6 = "198.18.0.80", "2001:db8:80::80"
FRAMES = 256  # of each prefix that has so many addresses
TURN_S = 0.002
BEHIND_S = 0.02  # what is later than this is left out: a flood that was held up does not burst


def addresses(prefix):
    """Some of a prefix, the same ones each time."""
    network = ipaddress.ip_network(prefix)
    count = min(FRAMES, network.num_addresses)
    drawn = random.Random(prefix).sample(range(min(network.num_addresses, 1 << 62)), count)
    return [network[offset] for offset in drawn]


def frame(mac, source, protocol, port):
    sport = 1024 + int(source) % 60000
    if protocol == "udp":
        above = UDP(sport=sport, dport=port, chksum=0) / Raw(bytes(8))
    else:
        above = TCP(sport=sport, dport=port, flags="S")
    internet = IP(dst=VIP) if source.version == 4 else IPv6(dst=VIP6)
    internet.src = str(source)
    return bytearray(bytes(Ether(src="02:00:00:00:0a:01", dst=mac) / internet / above))


class Stream:
    """One kind of frames, and how many are on their way already."""

    def __init__(self, mac, text):
        pps, kind, prefixes = text.split(":", 2)
        self.protocol, port = kind.split("/")
        self.name, self.pps, self.due, self.sent = text, int(pps), 0, 0
        self.frames = [frame(mac, source, self.protocol, int(port))
                       for prefix in prefixes.split(",") for source in addresses(prefix)]

    def send(self, port, elapsed_s):
        wanted = int(elapsed_s * self.pps)
        self.due = max(self.due, wanted - int(BEHIND_S * self.pps) - 1)
        while self.due < wanted:
            self.due += 1
            out = self.frames[self.due % len(self.frames)]
            if self.protocol == "udp":
                struct.pack_into("!Q", out, len(out) - 8, self.sent)
            try:
                port.send(out)
                self.sent += 1
            except OSError:  # its queue is full
                pass


def main():
    interface, mac, seconds, *streams = sys.argv[1:]
    streams = [Stream(mac, text) for text in streams]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as port:
        port.bind((interface, 0))
        begun = time.monotonic()
        try:
            while (elapsed := time.monotonic() - begun) < float(seconds):
                for stream in streams:
                    stream.send(port, elapsed)
                time.sleep(TURN_S)
        finally:
            print(json.dumps({stream.name: stream.sent for stream in streams}), flush=True)


main()
