#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The daemon is killed while traffic flows: its policy stays, and it picks up again.
. "$(dirname "$0")/story.sh"
story_begins

must sluice admit international 0%
browse "${us[0]}"
end "$daemon_pid" KILL
browses "${us[0]}" front
see refused "${de[@]}"
see front "${us[@]}" "${unmapped[@]}"

daemon_up
must sluice_field '.health | .generation == 2 and .dataplane.generation == 2' status
must sluice_field '.policy.rules[0].admit == "0%"' policy show
browses "${us[0]}" front
see refused "${de[@]}"
must sluice admit international 100%
see front "${everybody[@]}"
must test "$(sort -u "$work/browse-${us[0]}")" = front
kill "${pids[-2]}"

story_ends
