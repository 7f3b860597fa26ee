# SPDX-License-Identifier: BSD-3-Clause
"""What a run came to: the table, and the sums that must hold."""
import collections
import json
import subprocess

from filter import losses


def rule_counts(stats, rule):
    """Packets that a rule admitted, and all that it decided about."""
    counts, = (entry for entry in stats["rules"] if entry["rule"] == rule)
    decided = sum(count["packets"] for count in counts.values() if isinstance(count, dict))
    return counts["admitted"]["packets"], decided


def busy(worker):
    """Percents of its last second."""
    return float(worker["busy"].rstrip("%"))


def edge_losses(stats):
    """Frames that reached the edge ports and no worker."""
    return sum(port[word] for port in stats["ports"] if port["role"] == "edge"
               for word in ("missed", "no_buffer", "rx_errors"))


def difference(before, after):
    """The packets of each count, between two answers of stats.get."""
    def group(names, old, new):
        return {name: new[name]["packets"] - old[name]["packets"] for name in names}

    return {**group(("received", "sent", "unsent"), before, after),
            "lost": edge_losses(after) - edge_losses(before),
            "reasons": group(after["reasons"], before["reasons"], after["reasons"]),
            "verdicts": group(after["verdicts"], before["verdicts"], after["verdicts"])}


def mpps(samples, field):
    """Millions of packets a second while they went by; None if that was too short to say."""
    counts = [sample[field] for sample in samples]
    moving = [i for i in range(1, len(counts)) if counts[i] != counts[i - 1]]
    if len(moving) < 4:
        return None
    first, last = moving[0], moving[-2]
    return (counts[last] - counts[first]) / (samples[last][0] - samples[first][0]) / 1e6


def replayed(scenario, capture, build):
    """How many frames of the capture end in each reason, by `sluice replay`."""
    policy = capture.with_name("policy.json")
    policy.write_text(json.dumps(scenario.policy))
    lines = subprocess.run([build / "control/cli/sluice", "replay", "--policy", policy, "--pcap",
                            capture], capture_output=True, text=True, check=True).stdout
    return collections.Counter(json.loads(line)["reason"] for line in lines.splitlines())


class Report:
    def __init__(self, run, capture, build):
        self.run, self.scenario, self.source = run, run.scenario, run.source
        self.capture, self.build = capture, build
        self.tx, self.rx = run.ends
        self.got = difference(run.before, run.after)
        self.out = self.got["verdicts"]["pass"] + self.got["verdicts"]["divert"]
        self.wrong = []

    def line(self, what, packets, sample=None):
        rate = mpps(self.run.samples, sample) if sample else None
        print(f"  {what:<34}{packets:>13,}" + (f"{rate:>9.2f} Mpps" if rate is not None else ""))

    def table(self):
        got = self.got
        print(f"{self.scenario.name}: by {self.source.describe()}{self.source.pages}")
        self.line("sent by the generator", self.tx["opackets"], sample=1)
        self.line("  lost in the filter's edge port", got["lost"])
        self.line("received by the filter", got["received"])
        for reason, packets in got["reasons"].items():
            if packets or reason in self.scenario.reasons:
                self.line(f"  {reason}", packets)
        self.line("passed or diverted", self.out)
        self.line("  server port's ring was full", got["unsent"])
        self.line("sent to the server port", got["sent"])
        self.line("  lost in the generator's port", losses(self.rx))
        self.line("came back", self.rx["ipackets"], sample=2)
        print(f"  a worker's busiest second {self.run.busiest:>20.1f}%")

    def check(self, what, left, right):
        if left != right:
            self.wrong.append(f"{what}: {left:,} and {right:,}")

    def check_sums(self):
        got = self.got
        self.check("sent, and received by the filter or lost in its port", self.tx["opackets"],
                   got["received"] + got["lost"])
        self.check("received, and the sum over reasons", got["received"],
                   sum(got["reasons"].values()))
        self.check("received, and the sum over verdicts", got["received"],
                   sum(got["verdicts"].values()))
        self.check("passed, and sent or unsent", self.out, got["sent"] + got["unsent"])
        self.check("sent to the server port, and come back or lost there", got["sent"],
                   self.rx["ipackets"] + losses(self.rx))
        for reason, packets in got["reasons"].items():
            if reason not in self.scenario.reasons:
                self.check(f"ended as {reason}, and to be expected", packets, 0)

    def check_replay(self):
        """Where time plays no part, and each frame was sent equally often, replay knows it all."""
        times, rest = divmod(self.run.packets, self.run.frames)
        timeless = not self.scenario.changes and "source-limit" not in self.scenario.reasons
        if timeless and self.source.stops and rest == 0:
            for reason, frames in replayed(self.scenario, self.capture, self.build).items():
                self.check(f"ended as {reason}, and by `sluice replay`",
                           self.got["reasons"][reason], frames * times)

    def check_phases(self):
        """Between two changes the share of packets is that of sources, as each sends equally."""
        for admit, took_us, admitted, decided in self.run.phases:
            share = 100 * admitted / max(decided, 1)
            print(f"    sluice admit {admit:<5} enforced in {took_us:>6} us, then {share:6.2f}% of "
                  f"{decided:,} packets")
            if decided == 0 or abs(share - float(admit.rstrip("%"))) > 2:
                self.wrong.append(f"{share:.2f}% came through, not {admit}")

    def good(self):
        """Print it. Whether all sums hold."""
        self.table()
        self.check_phases()
        self.check_sums()
        self.check_replay()
        for wrong in self.wrong:
            print(f"  DOES NOT ADD UP: {wrong}")
        if not self.wrong:
            print("  adds up")
        print(flush=True)
        return not self.wrong
