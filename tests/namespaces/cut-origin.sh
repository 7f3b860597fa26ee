#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# An origin is cut off and let in again; nobody else notices.
. "$(dirname "$0")/story.sh"
story_begins

must sluice admit international 0%
see refused "${de[@]}"
see front "${us[@]}" "${unmapped[@]}"

must sluice admit international 50%
see_as_explained "${de[@]}"

must sluice admit international 100%
see front "${everybody[@]}"

story_ends
