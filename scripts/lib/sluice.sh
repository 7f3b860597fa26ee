# SPDX-License-Identifier: BSD-3-Clause
# The filter itself between the two ends of `filter`: daemon, data plane, command line.
# Sourced, after topology.sh; $build is the build folder, $work keeps run, state and logs.
# shellcheck shell=bash

dataplane_pid='' daemon_pid=''
port_driver=net_af_packet dataplane_options=() daemon_options=()

sluice() {
	"$build/control/cli/sluice" "$@" --run "$work/run"
}

# sluice_field FILTER COMMAND...: one value out of a command's JSON.
sluice_field() {
	local filter=$1
	shift

	sluice "$@" --json | jq -er "$filter"
}

# EAL options that ask nothing of a host: no hugepages, no PCI, the last CPU for the worker.
eal_options() {
	local last=$(($(nproc) - 1))

	echo "--lcores=0@0,1@$last --no-huge --no-shconf --no-pci --no-telemetry -m 512" \
		"--vdev=${port_driver}0,iface=edge --vdev=${port_driver}1,iface=server"
}

dataplane_up() {
	# shellcheck disable=SC2046 # one word an option
	spawn filter env RUNTIME_DIRECTORY="$work" \
		"$build/dataplane/sluice-dataplane" $(eal_options) -- \
		--pair "${port_driver}0,${port_driver}1" --run "$work/run" --state "$work/state" \
		"${dataplane_options[@]}" \
		>>"$work/dataplane.log" 2>&1
	dataplane_pid=${pids[-1]}
}

daemon_up() {
	spawn filter "$build/control/daemon/sluiced" --run "$work/run" --state "$work/state" \
		"${daemon_options[@]}" >>"$work/daemon.log" 2>&1
	daemon_pid=${pids[-1]}
	wait_for 30 sluice status || die "sluiced does not answer: $(cat "$work/daemon.log")"
}

# end PID [SIGNAL]: and not before it is gone.
end() {
	kill -"${2:-TERM}" "$1"
	wait "$1" 2>/dev/null || true
}

# The data plane polls its ports and enforces what the daemon published last.
dataplane_ready() {
	sluice_field '.health | .dataplane.running and .dataplane.generation == .generation' status
}

sluice_up() {
	mkdir -p "$work/run" "$work/state"
	daemon_up
	dataplane_up
	wait_for 20 dataplane_ready ||
		die "the data plane is not ready: $(cat "$work/dataplane.log")"
}

# The equation beside the counters (core/counters.h), of a filter that stands still: over both
# planes, and over each.
counters_add_up() {
	sluice status --json | jq -e '.stats |
		def sum(f): [.[] | f] | add;
		def add_up:
			.received.packets == (.reasons | sum(.packets))
			and .received.bytes == (.reasons | sum(.bytes))
			and .received.packets == (.verdicts | sum(.packets))
			and .received.bytes == (.verdicts | sum(.bytes))
			and .verdicts.pass.packets + .verdicts.divert.packets
				== .sent.packets + .unsent.packets;
		.received.packets > 0 and add_up and (.planes | all(add_up))'
}
