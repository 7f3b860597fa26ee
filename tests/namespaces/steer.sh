#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A host with an address of its own: what is for the services goes to the data plane, all else
# to the host's kernel, which bridges it or answers; both go on when the data plane is dead.
. "$(dirname "$0")/twin-story.sh"
twin_story_begins steer
under_flood
echo_server filter $filter_address 22
echo_server front $vip 2222
spawn clients "$tools/echo.py" ask $filter_address 22 "${us[4]}" "${unmapped[4]}" >"$work/login"
login_pid=${pids[-1]}
must wait_for 30 test -s "$work/login"

# answers CLIENT ADDRESS PORT: whether an echo server does.
answers() {
	in_place clients socat -t 5 - "TCP:$2:$3,bind=$1,connect-timeout=3" <<<hello 2>/dev/null |
		grep -q hello
}

# What is for the host itself, what it bridges, and the services'.
all_goes_on() {
	everything_goes_on
	login_asked=$(tail -n 1 "$work/login" | cut -d' ' -f1)
	must wait_for 30 login_answered
	must answers "${us[4]}" $filter_address 22
	must answers "${us[4]}" $vip 2222
	! answers "${us[5]}" $filter_address 22 || fail 'a blocked source reaches the host'
	! answers "${us[5]}" $vip 2222 || fail 'a blocked source reaches a server'
}

login_answered() {
	[ "$(tail -n 1 "$work/login" | cut -d' ' -f2)" -gt "$login_asked" ]
}

must answers "${us[5]}" $filter_address 22
must answers "${us[5]}" $vip 2222
must sluice block "${us[5]}"
all_goes_on
must sluice_field '.stats.planes.dataplane |
	.received.packets > 0 and .reasons.default.packets + .reasons.link.packets == 0' status

killed=$EPOCHREALTIME
end "$dataplane_pid" KILL
must wait_for 30 twin_decides
all_goes_on

restarted=$EPOCHREALTIME
dataplane_up
must wait_for 30 twin_serving
all_goes_on

kill "$login_pid"
must wait "$login_pid"
flood_is_over
silence 'killed' "$killed"
silence 'restarted' "$restarted"

story_ends
