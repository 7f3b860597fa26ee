#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The daemon dies and then the data plane: what is in the kernel needs neither. Both come back to
# what is pinned there.
. "$(dirname "$0")/twin-story.sh"
twin_story_begins standby
under_flood
everything_goes_on

end "$daemon_pid" KILL
everything_goes_on
died=$EPOCHREALTIME
end "$dataplane_pid" KILL
everything_goes_on

daemon_up
must wait_for 30 twin_decides
everything_goes_on
must sluice block "${us[5]}"
see refused "${us[5]}"
dataplane_up
must wait_for 20 twin_serving
see refused "${us[5]}"
everything_goes_on

flood_is_over
silence 'killed, with no daemon' "$died"

story_ends
