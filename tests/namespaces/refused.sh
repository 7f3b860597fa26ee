#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# What is wrong is refused, with what and where, and changes nothing.
. "$(dirname "$0")/story.sh"
story_begins

must sluice admit international 0%
generation=$(sluice_field .health.generation status)
wrong() { # JQ_EDIT PATTERN
	jq "$1" "$root/tests/namespaces/policy.json" >"$work/wrong.json"
	refuses "$2" sluice policy apply "$work/wrong.json"
}

wrong '.rules[0].admit = "101%"' 'rules\[0\].admit'
wrong '.rules[1].colour = "red"' 'rules\[1\].colour'
wrong '.rules[1].service = "back"' 'rules\[1\].service'
wrong '.services.front.destinations[0] = "198.18.0.80/24"' 'services.front.destinations\[0\]'
wrong '.rules[1].scope = "new"' 'rules\[1\].else'
wrong '.origins.feeds = [{"type": "csv", "file": "../passwd"}]' 'origins.feeds\[0\]'
wrong '.rules |= reverse' 'rules\[1\]'
echo '{"schema": 1,' >"$work/wrong.json"
refuses 'wrong.json' sluice policy apply "$work/wrong.json"
refuses 'nobody' sluice admit nobody 25%
refuses 'percentage' sluice admit front 25
refuses '300' sluice block 300.1.2.3
refuses 'generation' sluice admit front 25% --if-generation 1

must test "$(socat -t 5 - "UNIX-CONNECT:$work/run/control.sock" <<<'{' |
	jq -s '.[1].error.code')" = -32700
head -c 2M /dev/zero | tr '\0' x |
	socat -t 5 - "UNIX-CONNECT:$work/run/control.sock" >"$work/answer" 2>/dev/null || true
must sluice_field ".health.generation == $generation" status
see refused "${de[@]}"
see front "${us[@]}" "${unmapped[@]}"

story_ends
