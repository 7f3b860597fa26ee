/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The compilers of single segments. Each gives a segment with one reference, or -1 with
 * *error and none. SEGMENT_ORIGINS has a header of its own, origins.h.
 */
#pragma once

#include "compile/origins.h"

int rules_compile(const struct policy *policy, struct segment **segment, struct error *error);
int services_compile(const struct policy *policy, const struct membership *membership,
		     struct segment **segment, struct error *error);
int guard_compile(const struct policy *policy, struct segment **segment, struct error *error);
int sets_compile(const struct policy *policy, struct segment **segment, struct error *error);
int document_compile(const json_t *document, struct segment **segment, struct error *error);

/* Refuse a policy that is past a cap, whoever put it together. 0, or -1 with *error. */
int caps_check(const struct policy *policy, struct error *error);

/* Refuse a rule that an earlier one keeps from ever deciding. 0, or -1 with *error. */
int cover_check(const struct policy *policy, const struct membership *membership,
		struct error *error);
