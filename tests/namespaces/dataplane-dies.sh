#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The data plane is killed: changes wait for it on disk, and it comes back with them.
. "$(dirname "$0")/story.sh"
story_begins

end "$dataplane_pid" KILL
see refused "${us[@]}"
must wait_for 10 sluice_field '.health.dataplane.running | not' status
must sluice_field '.workers == 0' admit international 0%

dataplane_up
must wait_for 20 dataplane_ready
must wait_for 20 sees "${us[0]}" front
see refused "${de[@]}"
see front "${us[@]}" "${unmapped[@]}"

story_ends
