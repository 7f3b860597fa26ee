# SPDX-License-Identifier: BSD-3-Clause
"""Frames, built layer by layer from the inside out, and the captures that hold them.

Every length and version can be set to a lie. Checksums are zero: nothing that decides
looks at them.

    eth(ip4("192.0.2.9", "198.18.0.1", tcp(1024, 80)), tags=[dot1q(7)])
"""
import socket
import struct
from decimal import Decimal

SYN, ACK, RST, FIN = 0x02, 0x10, 0x04, 0x01


class Layer(bytes):
    """Bytes and the number that the layer below calls them by."""

    def __new__(cls, data, number):
        layer = super().__new__(cls, data)
        layer.number = number
        return layer


# Ethernet

def dot1q(vlan):
    return struct.pack(">HH", 0x8100, vlan)


def qinq(vlan):
    return struct.pack(">HH", 0x88A8, vlan)


def eth(payload, ethertype=None, tags=(), pad=0):
    number = payload.number if ethertype is None else ethertype
    frame = bytes.fromhex("0200000000010200000000ff") + b"".join(tags)
    return frame + struct.pack(">H", number) + payload + bytes(pad)


def arp(sender="192.0.2.1", target="192.0.2.2"):
    return Layer(struct.pack(">HHBBH6s4s6s4s", 1, 0x0800, 6, 4, 1, bytes(6),
                             socket.inet_aton(sender), bytes(6), socket.inet_aton(target)), 0x0806)


# IP. `total`, `length`, `version` and `ihl` are what the header claims, true unless given.

def ip4(source, destination, payload, protocol=None, version=4, ihl=None, total=None, options=b"",
        fragment=0, more=False, ttl=64):
    """`fragment` is the offset in units of 8 bytes."""
    ihl = 5 + len(options) // 4 if ihl is None else ihl
    total = 20 + len(options) + len(payload) if total is None else total
    number = payload.number if protocol is None else protocol
    header = struct.pack(">BBHHHBBH4s4s", version << 4 | ihl, 0, total, 1, more << 13 | fragment,
                         ttl, number, 0, socket.inet_aton(source), socket.inet_aton(destination))
    return Layer(header + options + payload, 0x0800)


def ip6(source, destination, payload, protocol=None, version=6, length=None, hops=64):
    length = len(payload) if length is None else length
    number = payload.number if protocol is None else protocol
    header = struct.pack(">IHBB16s16s", version << 28, length, number, hops,
                         socket.inet_pton(socket.AF_INET6, source),
                         socket.inet_pton(socket.AF_INET6, destination))
    return Layer(header + payload, 0x86DD)


# IPv6 extension headers around what follows them. `size` is theirs in bytes.

def extension(number, inner, size=8):
    return Layer(struct.pack(">BB", inner.number, size // 8 - 1) + bytes(size - 2) + inner, number)


def hopopts(inner, size=8):
    return extension(0, inner, size)


def routing(inner, size=8):
    return extension(43, inner, size)


def dstopts(inner, size=8):
    return extension(60, inner, size)


def ah(inner, size=24):
    return Layer(struct.pack(">BB", inner.number, size // 4 - 2) + bytes(size - 2) + inner, 51)


def fragment6(inner, offset=0, more=False):
    """`offset` is in units of 8 bytes."""
    return Layer(struct.pack(">BBHI", inner.number, 0, offset << 3 | more, 1) + inner, 44)


# Transport

def tcp(source, destination, flags=SYN, data=b"", offset=None, options=b""):
    offset = 5 + len(options) // 4 if offset is None else offset
    header = struct.pack(">HHIIBBHHH", source, destination, 1, 0, offset << 4, flags, 8192, 0, 0)
    return Layer(header + options + data, 6)


def udp(source, destination, data=b""):
    return Layer(struct.pack(">HHHH", source, destination, 8 + len(data), 0) + data, 17)


def icmp(kind=8, data=b""):
    return Layer(struct.pack(">BBH", kind, 0, 0) + data, 1)


def icmp6(kind=128, data=b""):
    return Layer(struct.pack(">BBH", kind, 0, 0) + data, 58)


def quic(first, version, data=bytes(20)):
    """A QUIC long header: its first byte and version."""
    return bytes([first]) + struct.pack(">I", version) + data


def raw(number, data=b""):
    return Layer(data, number)


# Captures

def nanoseconds(time):
    """Of a time in seconds: an int, or text with up to nine decimals."""
    return int(Decimal(time) * 10**9)


def capture(packets, link=1):
    """The capture file that holds `packets`: (time, frame) or (time, frame, whole length)."""
    parts = [struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, link)]
    for time, frame, *length in packets:
        seconds, rest = divmod(nanoseconds(time), 10**9)
        parts.append(struct.pack("<IIII", seconds, rest, len(frame), *(length or [len(frame)])))
        parts.append(frame)
    return b"".join(parts)
