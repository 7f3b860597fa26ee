# SPDX-License-Identifier: BSD-3-Clause
"""The capture's timestamps are the clock: they may step back, which it does not, and leap."""
from frames import eth, ip4, tcp

web = eth(ip4("192.0.2.9", "198.18.0.1", tcp(1024, 80)))
packets = [(time, web) for time in (
    # a burst of 2, full at the first packet, whenever that is
    "0", "0", "0.000000001",
    "5", "5", "5",
    # earlier than its predecessor: printed as it is, taken as 5
    "4", "0", "4.999999999",
    # a second after 5 one more, although two seconds after 4
    "6", "6",
    # past 32 bits of signed seconds, then two years of them back, then to the end of unsigned ones
    "2147483648.000000001", "2147483648.000000001", "2147483648.000000001",
    "2084411648",
    "4294967295.999999999", "4294967295.999999999", "4294967295.999999999",
)]
