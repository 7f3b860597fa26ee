/* SPDX-License-Identifier: BSD-3-Clause */
/* What is written to an Ethernet header: tags, and the address of who gets a diverted frame. */
#pragma once

#include "image.h"
#include "packet.h"
#include "wire.h"

enum {
	ETHERNET_MACS = 12, /* bytes before the EtherType */
	ETHERNET_HEADER = 14,
	ETHERNET_TAG = 4,
	ETHERNET_HEAD = ETHERNET_HEADER + ETHERNET_TAG, /* what is written to lies in it */
	ETHERNET_VID = 0x0fff,                          /* of a tag's word, the VLAN */
};

static inline void ethernet_store(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* Put a tag into a frame that has room for it at `head`: its own start lies ETHERNET_TAG on. */
static inline void ethernet_put_tag(uint8_t *head, uint16_t ethertype, uint16_t word)
{
	__builtin_memmove(head, head + ETHERNET_TAG, ETHERNET_MACS);
	ethernet_store(head + ETHERNET_MACS, ethertype);
	ethernet_store(head + ETHERNET_MACS + 2, word);
}

static inline bool ethernet_tagged(const uint8_t *head)
{
	uint16_t ethertype = wire_u16(head + ETHERNET_MACS);

	return ethertype == ETHERTYPE_VLAN || ethertype == ETHERTYPE_QINQ;
}

/*
 * Address the frame at `head`, which has ETHERNET_HEAD bytes, to `fallback`: its MAC, and its VLAN
 * in the outermost tag, with the priority kept. Whether it is to get a tag that it lacks yet.
 */
static inline bool ethernet_divert(uint8_t *head, const struct fallback *fallback)
{
	uint8_t *word = head + ETHERNET_HEADER;

	__builtin_memcpy(head, fallback->mac, sizeof fallback->mac);
	if (!(fallback->flags & FALLBACK_VLAN))
		return false;
	if (!ethernet_tagged(head))
		return true;
	ethernet_store(word, (uint16_t)((wire_u16(word) & ~ETHERNET_VID) | fallback->vlan));
	return false;
}
