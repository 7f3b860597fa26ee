# SPDX-License-Identifier: BSD-3-Clause
"""Token buckets of packets and of bits, given bursts and default ones, at the source level."""
from frames import dot1q, eth, ip4, ip6, raw, tcp

S = "192.0.2.9"


def sized(destination, size, source=S):
    """A frame of so many bytes."""
    return eth(ip4(source, destination, raw(253, bytes(size - 34))))


def six(source):
    return eth(ip6(source, "2001:db8:f::1", tcp(1024, 80)))


packets = [
    # 1 packet/s, burst 2: two at once, then one a second and never early
    ("10", sized("198.18.0.1", 60)),
    ("10", sized("198.18.0.1", 60)),
    ("10", sized("198.18.0.1", 60)),
    ("10.999999999", sized("198.18.0.1", 60)),
    ("11", sized("198.18.0.1", 1514)),
    ("11", sized("198.18.0.1", 60)),
    ("11.5", sized("198.18.0.1", 60, "192.0.2.10")),
    # idle for long, it has its burst and no more
    ("100", sized("198.18.0.1", 60)),
    ("100", sized("198.18.0.1", 60)),
    ("100", sized("198.18.0.1", 60)),
    # IPv6: one bucket a /64
    ("100", six("2001:db8:0:1::1")),
    ("100", six("2001:db8:0:1:ffff:ffff:ffff:ffff")),
    ("100", six("2001:db8:0:1::2")),
    ("100", six("2001:db8:0:2::2")),
    # 1000 bytes/s, burst 1500 bytes: whole frames are charged, tags and padding too
    ("200", sized("198.18.0.2", 1000)),
    ("200", sized("198.18.0.2", 501)),
    ("200", sized("198.18.0.2", 500)),
    ("200", sized("198.18.0.2", 60)),
    ("200.059", sized("198.18.0.2", 60)),
    ("200.060", eth(ip4(S, "198.18.0.2", raw(253)), pad=26)),
    ("200.117", eth(ip4(S, "198.18.0.2", raw(253, bytes(20))), tags=[dot1q(7)])),
    ("200.118", eth(ip4(S, "198.18.0.2", raw(253, bytes(20))), tags=[dot1q(7)])),
    # a frame larger than the burst never fits
    ("300", sized("198.18.0.2", 1501)),
    ("300", sized("198.18.0.2", 1500)),
    # packets and bits: room in both; of the bits the default burst, 9216 bytes
    ("400", sized("198.18.0.3", 9000)),
    ("400", sized("198.18.0.3", 217)),
    ("400", sized("198.18.0.3", 216)),
    ("400", sized("198.18.0.3", 60)),
    ("400.5", sized("198.18.0.3", 60)),
    ("400.5", sized("198.18.0.3", 60)),
    ("400.5", sized("198.18.0.3", 60)),
    # default bursts: a tenth of a second at 30 packets/s is 3
    ("500", sized("198.18.0.4", 60)),
    ("500", sized("198.18.0.4", 60)),
    ("500", sized("198.18.0.4", 60)),
    ("500", sized("198.18.0.4", 60)),
    # at 5 packets/s half a packet, hence 1
    ("500", sized("198.18.0.5", 60)),
    ("500", sized("198.18.0.5", 60)),
    ("500.199", sized("198.18.0.5", 60)),
    ("500.2", sized("198.18.0.5", 60)),
    # at 10,000 bytes/s 1000 bytes, hence 9216
    ("500", sized("198.18.0.6", 9217)),
    ("500.3", sized("198.18.0.6", 9216)),
    ("500.3", sized("198.18.0.6", 60)),
]
