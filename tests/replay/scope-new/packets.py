# SPDX-License-Identifier: BSD-3-Clause
"""scope: new sheds only what opens a connection: TCP with SYN and without ACK, QUIC Initials."""
from frames import ACK, FIN, RST, SYN, eth, fragment6, icmp, ip4, ip6, quic, raw, tcp, udp

S4, D4 = "192.0.2.3", "198.18.0.1"
S6, D6 = "2001:db8:0:1::9", "2001:db8:f::1"
PSH, ECE, CWR = 0x08, 0x40, 0x80
V1, V2 = 0x00000001, 0x6B3343CF
opening = [
    tcp(1024, 80, SYN),
    tcp(1024, 80, SYN | ECE | CWR),
    tcp(1024, 80, SYN | PSH, data=b"fast open"),
    tcp(1024, 80, SYN | RST | FIN),
    # QUIC version 1: Initial is type 0; the low four bits are hidden or lengths
    udp(1024, 443, quic(0xC0, V1)),
    udp(1024, 443, quic(0xCF, V1)),
    udp(1024, 9, quic(0xC3, V1)),
    # QUIC version 2: Initial is type 1
    udp(1024, 443, quic(0xD0, V2)),
    udp(1024, 443, quic(0xDF, V2)),
    # no more of it than what tells
    udp(1024, 443, quic(0xC0, V1, b"")),
]
going_on = [
    tcp(1024, 80, SYN | ACK),
    tcp(1024, 80, ACK),
    tcp(1024, 80, FIN | ACK),
    tcp(1024, 80, RST),
    tcp(1024, 80, 0),
    # version 1: 0-RTT, Handshake, Retry; version 2: Retry, 0-RTT, Handshake
    udp(1024, 443, quic(0xD0, V1)),
    udp(1024, 443, quic(0xE0, V1)),
    udp(1024, 443, quic(0xF0, V1)),
    udp(1024, 443, quic(0xC0, V2)),
    udp(1024, 443, quic(0xE0, V2)),
    udp(1024, 443, quic(0xF0, V2)),
    # version negotiation, another version, no fixed bit, a short header
    udp(1024, 443, quic(0xC0, 0)),
    udp(1024, 443, quic(0xC0, 0xFF00001D)),
    udp(1024, 443, quic(0x80, V1)),
    udp(1024, 443, quic(0x40, V1)),
    # too short to tell, empty
    udp(1024, 443, quic(0xC0, V1)[:4]),
    udp(1024, 443),
    icmp(),
    raw(47),
]
frames = [eth(ip4(S4, D4, layer)) for layer in opening + going_on]
frames += [eth(ip6(S6, D6, layer)) for layer in opening + going_on]
frames += [
    # a first fragment opens, a later one cannot, whatever its data looks like
    eth(ip4(S4, D4, tcp(1024, 80, SYN), more=True)),
    eth(ip4(S4, D4, tcp(1024, 80, SYN), fragment=1)),
    eth(ip6(S6, D6, fragment6(tcp(1024, 80, SYN), more=True))),
    eth(ip6(S6, D6, fragment6(tcp(1024, 80, SYN), 1))),
    # padding is no QUIC header
    eth(ip4(S4, D4, udp(1024, 443, b"\xc0")) + bytes([0, 0, 0, 1]), ethertype=0x0800),
    # who is admitted may open as well: 192.0.2.9 is at 11.2%, 192.0.2.3 at 26.9%
    eth(ip4("192.0.2.9", "198.18.25.1", tcp(1024, 80, SYN))),
    eth(ip4("192.0.2.3", "198.18.25.1", tcp(1024, 80, SYN))),
    eth(ip4("192.0.2.3", "198.18.25.1", tcp(1024, 80, ACK))),
    # scope: all, the default, sheds both
    eth(ip4(S4, "198.18.1.1", tcp(1024, 80, SYN))),
    eth(ip4(S4, "198.18.1.1", tcp(1024, 80, ACK))),
]
packets = [(0, frame) for frame in frames]
