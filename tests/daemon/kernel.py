# SPDX-License-Identifier: BSD-3-Clause
"""Network namespaces, a BPF file system and a foreign program for a test's own use."""

import contextlib
import ctypes
import itertools
import json
import os
import socket
import subprocess

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
SYS_BPF = {"x86_64": 321, "aarch64": 280}[os.uname().machine]
BPF_PROG_LOAD, BPF_LINK_CREATE = 5, 28
BPF_PROG_TYPE_XDP, BPF_XDP = 6, 37
COUNT = itertools.count()


def run(*command):
    """What it prints; it must succeed."""
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def bpftool(*arguments):
    """What bpftool says; None if there is no such thing."""
    done = subprocess.run(["bpftool", "-j", *arguments], check=False, capture_output=True,
                          text=True, timeout=60, env={**os.environ, "PATH": os.environ["PATH"]
                                                      + ":/usr/sbin:/sbin"})
    said = json.loads(done.stdout) if done.stdout.strip() else None
    return said if done.returncode == 0 else None


class Namespace:
    """A network namespace, deleted when the test ends."""

    def __init__(self, case, name):
        self.name = f"twin-{name}-{os.getpid()}-{next(COUNT)}"
        run("ip", "netns", "add", self.name)
        case.addCleanup(run, "ip", "netns", "del", self.name)
        self.prefix = ("nsenter", f"--net=/run/netns/{self.name}")
        # What nobody asked for would be counted.
        self.run("sysctl", "-q", "-w", "net.ipv6.conf.default.disable_ipv6=1")
        self.ip("link", "set", "lo", "up")

    def ip(self, *arguments):
        return run("ip", "-n", self.name, *arguments)

    def run(self, *command):
        return run(*self.prefix, *command)

    @contextlib.contextmanager
    def entered(self):
        """This thread is in it: what it makes there stays there."""
        with open("/proc/thread-self/ns/net", "rb") as ours, \
                open(f"/run/netns/{self.name}", "rb") as its:
            self.enter(its)
            try:
                yield
            finally:
                self.enter(ours)

    @staticmethod
    def enter(namespace):
        if LIBC.setns(namespace.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")

    def udp(self, case, address):
        """A UDP socket in it that is bound to this address and port."""
        with self.entered():
            made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        case.addCleanup(made.close)
        made.bind(address)
        return made


def bpffs(case, folder):
    """Mount a BPF file system of our own at a folder that is made."""
    os.mkdir(folder)
    run("mount", "-t", "bpf", "bpf", folder)
    case.addCleanup(run, "umount", folder)
    return folder


def call_bpf(command, attributes):
    buffer = ctypes.create_string_buffer(attributes, max(128, len(attributes)))
    fd = LIBC.syscall(SYS_BPF, command, buffer, len(attributes))
    if fd < 0:
        raise OSError(ctypes.get_errno(), f"bpf({command})")
    return fd


def foreign_program(case, namespace, interface):
    """Attach somebody else's XDP program, which passes all; its id, and a way to have it gone."""
    instructions = ctypes.create_string_buffer(
        bytes([0xb7, 0, 0, 0, 2, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0]))  # return XDP_PASS
    licence = ctypes.create_string_buffer(b"GPL")
    program = call_bpf(BPF_PROG_LOAD, b"".join(
        [number.to_bytes(4, "little") for number in (BPF_PROG_TYPE_XDP, 2)]
        + [address.to_bytes(8, "little") for address in (ctypes.addressof(instructions),
                                                         ctypes.addressof(licence))]
        + [bytes(24), b"stranger".ljust(16, b"\0")]))
    case.addCleanup(os.close, program)
    with namespace.entered():
        index = socket.if_nametoindex(interface)
        link = call_bpf(BPF_LINK_CREATE, b"".join(
            number.to_bytes(4, "little") for number in (program, index, BPF_XDP, 0)))
    closing = contextlib.ExitStack()
    closing.callback(os.close, link)
    case.addCleanup(closing.close)
    with open(f"/proc/self/fdinfo/{program}", encoding="utf-8") as lines:
        number = next(int(line.split()[1]) for line in lines if line.startswith("prog_id"))
    return number, closing.close
