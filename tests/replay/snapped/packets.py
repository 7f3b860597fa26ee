# SPDX-License-Identifier: BSD-3-Clause
"""Frames of which the capture holds the beginning only: headers must be in it, data need not,
and limits count the whole frame."""
from frames import eth, ip4, raw, tcp


def snapped(source, size, whole, payload=tcp(1024, 80, data=bytes(1446))):
    return (0, eth(ip4(source, "198.18.0.1", payload))[:size], whole)


packets = [
    snapped("192.0.2.1", 1500, 1500),
    snapped("192.0.2.1", 54, 1500),
    snapped("192.0.2.1", 54, 1500),
    # a byte of TCP's 20 is missing; its options need not be there
    snapped("192.0.2.2", 53, 1500),
    snapped("192.0.2.2", 54, 1500, tcp(1024, 80, options=bytes(4), data=bytes(1442))),
    # the whole is too short for what the header claims, whatever is missing
    snapped("192.0.2.3", 54, 1499),
    # a record with more in it than the frame had: the rest counts for nothing
    snapped("192.0.2.4", 1500, 1499),
    (0, eth(ip4("192.0.2.4", "198.18.0.1", tcp(1024, 80)), pad=6), 54),
    # an IP packet of the largest size fits no frame that a port takes, and is charged the largest
    snapped("192.0.2.5", 54, 65549, raw(6, tcp(1024, 80) + bytes(65495))),
]
