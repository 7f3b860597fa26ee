# SPDX-License-Identifier: BSD-3-Clause
"""The stages in order: each packet would end otherwise if a later stage were asked first.
Places: 192.0.2.25 1.1%, .9 11.2%, .39 17.2%, .3 26.9%, .22 50.6%; 2001:db8:0:1::/64 29.8%."""
from frames import arp, dot1q, eth, icmp6, ip4, ip6, tcp

FRONT4, FRONT6 = "198.18.0.1", "2001:db8:f::1"


def web(source, port=80):
    if ":" in source:
        return eth(ip6(source, FRONT6, tcp(1024, port)))
    return eth(ip4(source, FRONT4, tcp(1024, port)))


frames = [
    # 1 parse, before link: a third tag around ARP
    eth(arp(), tags=[dot1q(7), dot1q(8), dot1q(9)]),
    # 2 link: not IP; before guard: neighbour discovery from a guarded source
    eth(arp()),
    eth(ip6("fe80::1", "ff02::1", icmp6(135), hops=255)),
    # 3 guard, before sets: from a source that is blocked, and from one that is allowed
    web("192.0.2.250"),
    web("192.0.2.241"),
    web("198.51.100.7", 179),
    # 4 sets, before rules: international, and yet allowed; and blocked, not shed
    web("203.0.113.1"),
    web("198.51.100.7"),
    web("2001:db8:bad::1"),
    # 5 no rule: another port
    web("192.0.2.9", 81),
    web("2001:db8:0:1::1", 81),
    # 6 shed, before limits: as often as you like
    web("198.51.100.8"),
    web("198.51.100.8"),
    web("2001:db8:1::8"),
    # and diverted
    web("192.0.2.3"),
    # 7 limits: source (host 5 - allowed - diverted = 3 left), rule, host
    web("192.0.2.9"),
    web("192.0.2.9"),
    web("192.0.2.3"),
    web("192.0.2.25"),
    web("192.0.2.39"),
    web("2001:db8:0:1::1"),
    web("192.0.2.22"),
]
packets = [(0, frame) for frame in frames] + [
    # 8 admitted, once a second has gone by
    ("1", web("192.0.2.39")),
]
