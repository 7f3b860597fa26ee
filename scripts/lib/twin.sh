# SPDX-License-Identifier: BSD-3-Clause
# The filter with its twin in the kernel: on `filter`'s two ends, in a mode of sluiced's, with
# the data plane, if there is one, on AF_XDP ports behind it. Sourced, after sluice.sh.
# shellcheck shell=bash disable=SC2034

# twin_prepare MODE: before sluice_up; after it, daemon and data plane start with the twin. Its
# pins are on a bpffs of our own, which is gone with what is pinned there.
twin_prepare() {
	mkdir -p "$work/bpf"
	mountpoint -q "$work/bpf" || mount -t bpf bpf "$work/bpf"
	twin_offloads
	port_driver=net_af_xdp
	daemon_options=(--twin "$1" --pair edge,server --pins "$work/bpf/sluice")
	dataplane_options=(--twin "$work/bpf/sluice")
}

# A veth takes frames that a program redirects only if its peer polls, as with GRO on; and what
# took a tag out of a frame would hide it from a program.
twin_offloads() {
	in_place clients ethtool -K edge gro on txvlan off
	in_place servers ethtool -K uplink gro on txvlan off
	in_place filter ethtool -K edge rxvlan off
	in_place filter ethtool -K server rxvlan off
} >/dev/null

# The daemon's word for it.
twin_attached() {
	sluice_field '.health.twin.interfaces | length > 0 and all(.attached)' status
}

twin_serving() {
	sluice_field '.health.twin.serving' status
}

twin_decides() {
	sluice_field '.health.twin.serving | not' status
}

# filter_as_host ADDRESS...: the filter has an IPv4 address of its own, at which it answers these,
# and bridges what is not for it.
filter_address=198.18.1.1
filter_as_host() {
	ip -n "sluice-$run_id-filter" link add host type bridge mcast_snooping 0
	ip -n "sluice-$run_id-filter" link set edge master host
	ip -n "sluice-$run_id-filter" link set server master host
	ip -n "sluice-$run_id-filter" link set host up
	ip -n "sluice-$run_id-filter" address add $filter_address/24 dev host
	printf 'route add %s dev host\n' "$@" | grep -v : | ip_batch filter
	ip -n "sluice-$run_id-clients" route add 198.18.1.0/24 dev edge
}

twin_down() {
	! mountpoint -q "$work/bpf" || umount "$work/bpf"
}
