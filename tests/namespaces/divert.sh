#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Who is not admitted gets the fallback page, not nothing.
. "$(dirname "$0")/story.sh"
story_begins

must sluice admit front 0%
see fallback "${us[@]}" "${unmapped[@]}"
see front "${de[@]}"

must sluice admit front 50%
see_as_explained "${us[@]}" "${unmapped[@]}"

must sluice admit front 100%
see front "${everybody[@]}"

story_ends
