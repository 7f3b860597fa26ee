-- SPDX-License-Identifier: BSD-3-Clause
-- More sources than there are places for: random ones of both families, each good for a packet a
-- second. They fill every line of the source table, and those that find none answer for each other.

scenario = {
	sources = { "0.0.0.0/0", "2000::/3" },
	reasons = { "admitted", "source-limit" },
}

require("send")()
