#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The data plane hangs instead of dying: the twin gives it a second, decides then, and hands over
# again as soon as it moves.
. "$(dirname "$0")/twin-story.sh"
twin_story_begins standby
under_flood
everything_goes_on

stopped=$EPOCHREALTIME
kill -STOP "$dataplane_pid"
must wait_for 30 twin_decides
everything_goes_on

continued=$EPOCHREALTIME
kill -CONT "$dataplane_pid"
must wait_for 30 twin_serving
back=$(seconds_since "$continued")
everything_goes_on

flood_is_over
every_frame_is_known
silence 'stopped' "$stopped"
silence "continued, and served $back s later" "$continued"

story_ends
