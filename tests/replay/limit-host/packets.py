# SPDX-License-Identifier: BSD-3-Clause
"""The host's bucket: an allowed packet takes what there is, is never refused and leaves no debt;
who ends at an earlier stage is not charged at all."""
from frames import arp, eth, ip4, tcp


def packet(time, source, destination="198.18.0.1"):
    return (time, eth(ip4(source, destination, tcp(1024, 80))))


packets = [
    # allowed packets empty it, and pass on
    packet("10", "203.0.113.1"),
    packet("10", "203.0.113.1"),
    packet("10", "203.0.113.2"),
    packet("10", "203.0.113.3"),
    packet("10", "192.0.2.9"),
    # they left no debt: a second later there is one packet
    packet("11", "192.0.2.9"),
    packet("11", "192.0.2.9"),
    # one allowed, one admitted, one refused
    packet("20", "203.0.113.1"),
    packet("20", "192.0.2.9"),
    packet("20", "192.0.2.9"),
    # malformed, link, guard, blocked, default and shed packets are not charged
    ("30", b""),
    ("30", eth(arp())),
    packet("30", "192.0.2.240"),
    packet("30", "198.51.100.1"),
    packet("30", "192.0.2.9", "198.18.0.3"),
    packet("30", "192.0.2.9", "198.18.0.2"),
    packet("30", "192.0.2.9"),
    packet("30", "192.0.2.9"),
    packet("30", "192.0.2.9"),
    # with the bucket empty they pass all the same
    ("30", eth(arp())),
    packet("30", "192.0.2.240"),
    packet("30", "192.0.2.9", "198.18.0.3"),
]
