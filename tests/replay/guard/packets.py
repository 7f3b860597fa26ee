# SPDX-License-Identifier: BSD-3-Clause
"""What the policy guards passes before any set or rule is asked; every source here is blocked."""
from frames import eth, fragment6, icmp, ip4, ip6, raw, tcp, udp

S4, D4 = "192.0.2.99", "198.18.0.1"
S6, D6 = "2001:db8:b::9", "2001:db8:f::1"
web = tcp(1024, 80)
frames = [
    # sources: first and last address of the prefix, and their neighbours
    eth(ip4("192.0.2.0", D4, web)),
    eth(ip4("192.0.2.15", D4, icmp())),
    eth(ip4("192.0.2.16", D4, web)),
    eth(ip6("2001:db8:a::", D6, web)),
    eth(ip6("2001:db8:a:ffff:ffff:ffff:ffff:ffff", D6, raw(59))),
    eth(ip6("2001:db8:b::", D6, web)),
    eth(ip6("2001:db8:9:ffff:ffff:ffff:ffff:ffff", D6, web)),
    # destinations
    eth(ip4(S4, "198.18.0.250", web)),
    eth(ip4(S4, "198.18.0.249", web)),
    eth(ip4(S4, "198.18.0.251", web)),
    eth(ip6(S6, "2001:db8:f::fa", web)),
    eth(ip6(S6, "2001:db8:f::fb", web)),
    eth(ip4(S4, "198.18.0.250", raw(6, b"x"), fragment=1)),
    # ports: of the destination, with their protocol
    eth(ip4(S4, D4, tcp(1024, 179))),
    eth(ip6(S6, D6, tcp(1024, 179))),
    eth(ip4(S4, D4, udp(1024, 65535))),
    eth(ip6(S6, D6, udp(1024, 65535))),
    eth(ip4(S4, D4, udp(1024, 179))),
    eth(ip4(S4, D4, tcp(1024, 65535))),
    eth(ip4(S4, D4, tcp(179, 1024))),
    eth(ip4(S4, D4, tcp(1024, 178))),
    eth(ip4(S4, D4, tcp(1024, 180))),
    eth(ip4(S4, D4, raw(132, tcp(1024, 179)))),
    # a first fragment has its port, a later one has none
    eth(ip4(S4, D4, tcp(1024, 179), more=True)),
    eth(ip4(S4, D4, tcp(1024, 179), fragment=1)),
    eth(ip6(S6, D6, fragment6(tcp(1024, 179), more=True))),
    eth(ip6(S6, D6, fragment6(tcp(1024, 179), 1))),
]
packets = [(0, frame) for frame in frames]
