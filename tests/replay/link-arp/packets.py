# SPDX-License-Identifier: BSD-3-Clause
"""Every policy-wide verdict turned over: malformed passes, of non-IP only ARP, default drops."""
from frames import arp, dot1q, eth, icmp6, ip4, ip6, qinq, raw, tcp

frames = [
    eth(arp()),
    eth(arp(), tags=[dot1q(7)]),
    eth(arp(), tags=[qinq(7), dot1q(8)]),
    eth(arp())[:14],
    # neither IP nor ARP
    eth(raw(0x88CC, bytes(46))),
    eth(raw(0x8847, bytes(46)), tags=[dot1q(7)]),
    eth(raw(38, bytes(46))),
    eth(raw(0x8035, bytes(46))),
    # neighbour discovery is not "neither IP nor ARP"
    eth(ip6("fe80::1", "ff02::1:ff00:1", icmp6(135, bytes(20)), hops=255)),
    # malformed: a third tag, a short header
    eth(arp(), tags=[dot1q(7), dot1q(8), dot1q(9)]),
    eth(ip4("192.0.2.9", "198.18.0.1", tcp(1024, 80)))[:33],
    # no rule
    eth(ip4("192.0.2.9", "198.18.0.1", tcp(1024, 80))),
    eth(ip6("2001:db8::9", "2001:db8:f::1", tcp(1024, 80))),
]
packets = [(0, frame) for frame in frames]
