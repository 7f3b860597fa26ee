-- SPDX-License-Identifier: BSD-3-Clause
-- The cheapest way to end a frame: its source is in a block set. Nothing comes out.

scenario = {
	sources = { "100.64.0.0/10", "2001:db8::/32" },
	reasons = { "blocked" },
}

require("send")()
