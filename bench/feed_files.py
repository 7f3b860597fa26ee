# SPDX-License-Identifier: BSD-3-Clause
"""Feeds of full size, in pairs that differ in every prefix: libloc's database and another with each
country's first letter changed; and the same two as CSV files."""
import array
import pathlib
import socket
import struct

DATABASE = pathlib.Path("/var/lib/location/database.db")
NETWORK_BYTES, NONE = 12, 0xffffffff
LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
OTHERS = bytes.maketrans(LETTERS, LETTERS[1:] + LETTERS[:1])


class Database:
    """Its tree and networks, by the layout in libloc's format.h."""

    def __init__(self, path=DATABASE):
        self.data = path.read_bytes()
        at = struct.unpack_from(">14I", self.data, 8)
        self.networks, self.networks_size, tree, tree_size = at[7:11]
        self.nodes = array.array("I", self.data[tree:tree + tree_size])
        self.nodes.byteswap()

    def other(self):
        """The whole file, with other countries."""
        data = bytearray(self.data)
        first = slice(self.networks, self.networks + self.networks_size, NETWORK_BYTES)
        data[first] = data[first].translate(OTHERS)
        return bytes(data)

    def prefixes(self):
        """Text, country and AS of each, in order of address, IPv6 around IPv4."""
        nodes, stack = self.nodes, [(0, 0, 0)]
        while stack:
            node, address, depth = stack.pop()
            zero, one, network = nodes[3 * node:3 * node + 3]
            if network != NONE:
                country, asn = struct.unpack_from(
                    ">2sxxI", self.data, self.networks + network * NETWORK_BYTES)
                yield text(address, depth), country.strip(b"\0").decode(), asn
            if one:
                stack.append((one, address | 1 << (127 - depth), depth + 1))
            if zero:
                stack.append((zero, address, depth + 1))


def text(address, depth):
    octets = address.to_bytes(16, "big")
    if depth >= 96 and address >> 32 == 0xffff:
        return f"{octets[12]}.{octets[13]}.{octets[14]}.{octets[15]}/{depth - 96}"
    return f"{socket.inet_ntop(socket.AF_INET6, octets)}/{depth}"


def csv(database):
    """The lines of all that has a country or an AS. A CSV feed takes no other."""
    return "".join(f"{prefix},{country},{asn or ''}\n"
                   for prefix, country, asn in database.prefixes() if country or asn).encode()


def other_csv(lines):
    """The same with other countries: in no line is there another letter of that size."""
    return lines.translate(OTHERS)


def make(folder):
    """The four files, in `folder`; kept there from one run to the next. Pairs by feed type."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {kind: [folder / f"feed-{which}.{kind}" for which in "ab"] for kind in ("db", "csv")}
    if not all(file.exists() for pair in files.values() for file in pair):
        database = Database()
        files["db"][0].write_bytes(database.data)
        files["db"][1].write_bytes(database.other())
        lines = csv(database)
        files["csv"][0].write_bytes(lines)
        files["csv"][1].write_bytes(other_csv(lines))
    return {"libloc": files["db"], "csv": files["csv"]}
