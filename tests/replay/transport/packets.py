# SPDX-License-Identifier: BSD-3-Clause
"""Transport headers over both families: what just fits, what is a byte short."""
from frames import ACK, Layer, eth, icmp, icmp6, ip4, ip6, raw, tcp, udp


def cut(layer, size):
    """The first bytes of a layer, whose packet claims no more."""
    return Layer(layer[:size], layer.number)


layers = [
    # TCP: 20 bytes
    tcp(1024, 80),
    tcp(1024, 443, flags=ACK, data=b"data"),
    tcp(80, 1024),
    cut(tcp(1024, 80), 19),
    cut(tcp(1024, 80), 0),
    # TCP: a data offset of at least 5, that fits
    tcp(1024, 80, offset=4),
    tcp(1024, 80, offset=0),
    tcp(1024, 80, options=bytes(4)),
    cut(tcp(1024, 80, options=bytes(4)), 23),
    tcp(1024, 80, options=bytes(40)),
    tcp(1024, 80, offset=15, data=bytes(40)),
    tcp(1024, 80, offset=15, data=bytes(39)),
    # UDP: 8 bytes; its own length field is nobody's business here
    udp(1024, 53),
    udp(53, 1024, data=b"data"),
    cut(udp(1024, 53), 7),
    cut(udp(1024, 53), 0),
    cut(udp(1024, 53, data=bytes(100)), 8),
    # ICMP and ICMPv6: 4 bytes
    icmp(),
    cut(icmp(), 3),
    icmp6(),
    cut(icmp6(), 3),
    # others have no ports and are fine, even empty; AH above IPv4 is one of them
    raw(47, b"\x00" * 4),
    raw(50),
    raw(132, b"\x00" * 12),
    raw(255),
]
packets = ([(0, eth(ip4("192.0.2.9", "198.18.0.1", layer))) for layer in layers] +
           [(1, eth(ip6("2001:db8::9", "2001:db8:f::1", layer))) for layer in layers] +
           [(2, eth(ip4("192.0.2.9", "198.18.0.1", raw(51, bytes(3)))))])
