-- SPDX-License-Identifier: BSD-3-Clause
-- What every scenario does: sends the capture that Pktgen was started with (-s) as often as makes
-- SLUICE_PACKETS frames, then waits for more commands. scripts/pktgen/run sets these variables;
-- by hand, what is not set is: port 0, at 100 % of its rate, for ever.

local port = os.getenv("SLUICE_PORT") or "0"

return function()
	io.stderr:write("\n", pktgen.info.Pktgen_Version, "\n")
	pktgen.screen("off")
	pktgen.set(port, "count", tonumber(os.getenv("SLUICE_PACKETS") or 0))
	pktgen.set(port, "rate", tonumber(os.getenv("SLUICE_RATE") or 100))
	pktgen.start(port)
end
