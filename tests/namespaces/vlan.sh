#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A tag hides nothing: what comes on a VLAN, or on one inside another, meets the same rules.
. "$(dirname "$0")/story.sh"
story_begins

spawn front tcpdump -lnei eth0 'tcp[tcpflags] & tcp-syn != 0 or vlan' \
	>"$work/arrived" 2>"$work/tcpdump.log"
wait_for 10 grep -q 'listening on' "$work/tcpdump.log" || fail 'tcpdump listens'

# knock ADDRESS PORT: openings of connections from that address and port, tagged and tagged twice.
knock() {
	in_place clients /usr/bin/python3 - "$1" "$2" "$vip" "$front_mac" <<-'END'
		import logging, sys
		logging.getLogger("scapy.runtime").setLevel(logging.ERROR)
		from scapy.all import Dot1Q, Ether, IP, TCP, get_if_hwaddr, sendp

		source, port, server, mac = sys.argv[1:]
		tagged = Ether(src=get_if_hwaddr("edge"), dst=mac) / Dot1Q(vlan=10)
		opening = IP(src=source, dst=server) / TCP(sport=int(port), dport=80, flags="S")
		twice = tagged / Dot1Q(vlan=20)
		sendp([tagged / opening, twice / opening], iface="edge", verbose=False)
	END
}

arrived() { # ADDRESS PORT
	[ "$(grep -c "vlan 10, .* $1.$2 > $vip.80" "$work/arrived")" = 2 ]
}

must knock "${de[0]}" 1001
must wait_for 10 arrived "${de[0]}" 1001

must sluice admit international 0%
must knock "${de[0]}" 1002
must knock "${us[0]}" 1003
must wait_for 10 arrived "${us[0]}" 1003
! grep "${de[0]}.1002" "$work/arrived" || fail 'a tag gets past the filter'
see refused "${de[@]}"
see front "${us[@]}"

story_ends
