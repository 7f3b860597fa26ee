#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A source that asks too much is held to its limit, and only that one.
. "$(dirname "$0")/story.sh"
story_begins

must sluice limit front --source 1pps,burst=30
must wait_for 30 sees "${us[0]}" refused
see front "${us[1]}" "${unmapped[0]}"
must jq -e '.stats.reasons["source-limit"].packets > 0' <<<"$(sluice status --json)"

must sluice limit front --no-source
see front "${us[@]}"

story_ends
