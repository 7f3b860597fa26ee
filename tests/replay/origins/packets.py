# SPDX-License-Identifier: BSD-3-Clause
"""Feeds and groups: from each source one packet to each service, whose only rule asks for one
group (or for standing). The rule that matched is the answer."""
from frames import eth, ip4, ip6, tcp

four = [
    "192.0.2.1",       # US, AS 64496
    "192.0.2.129",     # unmapped, but in a prefix that a group names
    "198.51.100.1",    # DE, no AS; the second feed's FR is shorter
    "198.51.100.65",   # no country, AS 16509
    "198.51.99.255",   # FR
    "203.0.113.1",     # US, AS 64496: the /26
    "203.0.113.65",    # US, AS 16509, in 203.0.113.0/25
    "203.0.113.129",   # US, AS 16509
    "198.18.128.1",    # CA in the first feed, MX in the second
    "10.0.0.1",        # unmapped
]
six = [
    "2001:db8:a::1",   # JP in the first feed, US and AS 16509 in the second
    "2001:db8:a:1::1", # no country, AS 64499
    "2001:db8:b::1",   # unmapped
]
packets = ([(0, eth(ip4(source, f"198.18.0.{service}", tcp(1024, 80))))
            for source in four for service in range(1, 10)] +
           [(0, eth(ip6(source, f"2001:db8:f::{service}", tcp(1024, 80))))
            for source in six for service in range(1, 10)])
