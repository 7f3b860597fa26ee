# SPDX-License-Identifier: BSD-3-Clause
"""Shedding by key. Each source's place, u / 2^32, was computed with libsodium's SipHash-2-4
(crypto_shorthash) under the policy's salt."""
from frames import ACK, eth, ip4, ip6, raw, tcp, udp

four = [
    "192.0.2.25",  # 1.1%
    "192.0.2.9",   # 11.2%
    "192.0.2.39",  # 17.2%
    "192.0.2.13",  # 25.4%
    "192.0.2.3",   # 26.9%
    "192.0.2.26",  # 49.8%
    "192.0.2.22",  # 50.6%
    "192.0.2.6",   # 98.7%
]
six = [
    "2001:db8:0:e::1",                    # 2.9%
    "2001:db8:0:5::1",                    # 21.9%
    "2001:db8:0:5:ffff:ffff:ffff:ffff",   # 21.9%: one key a /64
    "2001:db8:0:1::1",                    # 29.8%
    "2001:db8:0:3::1",                    # 49.8%
    "2001:db8:0:c::1",                    # 56.0%
    "2001:db8:0:6::1",                    # 90.1%
]


def each(four_net, six_net):
    return ([eth(ip4(source, four_net, tcp(1024, 80))) for source in four] +
            [eth(ip6(source, six_net, tcp(1024, 80))) for source in six])


frames = (each("198.18.25.1", "2001:db8:f25::1") +
          each("198.18.50.1", "2001:db8:f50::1") +
          each("198.18.0.1", "2001:db8:f00::1") +
          each("198.18.100.1", "2001:db8:f99::1"))
frames += [
    # every packet of a key gets one answer
    eth(ip4("192.0.2.9", "198.18.25.1", tcp(1024, 80, flags=ACK))),
    eth(ip4("192.0.2.9", "198.18.25.2", udp(7, 7))),
    eth(ip4("192.0.2.3", "198.18.25.1", tcp(1024, 80, flags=ACK))),
    eth(ip4("192.0.2.3", "198.18.25.1", raw(6, b"x"), fragment=1)),
    eth(ip4("192.0.2.3", "198.18.25.1", raw(47))),
    # u = floor(3954 * 2^32 / 10000) = 1698230068 is not below it
    eth(ip4("10.1.242.99", "198.18.1.1", tcp(1024, 80))),
    # u = floor(2012 * 2^32 / 10000) - 1 = 864147418
    eth(ip4("10.0.28.141", "198.18.1.2", tcp(1024, 80))),
    # u = floor(6663 * 2^32 / 10000) = 2861736709, and floor(7959 * 2^32 / 10000) - 1 = 3418364469
    eth(ip6("2001:db8:2:3f70::1", "2001:db8:f01::1", tcp(1024, 80))),
    eth(ip6("2001:db8:9:3618::1", "2001:db8:f01::2", tcp(1024, 80))),
]
packets = [(0, frame) for frame in frames]
