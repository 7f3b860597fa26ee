#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Sources are blocked and unblocked; a block ends on time though the daemon is dead.
. "$(dirname "$0")/story.sh"
story_begins

must sluice block "${us[0]}" 2601:0:0:1::/64 --reason 'too keen'
see refused "${us[0]}" 2601:0:0:1::1
see front "${us[@]:1:5}" "${de[@]}"
must sluice unblock "${us[0]}" 2601:0:0:1::/64
see front "${us[@]}"

must sluice block "${de[0]}" --ttl 10s
must sluice block "${de[1]}" --ttl 1h
end "$daemon_pid" KILL
see refused "${de[0]}" "${de[1]}"
must wait_for 30 sees "${de[0]}" front
see refused "${de[1]}"

daemon_up
see front "${de[0]}"
see refused "${de[1]}"
must sluice unblock "${de[1]}"
see front "${de[1]}"

story_ends
