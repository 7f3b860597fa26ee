# SPDX-License-Identifier: BSD-3-Clause
# The little world that the demo and tests/namespaces play in:
#
#    clients ── edge │ filter │ server ── servers (a bridge) ─┬─ front   198.18.0.80
#                                                            └─ lite    198.18.0.80, by MAC
#
# Five network namespaces joined by veth pairs; none has a route out, so nothing leaves this
# machine. `clients` holds every source address, `filter` no address at all: between its
# two ends there is only what the data plane forwards. Both servers hold the service's address;
# lite does not answer ARP for it, as a fallback in direct server return does not.
# Sourced, after common.sh; keeps what it starts in `pids` and its files in $work.
# shellcheck shell=bash

vip=198.18.0.80
vip6=2001:db8:80::80
front_mac=02:00:00:00:00:80
lite_mac=02:00:00:00:0f:01

run_id=$(printf '%x' $$)
places=(clients filter servers front lite)

# in_place PLACE COMMAND...
in_place() {
	local place=$1
	shift
	ip netns exec "sluice-$run_id-$place" "$@"
}

# spawn PLACE COMMAND...: in the background, on the list of what to end.
spawn() {
	local place=$1
	shift
	ip netns exec "sluice-$run_id-$place" "$@" &
	pids+=($!)
}

# veth PLACE NAME PEER_PLACE PEER_NAME: joined, up, and with whole checksums and segments.
veth() {
	ip -n "sluice-$run_id-$1" link add "$2" type veth \
		peer name "$4" netns "sluice-$run_id-$3"
	veth_end "$1" "$2"
	veth_end "$3" "$4"
}

veth_end() {
	in_place "$1" ethtool -K "$2" tx off rx off tso off gso off gro off >/dev/null
	ip -n "sluice-$run_id-$1" link set "$2" up
}

# Addresses and routes in batches: one line of `ip` a line.
ip_batch() {
	ip -n "sluice-$run_id-$1" -force -batch -
}

topology_server() { # PLACE MAC
	veth "$1" eth0 servers "$1"
	ip -n "sluice-$run_id-servers" link set "$1" master bridge
	ip -n "sluice-$run_id-$1" link set eth0 address "$2"
}

topology_addresses() {
	local place

	printf 'address add %s dev edge\n' "$@" | ip_batch clients
	ip -n "sluice-$run_id-clients" route add 198.18.0.0/24 dev edge
	ip -n "sluice-$run_id-clients" route add 2001:db8:80::/64 dev edge

	ip -n "sluice-$run_id-front" address add $vip dev eth0
	ip -n "sluice-$run_id-front" address add $vip6 dev eth0

	# lite asks for its neighbours by addresses of its own; the service's are on lo.
	in_place lite sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2
	ip -n "sluice-$run_id-lite" address add 198.18.0.81 dev eth0
	ip -n "sluice-$run_id-lite" address add fe80::81/64 dev eth0
	ip -n "sluice-$run_id-lite" address add $vip dev lo
	ip -n "sluice-$run_id-lite" address add $vip6 dev lo

	for place in front lite; do
		printf 'route add %s dev eth0\n' "$@" | ip_batch $place
	done
}

# topology_up ADDRESS...: the addresses that clients are to hold.
topology_up() {
	local place

	for place in "${places[@]}"; do
		ip netns add "sluice-$run_id-$place"
		in_place "$place" sysctl -qw net.ipv6.conf.all.accept_dad=0 \
			net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.default.addr_gen_mode=1 \
			net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
		ip -n "sluice-$run_id-$place" link set lo up
	done
	in_place filter sysctl -qw net.ipv6.conf.default.disable_ipv6=1
	in_place servers sysctl -qw net.ipv6.conf.default.disable_ipv6=1
	ip -n "sluice-$run_id-servers" link add bridge type bridge mcast_snooping 0
	ip -n "sluice-$run_id-servers" link set bridge up
	veth clients edge filter edge
	veth filter server servers uplink
	ip -n "sluice-$run_id-servers" link set uplink master bridge
	topology_server front $front_mac
	topology_server lite $lite_mac
	topology_addresses "$@"
}

# What still runs in a namespace of ours is ours.
topology_down() {
	local place left

	for place in "${places[@]}"; do
		[ -e "/run/netns/sluice-$run_id-$place" ] || continue
		left=$(ip netns pids "sluice-$run_id-$place")
		# shellcheck disable=SC2086 # one word a pid
		[ -z "$left" ] || kill -9 $left 2>/dev/null || true
		ip netns delete "sluice-$run_id-$place"
	done
}

# web_server PLACE PAGE: an nginx whose every page is the word PAGE.
web_server() {
	local dir=$work/nginx-$1 paths='' path

	mkdir -p "$dir"
	for path in client_body proxy fastcgi uwsgi scgi; do
		paths+="${path}_temp_path $dir/$path; "
	done
	cat >"$dir/nginx.conf" <<-END
		daemon off;
		user www-data;
		worker_processes 1;
		pid $dir/pid;
		error_log $dir/error.log;
		events { worker_connections 1024; }
		http {
			access_log off;
			keepalive_timeout 0;
			$paths
			server {
				listen $vip:80;
				listen [$vip6]:80;
				default_type text/plain;
				location / { return 200 "$2\n"; }
			}
		}
	END
	spawn "$1" nginx -e "$dir/error.log" -c "$dir/nginx.conf"
	wait_for 10 in_place "$1" curl -s --max-time 1 -o /dev/null "http://$vip/" ||
		die "nginx in $1 does not answer: $(cat "$dir/error.log")"
}
