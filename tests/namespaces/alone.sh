#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# No data plane at all: the twin is the filter. The daemon restarts, dies and is replaced without
# a gap, and nothing is left once it is detached.
. "$(dirname "$0")/twin-story.sh"
twin_story_begins alone

must sluice admit front 0%
see fallback "${us[@]}" "${unmapped[@]}"
see front "${de[@]}"
must sluice admit front 50%
see_as_explained "${us[@]}" "${unmapped[@]}"
must sluice admit front 100%
must sluice block "${us[5]}" --ttl 10s
see refused "${us[5]}"
end "$daemon_pid" KILL
must wait_for 30 sees "${us[5]}" front
daemon_up

# Of the last silence: no frame was lost that no queue of the wires' had dropped.
no_gap() {
	must test "$lost" -le "$(frames_dropped)"
}

# The program that is on the filter's edge.
program_id() {
	ip -n "sluice-$run_id-filter" -j link show dev edge | jq '.[0].xdp.prog.id // "none"' -r
}

program_gone() {
	! bpftool prog show id "$program" >/dev/null 2>&1
}

under_flood
everything_goes_on
restarted=$EPOCHREALTIME
end "$daemon_pid"
everything_goes_on
daemon_up
must wait_for 30 twin_attached
everything_goes_on
killed=$EPOCHREALTIME
end "$daemon_pid" KILL
daemon_up
must wait_for 30 twin_attached
everything_goes_on
must sluice admit front 0%
everything_goes_on fallback
flood_is_over
every_frame_is_known
silence 'daemon restarted' "$restarted"
no_gap
silence 'daemon killed' "$killed"
no_gap
story_ends

program=$(program_id)
must sluice detach
[ "$(program_id)" = none ] || fail 'a program is left on the interface'
must test ! -e "$work/bpf/sluice"
must wait_for 10 program_gone
must sluice attach
must wait_for 10 twin_attached
see fallback "${us[0]}"

program=$(program_id)
end "$daemon_pid" KILL
must "$build/control/daemon/sluiced" --detach --pins "$work/bpf/sluice"
[ "$(program_id)" = none ] || fail 'a program is left on the interface'
must test ! -e "$work/bpf/sluice"
must wait_for 10 program_gone
