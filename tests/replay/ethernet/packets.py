# SPDX-License-Identifier: BSD-3-Clause
"""Ethernet headers and VLAN tags: none, one, two, and the third that is malformed."""
from frames import arp, dot1q, eth, ip4, ip6, qinq, raw, tcp

web4 = ip4("192.0.2.9", "198.18.0.1", tcp(1024, 80))
web6 = ip6("2001:db8::9", "2001:db8:f::1", tcp(1024, 80))
frames = [
    eth(web4),
    eth(web6),
    # one tag, either EtherType; VLAN 0 with a priority is a tag like any other
    eth(web4, tags=[dot1q(7)]),
    eth(web4, tags=[qinq(7)]),
    eth(web4, tags=[dot1q(0xE000)]),
    eth(web6, tags=[dot1q(7)]),
    # two tags, in any combination
    eth(web4, tags=[qinq(7), dot1q(8)]),
    eth(web4, tags=[dot1q(7), dot1q(8)]),
    eth(web4, tags=[qinq(7), qinq(8)]),
    eth(web4, tags=[dot1q(7), qinq(8)]),
    eth(web6, tags=[qinq(7), dot1q(8)]),
    # three, whatever is in them
    eth(web4, tags=[dot1q(7), dot1q(8), dot1q(9)]),
    eth(web4, tags=[qinq(7), qinq(8), qinq(9)]),
    eth(web6, tags=[qinq(7), dot1q(8), dot1q(9)]),
    eth(arp(), tags=[qinq(7), dot1q(8), dot1q(9)]),
    # the header itself: nothing, a byte short, just whole
    b"",
    eth(arp())[:13],
    eth(arp())[:14],
    eth(web4)[:14],
    eth(web6)[:14],
    # tags a byte short, just whole
    eth(arp(), tags=[dot1q(7)])[:17],
    eth(arp(), tags=[dot1q(7)])[:18],
    eth(arp(), tags=[qinq(7), dot1q(8)])[:21],
    eth(arp(), tags=[qinq(7), dot1q(8)])[:22],
    # neither IPv4 nor IPv6: ARP, LLDP, MPLS, 802.3 with LLC, an EtherType that is no tag here
    eth(arp()),
    eth(arp(), tags=[qinq(7), dot1q(8)]),
    eth(raw(0x88CC, bytes(46))),
    eth(raw(0x8847, bytes(46))),
    eth(raw(38, bytes(46))),
    eth(web4, ethertype=0x9100),
]
packets = [(0, frame) for frame in frames]
