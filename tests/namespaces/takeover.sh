#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The data plane is killed under a flood of refused sources: the twin decides from the same packet
# on, by the same buckets, and hands over again when the data plane is back.
. "$(dirname "$0")/twin-story.sh"
twin_story_begins standby

# Not refused yet, they come through, and the witness sees them.
witness "$work/allowed"
flood 30 500:"$kind_blocked" 500:"$kind_shed"
for prefix in "${refused[@]}"; do
	must wait_for 30 arrived "$work/allowed" "$prefix"
done
flood_ends
witness_ends "$work/allowed"

under_flood
everything_goes_on

killed=$EPOCHREALTIME
end "$dataplane_pid" KILL
must wait_for 30 twin_decides
everything_goes_on
must sluice admit front 0%
everything_goes_on fallback
must sluice admit front 100%
everything_goes_on

restarted=$EPOCHREALTIME
dataplane_up
must wait_for 20 twin_serving
back=$(seconds_since "$restarted")
everything_goes_on

flood_is_over
every_frame_is_known
silence 'killed' "$killed"
silence "restarted, and served $back s later" "$restarted"

story_ends
