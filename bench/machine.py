# SPDX-License-Identifier: BSD-3-Clause
"""What the figures were measured on, and with: without that they mean nothing."""
import pathlib
import re
import subprocess


def read(path):
    path = pathlib.Path(path)
    return path.read_text().strip() if path.exists() else ""


def output(*command):
    try:
        return subprocess.run(command, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, check=False).stdout.strip()
    except FileNotFoundError:
        return ""


def caches():
    """Level and size of each cache of the first CPU."""
    for index in sorted(pathlib.Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        if read(index / "type") != "Instruction":
            yield f"L{read(index / 'level')} {read(index / 'size')}"


def hugepages():
    total = read("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages") or "0"
    chosen = re.search(r"\[(\w+)\]", read("/sys/kernel/mm/transparent_hugepage/enabled"))
    return f"{total} of 2 MB, transparent ones: {chosen[1] if chosen else 'never'}"


def clock(reference):
    """What calibrate.c saw, or None."""
    return (f"{reference['tsc_ghz']:.2f} GHz (TSC); a multiplication takes "
            f"{reference['core_cycles']:.2f} cycles of it, a load from memory "
            f"{reference['memory_cycles']:.0f}") if reference else "not measured"


def describe(root, build, reference):
    """Pairs of what and which."""
    cpus = re.findall(r"^model name\s*: (.*)$", read("/proc/cpuinfo"), re.M)
    compiler = re.search(r"C compiler for the host machine: \S+ \((\S+ \S+)",
                         read(pathlib.Path(build) / "meson-logs" / "meson-log.txt"))
    memory = re.search(r"MemTotal:\s+(\d+)", read("/proc/meminfo"))
    return [
        ("CPU", f"{len(cpus)} x {cpus[0]}" if cpus else "unknown"),
        ("caches", ", ".join(caches())),
        ("clock", clock(reference)),
        ("memory", f"{int(memory[1]) // 1024 // 1024} GB" if memory else "unknown"),
        ("hugepages", hugepages()),
        ("kernel", output("uname", "-r")),
        ("compiler", compiler[1] if compiler else "unknown"),
        ("DPDK", output("pkg-config", "--modversion", "libdpdk")),
        ("Sluice", output("git", "-C", str(root), "describe", "--always", "--dirty") or
         "not from a repository"),
    ]
