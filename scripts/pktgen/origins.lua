-- SPDX-License-Identifier: BSD-3-Clause
-- Real countries, as the location database has them: one cut off, some shed, some let in, and
-- sources that no feed knows. What comes out is, to the packet, what `sluice replay` says.

scenario = {
	sources = {
		"73.0.0.0/8", "12.0.0.0/8", "2601::/20", -- mostly the US
		"87.128.0.0/10", "2003::/19", "80.0.0.0/8", -- mostly Germany and its neighbours
		"126.0.0.0/8", "2400::/12", -- mostly Japan and its neighbours
		"177.0.0.0/8", "2800::/12", -- mostly Brazil and its neighbours
		"192.0.2.0/24", "fd00::/8", -- nowhere
	},
	reasons = { "admitted", "shed" },
}

require("send")()
