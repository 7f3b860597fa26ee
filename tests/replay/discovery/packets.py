# SPDX-License-Identifier: BSD-3-Clause
"""Neighbour discovery: ICMPv6 types 133 to 137 with hop limit 255 pass, whatever the policy."""
from frames import dot1q, eth, hopopts, icmp6, ip4, ip6, udp

S, D = "2001:db8::9", "ff02::1"
frames = [eth(ip6(S, D, icmp6(kind), hops=255)) for kind in (132, 133, 134, 135, 136, 137, 138)]
frames += [eth(ip6(S, D, icmp6(kind), hops=254)) for kind in (133, 134, 135, 136, 137)]
frames += [
    # from a blocked source: stage 2 comes before stage 4
    eth(ip6("fe80::9", D, icmp6(135), hops=255)),
    eth(ip6("fe80::9", D, icmp6(135), hops=254)),
    # behind a tag and an extension header
    eth(ip6(S, D, icmp6(135), hops=255), tags=[dot1q(7)]),
    eth(ip6(S, D, hopopts(icmp6(135)), hops=255)),
    # not ICMPv6, not IPv6, not long enough
    eth(ip6(S, D, udp(0x8700, 53), hops=255)),
    eth(ip4("192.0.2.9", "198.18.0.1", icmp6(135), ttl=255)),
    eth(ip6(S, D, icmp6(135), hops=255, length=3)),
]
packets = [(0, frame) for frame in frames]
