# SPDX-License-Identifier: BSD-3-Clause
"""The IPv4 header's own rules, each where it just holds and where it just fails."""
from frames import eth, ip4, raw, tcp

S, D = "192.0.2.9", "198.18.0.1"
web = tcp(1024, 80)
empty = raw(253)
frames = [
    # version
    eth(ip4(S, D, web)),
    eth(ip4(S, D, web, version=5)),
    eth(ip4(S, D, web, version=6)),
    eth(ip4(S, D, web, version=0)),
    # IHL >= 5
    eth(ip4(S, D, web, ihl=4)),
    eth(ip4(S, D, web, ihl=0)),
    # the header itself: whole, a byte short
    eth(ip4(S, D, empty)),
    eth(ip4(S, D, empty))[:-1],
    # IHL * 4 <= total length
    eth(ip4(S, D, empty, total=20)),
    eth(ip4(S, D, empty, total=19), pad=26),
    eth(ip4(S, D, empty, total=0), pad=26),
    eth(ip4(S, D, empty, options=bytes(4), total=24)),
    eth(ip4(S, D, empty, options=bytes(4), total=23)),
    eth(ip4(S, D, web, options=bytes(40))),
    eth(ip4(S, D, web, ihl=15)),
    eth(ip4(S, D, raw(6, web + bytes(20)), ihl=15)),
    # total length <= bytes present
    eth(ip4(S, D, web, total=40)),
    eth(ip4(S, D, web, total=41)),
    eth(ip4(S, D, web, total=65535)),
    eth(ip4(S, D, raw(253, bytes(1480)))),
    eth(ip4(S, D, raw(253, bytes(1480)))[:-1], ethertype=0x0800),
    # what follows the total length is padding, and no part of any header
    eth(ip4(S, D, web), pad=6),
    eth(ip4(S, D, web, total=39), pad=6),
    eth(ip4(S, D, tcp(1024, 80, offset=6)), pad=6),
    eth(ip4(S, D, empty), pad=26),
    # the largest
    eth(ip4(S, D, raw(253, bytes(65515 - 14)))),
]
packets = [(0, frame) for frame in frames]
