# SPDX-License-Identifier: BSD-3-Clause
"""The first service and the first rule in document order, not the narrowest."""
from frames import eth, icmp, ip4, ip6, raw, tcp, udp

US, DE, UNMAPPED = "192.0.2.1", "198.51.100.1", "203.0.113.1"
frames = []
for source in (US, DE, UNMAPPED):
    frames += [
        eth(ip4(source, "198.18.0.1", tcp(1024, 80))),             # wide
        eth(ip4(source, "198.18.0.1", tcp(1024, 81))),             # narrow
        eth(ip4(source, "198.18.1.1", tcp(1024, 80))),             # anywhere
        eth(ip4(source, "198.18.0.1", udp(1024, 53))),             # host hides hidden
        eth(ip4(source, "198.18.0.1", icmp())),                    # host
        eth(ip4(source, "198.18.0.1", raw(6, b"x"), fragment=1)),  # wide: its ports are unknown
        eth(ip4(source, "198.18.0.1", raw(17, b"x"), fragment=1)), # host
        eth(ip4(source, "198.18.1.1", udp(1024, 53))),             # udp
        eth(ip4(source, "198.18.1.1", icmp())),                    # none
    ]
frames += [
    eth(ip6("2001:db8::1", "2001:db8:f::1", tcp(1024, 80))),       # anywhere
    eth(ip6("2001:db8::1", "2001:db8:f::1", udp(1024, 53))),       # udp
    eth(ip6("2001:db8::1", "2001:db8:f::1", raw(59))),             # none
]
packets = [(0, frame) for frame in frames]
