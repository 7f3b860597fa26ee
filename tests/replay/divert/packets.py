# SPDX-License-Identifier: BSD-3-Clause
"""Who is not admitted is diverted, and answers to its source's bucket and the host's, not to the
rule's. Places: 192.0.2.9 11.2%, .25 1.1%, .3 26.9%, .22 50.6%, .6 98.7%;
2001:db8:0:5::/64 21.9%, 2001:db8:0:1::/64 29.8%."""
from frames import ACK, eth, ip4, ip6, raw, tcp


def packet(time, source, destination):
    return (time, eth(ip4(f"192.0.2.{source}", destination, tcp(1024, 80))))


FRONT, LIMITED = "198.18.0.1", "198.18.0.2"
packets = [
    packet("10", 9, FRONT),
    packet("10", 3, FRONT),
    ("20", eth(ip6("2001:db8:0:5::9", "2001:db8:f::1", tcp(1024, 80)))),
    ("20", eth(ip6("2001:db8:0:1::9", "2001:db8:f::1", tcp(1024, 80)))),
    # scope: all: every packet of the source, later fragments too
    ("20", eth(ip4("192.0.2.3", FRONT, tcp(1024, 80, flags=ACK)))),
    ("20", eth(ip4("192.0.2.3", FRONT, raw(6, b"x"), fragment=1))),
    # its source's bucket: one packet, then refused; others have their own
    packet("30", 3, LIMITED),
    packet("30", 3, LIMITED),
    packet("30", 22, LIMITED),
    # the rule's bucket was not charged by them: it still admits one
    packet("30", 9, LIMITED),
    packet("30", 25, LIMITED),
    # the rule's bucket being empty does not refuse them; the host has 1 left of 4
    packet("30", 6, LIMITED),
    # the host's bucket: empty for those to be diverted as well
    packet("30", 3, FRONT),
    packet("30", 9, FRONT),
    packet("31", 3, FRONT),
    packet("31", 3, FRONT),
]
