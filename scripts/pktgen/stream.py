# SPDX-License-Identifier: BSD-3-Clause
"""Scenarios, and the captures of what they send."""
import ipaddress
import json
import pathlib
import random
import re
import struct

HERE = pathlib.Path(__file__).resolve().parent
ETHERNET = bytes.fromhex("020000000001 0200000000ff")
PORTS = struct.pack(">HH", 40000, 443)


class Scenario:
    """NAME.lua, whose table of lists of strings Python can read too, and the policy NAME.json."""

    def __init__(self, name):
        self.name = name
        self.script = HERE / f"{name}.lua"
        text = re.sub(r"--.*", "", self.script.read_text())
        lists = {field: re.findall(r'"([^"]*)"', inside)
                 for field, inside in re.findall(r"(\w+) = \{([^{}]*)\}", text)}
        self.sources = [ipaddress.ip_network(source) for source in lists["sources"]]
        self.reasons = lists["reasons"]
        self.changes = lists.get("changes", [])
        self.policy = json.loads((HERE / f"{name}.json").read_text())


def names():
    return sorted(path.stem for path in HERE.glob("*.lua") if path.stem != "send")


def frame4(source):
    """60 bytes, UDP from that address to the policies' service."""
    udp = PORTS + struct.pack(">HH", 26, 0) + bytes(18)
    header = struct.pack(">BBHHHBBH4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, source)
    return ETHERNET + b"\x08\x00" + header + bytes([198, 18, 0, 1]) + udp


def frame6(source):
    udp = PORTS + struct.pack(">HH", 12, 0) + bytes(4)
    destination = ipaddress.ip_address("2001:db8:80::1").packed
    header = struct.pack(">IHBB16s", 6 << 28, len(udp), 17, 64, source)
    return ETHERNET + b"\x86\xdd" + header + destination + udp


def draw(prefix, lots):
    """A frame from a random source of `prefix`; of IPv6 a random /64."""
    ip4 = prefix.version == 4
    free = (32 if ip4 else 64) - prefix.prefixlen
    lot = lots.getrandbits(free) if free else 0
    address = int(prefix.network_address) | (lot if ip4 else lot << 64 | 1)
    return frame4(address.to_bytes(4, "big")) if ip4 else frame6(address.to_bytes(16, "big"))


def write_capture(path, sources, frames):
    """`frames` frames that take turns among the prefixes; the same ones each time."""
    lots = random.Random(1)
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for i in range(frames):
            frame = draw(sources[i % len(sources)], lots)
            file.write(struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame)
