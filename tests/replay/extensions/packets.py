# SPDX-License-Identifier: BSD-3-Clause
"""IPv6 extension headers: each kind, in any order, at most 8 of them and 256 bytes."""
from frames import Layer, ah, dstopts, eth, extension, fragment6, hopopts, ip6, raw, routing, tcp

web = tcp(1024, 80)


def chain(count, inner=web):
    for _ in range(count):
        inner = dstopts(inner)
    return inner


def cut(layer, size):
    return Layer(layer[:size], layer.number)


layers = [
    # each kind
    hopopts(web),
    routing(web),
    fragment6(web),
    dstopts(web),
    ah(web),
    # together, and in no decent order
    hopopts(dstopts(routing(fragment6(ah(dstopts(web)))))),
    ah(fragment6(hopopts(web))),
    # mobility, HIP and ESP are protocols, not walked
    extension(135, web),
    extension(139, web),
    raw(50, bytes(16)),
    hopopts(raw(59)),
    # 8 of them, not 9, the fragment header counted in
    chain(8),
    chain(9),
    fragment6(chain(7)),
    fragment6(chain(8)),
    chain(8, raw(253)),
    chain(9, raw(253)),
    # 256 bytes, not more
    hopopts(web, size=256),
    hopopts(web, size=264),
    hopopts(dstopts(web, size=128), size=128),
    hopopts(dstopts(web, size=128), size=136),
    hopopts(ah(web, size=24), size=232),
    hopopts(ah(web, size=28), size=232),
    ah(web, size=256),
    ah(web, size=260),
    hopopts(fragment6(web), size=248),
    hopopts(fragment6(web), size=256),
    # AH counts in words of 4 bytes, where others count 8
    ah(web, size=12),
    ah(web, size=16),
    ah(web, size=20),
    # cut short: the header's first bytes, its last, what follows it
    cut(hopopts(web), 1),
    cut(hopopts(web), 7),
    cut(hopopts(raw(253)), 8),
    cut(hopopts(web, size=16), 15),
    cut(hopopts(raw(253), size=16), 16),
    cut(hopopts(web), 27),
    cut(hopopts(web), 28),
    cut(fragment6(raw(253)), 7),
    cut(fragment6(raw(253)), 8),
    cut(ah(raw(253)), 23),
    cut(ah(raw(253)), 24),
    cut(routing(dstopts(raw(253))), 15),
    cut(routing(dstopts(raw(253))), 16),
]
packets = [(0, eth(ip6("2001:db8::9", "2001:db8:f::1", layer))) for layer in layers]
# What lies past the payload length is no part of a header.
packets.append((0, eth(ip6("2001:db8::9", "2001:db8:f::1", hopopts(web), length=27))))
packets.append((0, eth(ip6("2001:db8::9", "2001:db8:f::1", hopopts(raw(253)), length=7))))
