#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Frames onto an interface at a given rate, for a given time at most:

    flood.py INTERFACE MAC SECONDS PPS:PROTOCOL/PORT:PREFIX[,PREFIX...]...

Each stream comes from many addresses of its prefixes in turn. Of TCP it is openings of connections;
UDP carries a number, counted up, by which arrived.py finds what was lost. Says at the end, and at
SIGTERM, how many frames of each stream the interface took."""

import ipaddress
import json
import random
import signal
import socket
import struct
import sys
import time

SERVICE = {4: "198.18.0.80", 6: "2001:db8:80::80"}
ETHERTYPE, NUMBER = {4: 0x0800, 6: 0x86dd}, {"tcp": 6, "udp": 17}
SYN = 0x02
FRAMES = 256  # of each prefix that has so many addresses
TURN_S = 0.002
BEHIND_S = 0.02  # what is later than this is left out: a flood that was held up does not burst


def addresses(prefix):
    """Some of a prefix, the same ones each time."""
    network = ipaddress.ip_network(prefix)
    count = min(FRAMES, network.num_addresses)
    drawn = random.Random(prefix).sample(range(min(network.num_addresses, 1 << 62)), count)
    return [network[offset] for offset in drawn]


def checksum(data):
    words = sum(struct.unpack(f"!{len(data) // 2}H", data))
    words = (words >> 16) + (words & 0xffff)
    return ~(words + (words >> 16)) & 0xffff


def internet(source, protocol, above):
    """A packet to the service of that family."""
    destination = ipaddress.ip_address(SERVICE[source.version]).packed
    if source.version == 6:
        return struct.pack("!IHBB", 6 << 28, len(above), NUMBER[protocol], 64) + source.packed + \
            destination + above
    head = struct.pack("!BBHIBB", 0x45, 0, 20 + len(above), 0, 64, NUMBER[protocol])
    total = checksum(head + bytes(2) + source.packed + destination)
    return head + struct.pack("!H", total) + source.packed + destination + above


def frame(mac, source, protocol, port):
    """Checksums above IP are left out: what is not refused need not be understood."""
    sport = 1024 + int(source) % 60000
    if protocol == "udp":
        above = struct.pack("!HHHHQ", sport, port, 16, 0, 0)
    else:
        above = struct.pack("!HHIIBBHI", sport, port, 0, 0, 5 << 4, SYN, 0xffff, 0)
    return bytearray(bytes.fromhex(mac.replace(":", "")) + bytes.fromhex("020000000a01") +
                     struct.pack("!H", ETHERTYPE[source.version]) +
                     internet(source, protocol, above))


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
