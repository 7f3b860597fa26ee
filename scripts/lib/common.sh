# SPDX-License-Identifier: BSD-3-Clause
# What every script here needs: colours on a terminal, dying with a word, waiting for an event.
# Sourced.
# shellcheck shell=bash

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
	bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' yellow=$'\e[33m' plain=$'\e[0m'
else
	bold='' dim='' red='' green='' yellow='' plain=''
fi

die() {
	echo "${0##*/}: $*" >&2
	exit 1
}

need_root() {
	[ "$(id -u)" = 0 ] || die "needs root: network namespaces and packages. Try: sudo $0"
}

# wait_for SECONDS COMMAND...: until COMMAND succeeds; 1 when it has not by then.
wait_for() {
	local deadline=$((${EPOCHREALTIME/./} + $1 * 1000000))
	shift

	until "$@" >&3 2>&3; do
		[ "${EPOCHREALTIME/./}" -lt "$deadline" ] || return 1
		sleep 0.02
	done 3>/dev/null
}

# The checkout keeps its owner, though root built in it.
give_back() {
	[ ! -e "$1" ] || chown -R --reference="$root" "$1"
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

# What the script started, of which it kept the process ids in `pids`.
end_all() {
	[ ${#pids[@]} -gt 0 ] || return 0
	kill "${pids[@]}" 2>/dev/null || true
	kill -CONT "${pids[@]}" 2>/dev/null || true
	wait "${pids[@]}" 2>/dev/null || true
}
