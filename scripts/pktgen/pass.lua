-- SPDX-License-Identifier: BSD-3-Clause
-- The cost of admission: every frame goes through all stages, under a limit for its source, a
-- limit for the rule and one for the host, none of which it reaches, and comes out again.

scenario = {
	sources = { "100.64.0.0/10", "2001:db8::/32" },
	reasons = { "admitted" },
}

require("send")()
