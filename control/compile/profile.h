/* SPDX-License-Identifier: BSD-3-Clause */
/* Rates as people write them, compiled to what a bucket computes with (core/bucket.h). */
#pragma once

#include "policy/policy.h"

/* `rate` is within CAP_PPS, CAP_BPS and CAP_BURST_S, as the parser sees to. */
struct bucket_limit profile_limit(const struct rate_params *rate);
