# SPDX-License-Identifier: BSD-3-Clause
"""The IPv6 header's own rules, each where it just holds and where it just fails."""
from frames import eth, ip6, raw, tcp

S, D = "2001:db8::9", "2001:db8:f::1"
web = tcp(1024, 80)
empty = raw(253)
frames = [
    # version
    eth(ip6(S, D, web)),
    eth(ip6(S, D, web, version=5)),
    eth(ip6(S, D, web, version=4)),
    # the header itself: whole, a byte short
    eth(ip6(S, D, empty)),
    eth(ip6(S, D, empty))[:-1],
    # 40 + payload length <= bytes present
    eth(ip6(S, D, web, length=20)),
    eth(ip6(S, D, web, length=21)),
    eth(ip6(S, D, web, length=65535)),
    eth(ip6(S, D, raw(253, bytes(1440)))),
    eth(ip6(S, D, raw(253, bytes(1440)))[:-1], ethertype=0x86DD),
    # what follows the payload is padding, and no part of any header
    eth(ip6(S, D, web), pad=6),
    eth(ip6(S, D, web, length=19), pad=6),
    eth(ip6(S, D, web, length=0), pad=6),
    eth(ip6(S, D, tcp(1024, 80, offset=6)), pad=6),
    eth(ip6(S, D, empty), pad=26),
    # no next header is a protocol without ports
    eth(ip6(S, D, raw(59))),
    eth(ip6(S, D, raw(59, bytes(8)))),
]
packets = [(0, frame) for frame in frames]
