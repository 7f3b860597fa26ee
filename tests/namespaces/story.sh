# SPDX-License-Identifier: BSD-3-Clause
# What every story here begins and ends with: the topology of scripts/lib with a few clients of
# both families, and, at the end, the counters' equation. A story is a list of commands and of
# what clients then see; the first thing that is not so ends it. Sourced; $1 is the build folder.
# shellcheck shell=bash disable=SC2034
set -euo pipefail
[ "$(id -u)" = 0 ] || exit 77

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
for part in common topology clients sluice twin; do
	. "$root/scripts/lib/$part.sh"
done
build=$1 work=$(mktemp -d /tmp/sluice-story.XXXXXX) pids=()

us=(73.15.0.{1..6} 2601:0:0:{1..6}::1)
de=(87.128.0.{1..6} 2003:0:0:{1..6}::1)
unmapped=(192.0.2.{1..6} fd00:0:0:{1..6}::1)
everybody=("${us[@]}" "${de[@]}" "${unmapped[@]}")

finish() {
	local status=$?

	trap '' INT TERM
	if [ $status != 0 ]; then
		tail -n 30 "$work"/*.log >&2 || true
		sluice status >&2 || true
	fi
	end_all
	topology_down
	twin_down
	rm -rf "$work"
	exit $status
}
trap finish EXIT
trap 'exit 130' INT TERM

fail() {
	echo "not so: $*" >&2
	exit 1
}

# must COMMAND...: it succeeds.
must() {
	echo "+ $*"
	"$@" || fail "$*"
}

# refuses PATTERN COMMAND...: it fails, and says so in these words.
refuses() {
	local pattern=$1 said
	shift

	echo "+ $* # refused: $pattern"
	! said=$("$@" 2>&1) || fail "$* was not refused"
	grep -q -- "$pattern" <<<"$said" || fail "$* said: $said"
}

# see WORD ADDRESS...: all of them ask for the page, and get that.
see() {
	local word=$1 address
	shift

	echo "+ see $word: ${#} clients"
	fetch "$@"
	for address in "$@"; do
		[ "${seen[$address]}" = "$word" ] ||
			fail "$address sees ${seen[$address]}, not $word"
	done
}

explain() { # FIELD ADDRESS
	local destination=$vip:80
	[[ $2 != *:* ]] || destination="[$vip6]:80"

	sluice explain "$2" "$destination" --json | jq -r ".$1"
}

# Each address gets what `sluice explain` says that it does.
see_as_explained() {
	local -A word=([pass]=front [divert]=fallback [drop]=refused)
	local address

	echo "+ see as explained: ${#} clients"
	fetch "$@"
	for address in "$@"; do
		[ "${seen[$address]}" = "${word[$(explain verdict "$address")]}" ] ||
			fail "$address sees ${seen[$address]}, not $(explain verdict "$address")"
	done
}

# browse ADDRESS: page after page in the background, one word a page into $work/browse-ADDRESS.
browse() {
	local page

	while :; do
		page=$(in_place clients curl -s --interface "$1" --max-time 2 \
			"$(service_url "$1")" || echo none)
		echo "${page_word[$page]}" >>"$work/browse-$1"
	done &
	pids+=($!)
	wait_for 10 test -s "$work/browse-$1" || fail "$1 browses"
}

# browses ADDRESS WORD: the next pages of who browses are that; those on their way may not be.
browses() {
	local have
	have=$(wc -l <"$work/browse-$1")

	echo "+ $1 browses: $2"
	wait_for 20 more_than "$work/browse-$1" $((have + 5)) || fail "$1 goes on browsing"
	[ "$(tail -n +$((have + 2)) "$work/browse-$1" | sort -u)" = "$2" ] ||
		fail "$1 sees $(tail -n +$((have + 2)) "$work/browse-$1" | uniq -c)"
}

more_than() {
	[ "$(wc -l <"$1")" -gt "$2" ]
}

# The servers, the filter and the policy; then everybody sees the front page.
story_begins() {
	topology_up "${everybody[@]}" "$@"
	web_server front FRONT
	web_server lite LITE
	sluice_up
	must sluice policy apply "$root/tests/namespaces/policy.json"
	see front "${everybody[@]}"
}

story_ends() {
	wait_for 10 counters_add_up || fail "the counters add up: $(sluice status --json)"
	echo "the counters add up"
}
