# SPDX-License-Identifier: BSD-3-Clause
"""First fragments are parsed like whole packets; later ones have a protocol and no ports."""
from frames import (Layer, ah, dstopts, eth, fragment6, hopopts, icmp, icmp6, ip4, ip6, raw, tcp,
                    udp)

S4, WEB4, PORTS4 = "192.0.2.9", "198.18.0.1", "198.18.1.1"
S6, WEB6, PORTS6 = "2001:db8::9", "2001:db8:f::1", "2001:db8:e::1"


def cut(layer, size):
    return Layer(layer[:size], layer.number)


def first4(layer, destination=WEB4):
    return eth(ip4(S4, destination, layer, more=True))


def later4(layer, destination=WEB4, offset=1, more=False):
    return eth(ip4(S4, destination, layer, fragment=offset, more=more))


def first6(layer):
    return eth(ip6(S6, WEB6, fragment6(layer, more=True)))


def later6(layer, destination=WEB6, offset=1, more=False):
    return eth(ip6(S6, destination, fragment6(layer, offset, more)))


frames = [
    # first fragments, whole and too tiny for their transport header
    first4(tcp(1024, 80)),
    first4(tcp(1024, 81)),
    first4(cut(tcp(1024, 80), 16)),
    first4(tcp(1024, 80, offset=6)),
    first4(udp(1024, 53)),
    first4(cut(udp(1024, 53), 7)),
    first4(icmp()),
    first4(cut(icmp(), 3)),
    first6(tcp(1024, 80)),
    first6(cut(tcp(1024, 80), 16)),
    first6(udp(1024, 53)),
    first6(cut(udp(1024, 53), 7)),
    first6(cut(icmp6(), 3)),
    # later ones match on destination and protocol; what looks like ports is data
    later4(raw(6, b"x")),
    later4(tcp(1024, 81)),
    later4(raw(6), offset=8191),
    later4(raw(6, bytes(8)), more=True),
    later4(raw(17, b"x")),
    later4(raw(1, b"x")),
    later4(raw(47, b"x")),
    later6(raw(6, b"x")),
    later6(tcp(1024, 81)),
    later6(raw(6), offset=8191),
    later6(raw(6, bytes(8)), more=True),
    later6(raw(17, b"x")),
    later6(raw(47, b"x")),
    # a service with ports and no protocol: TCP and UDP with the port, later fragments of any
    first4(tcp(1024, 80), PORTS4),
    first4(udp(1024, 80), PORTS4),
    first4(tcp(1024, 81), PORTS4),
    first4(icmp(), PORTS4),
    later4(raw(6, b"x"), PORTS4),
    later4(raw(1, b"x"), PORTS4),
    later4(raw(47, b"x"), PORTS4),
    later6(raw(58, b"x"), PORTS6),
    # a later fragment's protocol is what its fragment header names, and the walk ends there
    later6(dstopts(tcp(1024, 80))),
    later6(ah(tcp(1024, 80)), PORTS6),
    eth(ip6(S6, WEB6, hopopts(fragment6(raw(6, b"x"), 1)))),
    eth(ip6(S6, WEB6, hopopts(dstopts(fragment6(raw(17), 1))))),
    # the rules of the IP header hold for later fragments as well
    eth(ip4(S4, WEB4, raw(6, b"x"), fragment=1, total=22)),
    eth(ip4(S4, WEB4, raw(6, b"x"), fragment=1, options=bytes(4), total=23)),
    eth(ip6(S6, WEB6, fragment6(raw(6, b"x"), 1), length=10)),
    # "don't fragment" and the reserved bit are no fragment; an IPv6 atomic fragment is whole
    eth(ip4(S4, WEB4, tcp(1024, 80), fragment=0x4000)),
    eth(ip4(S4, WEB4, tcp(1024, 80), fragment=0x8000)),
    eth(ip6(S6, WEB6, fragment6(tcp(1024, 80)))),
]
packets = [(0, frame) for frame in frames]
