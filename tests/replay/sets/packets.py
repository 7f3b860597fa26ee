# SPDX-License-Identifier: BSD-3-Clause
"""Over all sets the longest prefix decides, and block wins a tie."""
from frames import eth, ip4, ip6, raw, tcp

four = [
    # allow /24 > block /26 > allow /28 > block /32
    "203.0.113.63", "203.0.113.64", "203.0.113.70", "203.0.113.71", "203.0.113.79",
    "203.0.113.80", "203.0.113.127", "203.0.113.128", "203.0.113.255", "203.0.114.0",
    # block /24 > allow /25
    "198.51.100.0", "198.51.100.127", "198.51.100.128", "198.51.100.255", "198.51.99.255",
    # in both, as a single address and as a prefix
    "192.0.2.6", "192.0.2.7", "192.0.2.8", "192.0.2.95", "192.0.2.96", "192.0.2.111",
    "192.0.2.112",
]
six = [
    # allow /0 > block /48 > allow /64 > block /128
    "2001:db8:bac:ffff:ffff:ffff:ffff:ffff", "2001:db8:bad::", "2001:db8:bad:0:ffff:ffff:ffff:ffff",
    "2001:db8:bad:1::", "2001:db8:bad:1::4", "2001:db8:bad:1::5", "2001:db8:bad:1::6",
    "2001:db8:bad:2::", "2001:db8:bae::", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    # in both
    "2001:db8:ce::6", "2001:db8:ce::7",
]
packets = ([(0, eth(ip4(source, "198.18.0.1", tcp(1024, 80)))) for source in four] +
           [(0, eth(ip6(source, "2001:db8:f::1", tcp(1024, 80)))) for source in six] +
           # any packet of the source: without ports, a later fragment
           [(0, eth(ip4("198.51.100.0", "198.18.0.1", raw(47)))),
            (0, eth(ip4("198.51.100.0", "198.18.0.1", raw(6, b"x"), fragment=1)))])
