#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The data plane restarts without the daemon: it filters by what is on disk, and says so.
. "$(dirname "$0")/story.sh"
story_begins

must sluice admit international 0%
# A change is durable 200 ms after it is enforced; who is killed before leaves the former.
must wait_for 10 cmp -s "$work/state/current" "$work/state/wanted"
end "$daemon_pid" KILL
end "$dataplane_pid"
see refused "${us[@]}"

dataplane_up
must wait_for 20 sees "${us[0]}" front
must grep 'last good image' "$work/dataplane.log"
see refused "${de[@]}"
see front "${us[@]}" "${unmapped[@]}"

daemon_up
must wait_for 10 sluice_field '.health.dataplane | .generation == 2 and (.from_disk | not)' status
must sluice admit international 100%
see front "${everybody[@]}"

story_ends
