#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What a capture of tcpdump's, with nanoseconds, says about who got through:

    arrived.py FILE count PREFIX...         frames from there
    arrived.py FILE gap SOURCE TIME WITHIN  of the numbered frames of a source: the longest silence
                                            in so many seconds after TIME (seconds since 1970), in
                                            ms; how long after TIME it ended, in ms; numbers
                                            that never came
"""

import ipaddress
import struct
import sys

ETHERNET, TAG, IP4, IP6, VLANS = 14, 4, 0x0800, 0x86dd, (0x8100, 0x88a8)
NANOSECONDS = 0xa1b23c4d
UDP = 17


def frames(file):
    """Yields (time in ns, frame); the last may still be on its way to the disk."""
    with open(file, "rb") as capture:
        header = capture.read(24)
        if len(header) < 24:
            return
        if struct.unpack_from("=I", header)[0] != NANOSECONDS:
            sys.exit(f"{file}: not a capture with nanoseconds")
        while len(head := capture.read(16)) == 16:
            seconds, nanoseconds, length, _ = struct.unpack("=IIII", head)
            data = capture.read(length)
            if len(data) < length:
                return
            yield seconds * 10**9 + nanoseconds, data


def internet(data):
    """(EtherType, where its packet begins), under tags."""
    at = ETHERNET
    while int.from_bytes(data[at - 2:at], "big") in VLANS:
        at += TAG
    return int.from_bytes(data[at - 2:at], "big"), at


def source(data):
    kind, at = internet(data)
    if kind == IP4:
        return ipaddress.IPv4Address(data[at + 12:at + 16])
    if kind == IP6:
        return ipaddress.IPv6Address(data[at + 8:at + 24])
    return None


def count(file, prefixes):
    networks = [ipaddress.ip_network(prefix) for prefix in prefixes]
    print(sum(1 for _, data in frames(file)
              if (address := source(data)) and any(address in network for network in networks)))


def gap(file, address, begin, within):
    """The silence that began at or before TIME counts too."""
    wanted = ipaddress.ip_address(address).packed
    begin = int(float(begin) * 1e9)
    end = begin + int(float(within) * 1e9)
    seen = [(at, int.from_bytes(data[-8:], "big")) for at, data in frames(file)
            if data[26:30] == wanted and data[23] == UDP]
    during = [one for one in seen if one[0] <= begin][-1:] + \
        [one for one in seen if begin < one[0] <= end]
    if len(during) < 2:
        sys.exit(f"{address}: nothing arrived in that time")
    longest = max(zip(during, during[1:]), key=lambda pair: pair[1][0] - pair[0][0])
    came = {number for _, number in seen}
    lost = sum(number not in came for number in range(during[0][1], during[-1][1]))
    print(f"{(longest[1][0] - longest[0][0]) / 1e6:.1f} {(longest[1][0] - begin) / 1e6:.1f} {lost}")


def main():
    file, what, *rest = sys.argv[1:]
    if what == "count":
        count(file, rest)
    else:
        gap(file, *rest)


main()
