#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A percentage changes while clients browse: no restart, nobody evicted by a raise.
. "$(dirname "$0")/story.sh"
story_begins

before="$dataplane_pid $daemon_pid"
for address in "${us[@]:0:4}"; do
	browse "$address"
	browses "$address" front
done

must sluice admit front 25%
declare -A word=([pass]=front [divert]=fallback)
for address in "${us[@]:0:4}"; do
	browses "$address" "${word[$(explain verdict "$address")]}"
done
see_as_explained "${us[@]}" "${unmapped[@]}"
admitted=()
for address in "${us[@]}" "${unmapped[@]}"; do
	[ "${seen[$address]}" != front ] || admitted+=("$address")
done

must sluice admit front 50%
[ ${#admitted[@]} = 0 ] || see front "${admitted[@]}"
see_as_explained "${us[@]}" "${unmapped[@]}"
must kill -0 $before
must sluice_field '.health | .dataplane.generation == 3' status
kill "${pids[@]: -4}"

story_ends
