# SPDX-License-Identifier: BSD-3-Clause
"""What a packet costs that is filtered where it arrives: by the twin alone, by xdp-filter and by
nftables, with the same blocks and limits as far as each has them. bench-veth's samples as rows."""
import shutil

import rows
import twin

TOOLS = {"nft": "nftables", "ip": "iproute2", "ethtool": "ethtool"}
RIVALS = ["xdp-filter", "nftables"]
BASES = {"blocked": "drop all", "limited": "drop all", "passed": "pass all"}


def command(bench):
    return [bench.build / "bench" / "bench-veth", "--policy", bench.root / "bench/veth.json",
            "--rules", bench.root / "bench/veth.nft"]


def names(bench):
    return twin.listed(command(bench), "veth")


def missing():
    """What the part lacks here, and where xdp-filter's programs lie."""
    for tool, package in TOOLS.items():
        if not shutil.which(tool):
            return f"needs {package}", None
    return twin.missing()


def check(said, quick):
    """Filters let through what they should, and those that are compared the same."""
    passed = {name.removeprefix("passed/"): line["passed"] / line["packets"]
              for name, line in said.items() if "passed" in line}
    for name, share in passed.items():
        scene, filter_ = name.split("/")
        if scene == "blocked" or filter_ == "drop all":
            assert share == 0, passed
        elif filter_ == "pass all":
            assert share == 1, passed
        elif scene == "passed":
            assert quick or share > 0.97, passed
        else:
            assert share < 0.9, passed
    if "limited/twin-alone" in passed and "limited/nftables" in passed:
        assert abs(passed["limited/twin-alone"] - passed["limited/nftables"]) < 0.1, passed


def table(said):
    ghz = said["machine"]["tsc_ghz"]
    made = {name: twin.trial("veth", line, ghz) for name, line in said.items() if "rounds" in line}
    for name, row in made.items():
        scene = name.split("/")[0]
        base = made.get(f"{scene}/{BASES[scene]}")
        if row.figure:
            row.note = f"{1000 / row.figure:.2f} Mpps"
            if base and base is not row:
                row.note += f", {row.figure - base.figure:.0f} ns more than to {BASES[scene]}"
        yield row
    for scene in BASES:
        for rival in RIVALS:
            over = rows.ratio(f"veth/{scene}, twin-alone over {rival}",
                              made.get(f"{scene}/twin-alone"), made.get(f"{scene}/{rival}"))
            if over:
                yield over


def run(bench):
    lacks, folder = missing()
    if lacks:
        return [rows.left_out("veth", lacks, lacks_tool=True)]
    said = twin.measure(bench, command(bench), twin.options(bench, "veth", folder))
    check(said, bench.quick)
    return list(table(said))
