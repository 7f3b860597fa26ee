# SPDX-License-Identifier: BSD-3-Clause
# What clients see: one real curl with a connection from each address, all at once.
# Sourced, after topology.sh.
# shellcheck shell=bash

declare -A seen # address -> front, fallback or refused, as of the last fetch

declare -Ar page_word=([FRONT]=front [LITE]=fallback [none]=refused)

service_url() {
	case $1 in
	*:*) echo "http://[$vip6]/" ;;
	*) echo "http://$vip/" ;;
	esac
}

# fetch ADDRESS...: each asks for the service's page once and gives up within two seconds,
# which is time for one SYN to be lost by accident. Answers in `seen`.
fetch() {
	local dir address page next=''

	dir=$(mktemp -d "$work/fetch.XXXXXX")
	for address in "$@"; do
		printf '%surl = "%s"\ninterface = "%s"\noutput = "%s"\n' "$next" \
			"$(service_url "$address")" "$address" "$dir/$address"
		printf 'silent\nconnect-timeout = 2\nmax-time = 3\n'
		next=$'next\n'
	done >"$dir/curlrc"
	in_place clients curl --no-progress-meter --parallel --parallel-immediate \
		--parallel-max 300 -K "$dir/curlrc" 2>/dev/null || true
	for address in "$@"; do
		page=none
		[ ! -s "$dir/$address" ] || read -r page <"$dir/$address"
		seen[$address]=${page_word[$page]}
	done
	rm -r "$dir"
}

# count WORD ADDRESS...: how many of them were last seen so.
count() {
	local word=$1 address n=0
	shift

	for address in "$@"; do
		[ "${seen[$address]}" != "$word" ] || n=$((n + 1))
	done
	echo $n
}

# sees ADDRESS WORD: fetch once and compare; for wait_for.
sees() {
	fetch "$1"
	[ "${seen[$1]}" = "$2" ]
}
