# SPDX-License-Identifier: BSD-3-Clause
# What the stories of the twin share: a policy that refuses a flood of sources for different
# reasons, a witness on the servers' side, and connections that last. Sourced; $1 is the build
# folder.
# shellcheck shell=bash disable=SC2034
. "$(dirname "${BASH_SOURCE[0]}")/story.sh"

tools=$root/tests/namespaces
blocked=(198.51.100.0/24 2001:db8:bad::/48) # once the operator says so
shed=(87.128.1.0/24 2003:0:1::/48)
refused=("${blocked[@]}" "${shed[@]}")
control=73.15.0.100 # admitted always, a numbered frame a millisecond
limited=73.15.0.101 # asks for ten times what it may have
limit_pps=100 limit_burst=500

# For flood.py.
kind_blocked=tcp/80:${blocked[0]},${blocked[1]}
kind_shed=tcp/80:${shed[0]},${shed[1]}

# The stories' policy, and services for what else goes about here.
twin_policy() {
	jq --argjson pps $limit_pps --argjson burst $limit_burst '
		def service(proto; port):
			{destinations: ["198.18.0.80"], proto: proto, ports: [port]};
		.services += {echo: service("tcp"; 7), control: service("udp"; 10),
			limited: service("udp"; 9)}
		| .rules += [{name: "echo", service: "echo"},
			{name: "control", service: "control"},
			{name: "limited", service: "limited",
				limit: {source: {pps: $pps, burst: $burst}}}]' \
		"$tools/policy.json"
}

# What each of the filter's ends received, and what both planes know of: as many, but for what came
# before the twin was there.
frames_received() {
	local end

	for end in edge server; do
		ip -n "sluice-$run_id-filter" -s -j link show dev $end
	done | jq -s 'map(.[0].stats64.rx.packets) | add'
}

frames_known() {
	sluice_field '.stats.planes.twin | [.handed, .received, .returned, .unreturned] |
		map(.packets) | add' status
}

# What the wires' own queues had no room for.
frames_dropped() {
	local at

	for at in 'clients edge' 'filter edge' 'filter server' 'servers uplink'; do
		ip -n "sluice-$run_id-${at% *}" -s -j link show dev "${at#* }"
	done | jq -s 'map(.[0].stats64 | .rx.dropped + .tx.dropped) | add'
}

# frames_missing: of a filter that stands still for a moment.
frames_missing() {
	local before received known

	while received=$(frames_received); do
		known=$(frames_known)
		before=$received
		[ "$(frames_received)" != "$before" ] || break
	done
	echo $((received - known))
}

# twin_story_begins MODE: the policy first, as a twin without one decides nothing; the data
# plane, unless there is to be none, when the twin is in place.
twin_story_begins() {
	topology_up "${everybody[@]}"
	web_server front FRONT
	web_server lite LITE
	[ "$1" != steer ] || filter_as_host "${everybody[@]}"
	twin_prepare "$1"
	mkdir -p "$work/run" "$work/state"
	daemon_up
	twin_policy >"$work/policy.json"
	must sluice policy apply "$work/policy.json"
	must wait_for 30 twin_attached
	if [ "$1" != alone ]; then
		dataplane_up
		must wait_for 20 twin_serving
	fi
	see front "${everybody[@]}"
	missing_before=$(frames_missing)
}

# Each frame that came to the filter was handed over or is the twin's: none is counted twice or
# not at all, whatever died meanwhile. (`steer` does not count what servers' side gives the kernel.)
every_frame_is_known() {
	local missing

	missing=$(frames_missing)
	[ "$missing" = "$missing_before" ] ||
		fail "the planes know of $((missing_before - missing)) frames more than came"
	echo "+ of $(frames_received) frames each is known to one plane, and one alone"
}

# witness FILE: what arrives at the servers from the filter, from now on.
witness() {
	spawn servers tcpdump -i uplink -Q in -U -B 16384 --time-stamp-precision nano \
		-w "$1" 2>"$1.log"
	witness_pid=${pids[-1]}
	wait_for 30 grep -q 'listening on' "$1.log" || fail 'tcpdump listens'
}

# It missed nothing of what it was to see.
witness_ends() {
	end "$witness_pid"
	must grep -q '^0 packets dropped by kernel' "$1.log"
}

