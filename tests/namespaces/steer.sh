#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A host with an address of its own: what is for the services goes to the data plane, all else
# to the host's kernel, which bridges it or answers; both go on when the data plane is dead.
. "$(dirname "$0")/twin-story.sh"
twin_story_begins steer
under_flood
echo_server filter $filter_address 22
spawn clients "$tools/echo.py" ask $filter_address 22 "${us[4]}" "${unmapped[4]}" >"$work/login"
login_pid=${pids[-1]}
must wait_for 30 test -s "$work/login"

# logs_in ADDRESS: whether the host answers it.
logs_in() {
	in_place clients socat -t 5 - "TCP:$filter_address:22,bind=$1,connect-timeout=2" \
		<<<hello 2>/dev/null | grep -q hello
}

# The host's own connections answer, as the services' do, and pings to servers go their way.
all_goes_on() {
	everything_goes_on
	login_asked=$(tail -n 1 "$work/login" | cut -d' ' -f1)
	must wait_for 30 login_answered
	must in_place clients ping -q -c 1 -W 5 -I "${us[1]}" $vip
}

login_answered() {
	[ "$(tail -n 1 "$work/login" | cut -d' ' -f2)" -gt "$login_asked" ]
}

all_goes_on
must logs_in "${us[5]}"
must sluice block "${us[5]}"
see refused "${us[5]}"
! logs_in "${us[5]}" || fail 'a blocked source reaches the host'
must sluice_field '.stats.dataplane.reasons | .default.packets == 0 and .link.packets == 0' status

killed=$EPOCHREALTIME
end "$dataplane_pid" KILL
must wait_for 30 twin_decides
all_goes_on
! logs_in "${us[5]}" || fail 'a blocked source reaches the host'

restarted=$EPOCHREALTIME
dataplane_up
must wait_for 20 twin_serving
all_goes_on

kill "$login_pid"
must wait "$login_pid"
flood_is_over
silence 'killed' "$killed"
silence 'restarted' "$restarted"

story_ends
