-- SPDX-License-Identifier: BSD-3-Clause
-- An operator at work: while Pktgen sends, `sluice admit` changes how many sources the rule
-- `live` admits, at equal steps of the run. No packet is lost or counted twice by a change, and
-- between two of them the share that comes out is the one asked for.

scenario = {
	sources = { "100.64.0.0/10", "2001:db8::/32" },
	reasons = { "admitted", "shed" },
	changes = { "25%", "75%", "10%", "100%" },
}

require("send")()