# flood SECONDS STREAM...: in the background, so long at most.
flood() {
	spawn clients "$tools/flood.py" edge $front_mac "$@" >"$work/flooded"
	flood_pid=${pids[-1]}
	flood_begun=$EPOCHREALTIME
}

flood_ends() {
	end "$flood_pid"
	flood_s=$(seconds_since "$flood_begun")
	echo "sent: $(cat "$work/flooded")"
}

arrived() { # FILE PREFIX...
	local file=$1
	shift

	[ "$("$tools/arrived.py" "$file" count "$@")" -gt 0 ]
}

# nobody FILE PREFIX...: not one frame came through.
nobody() {
	local file=$1 count
	shift

	count=$("$tools/arrived.py" "$file" count "$@")
	[ "$count" = 0 ] || fail "$count frames of refused sources came through"
	echo "+ not one frame of a refused source came through"
}

# From here to flood_is_over(): refused sources, one that is admitted, one that is limited, pages
# and connections.
under_flood() {
	must sluice block "${blocked[@]}"
	must sluice admit international 0%
	echo_server front $vip 7
	witness "$work/arrived"
	connections $vip 7 "${us[@]:1:3}" "${unmapped[@]:1:3}"
	browse "${us[0]}"
	browser_pid=${pids[-1]}
	flood 300 10000:"$kind_blocked" 10000:"$kind_shed" 1000:udp/10:$control 1000:udp/9:$limited
	must wait_for 30 arrived "$work/arrived" $control
}

flood_is_over() {
	flood_ends
	connections_end
	kill "$browser_pid"
	witness_ends "$work/arrived"
	nobody "$work/arrived" "${refused[@]}"
	limits_went_on
}

# everything_goes_on [WORD]: pages of that kind, refusals, connections.
everything_goes_on() {
	browses "${us[0]}" "${1:-front}"
	see refused "${de[@]}"
	connections_go_on
}

# silence WHAT TIME: what the control stream, a frame a millisecond, saw of what began then;
# `lost` of it.
silence() {
	local longest ended

	read -r longest ended lost \
		< <("$tools/arrived.py" "$work/arrived" gap "$control" "$2" 3)
	printf '  %s: longest silence %s ms, over %s ms after; %s frames of 1000 a second lost\n' \
		"$1" "$longest" "$ended" "$lost"
}

# seconds_since TIME
seconds_since() {
	printf '%d.%03d' $(((${EPOCHREALTIME/./} - ${1/./}) / 1000000)) \
		$(((${EPOCHREALTIME/./} - ${1/./}) / 1000 % 1000))
}

# The limited source got its burst and its rate once, and not again after a takeover.
limits_went_on() {
	local frames most

	frames=$("$tools/arrived.py" "$work/arrived" count "$limited")
	most=$(awk -v t="$flood_s" \
		"BEGIN { print int($limit_burst + $limit_pps * t) }")
	echo "+ of the limited source $frames frames got through, $most may"
	[ "$frames" -le "$most" ] || fail 'a limit was forgotten'
	[ "$frames" -gt $((most / 2)) ] || fail 'a limit lets less through than it is to'
}

# echo_server PLACE ADDRESS PORT
echo_server() {
	spawn "$1" "$tools/echo.py" serve "$2" "$3"
	wait_for 30 listens "$@" || fail 'the echo server listens'
}

listens() { # PLACE ADDRESS PORT
	in_place "$1" ss -Hltn "sport = :$3" src "$2" | grep -q .
}

# connections ADDRESS PORT SOURCE...: open and talking.
connections() {
	spawn clients "$tools/echo.py" ask "$@" >"$work/connections"
	connections_pid=${pids[-1]}
	must wait_for 30 test -s "$work/connections"
}

# A line that is sent from now on comes back on each of them.
connections_go_on() {
	local asked

	echo "+ connections go on"
	asked=$(tail -n 1 "$work/connections" | cut -d' ' -f1)
	wait_for 30 connections_answered "$asked" || fail 'connections go on'
	kill -0 "$connections_pid" || fail 'a connection broke'
}

connections_answered() {
	[ "$(tail -n 1 "$work/connections" | cut -d' ' -f2)" -gt "$1" ]
}

connections_end() {
	kill "$connections_pid"
	wait "$connections_pid" || fail 'a connection broke'
	echo "  connections: none broke, longest wait for an answer $(
		tail -n 1 "$work/connections") ms"
}
