/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The line that replay prints for each packet. Written piece by piece, because printf
 * and a JSON library would cost more than the decision. Names need no escaping: the
 * policy's grammar leaves them nothing to escape.
 */
#include "replay_line.h"

#include "policy/prefix.h"

#include <string.h>

static char *put(char *at, const char *text)
{
	return stpcpy(at, text);
}

/* At least `digits` digits, with leading zeros. */
static char *put_number(char *at, uint64_t number, unsigned digits)
{
	char reversed[20];
	unsigned count = 0;

	while (number > 0 || count < digits) {
		reversed[count++] = (char)('0' + number % 10);
		number /= 10;
	}
	while (count > 0)
		*at++ = reversed[--count];
	return at;
}

/* The text in quotes, or null. */
static char *put_text(char *at, const char *text)
{
	if (!text)
		return put(at, "null");
	*at++ = '"';
	at = put(at, text);
	*at++ = '"';
	return at;
}

static char *put_source(char *at, const struct packet *packet)
{
	char text[PREFIX_TEXT];

	if (packet->kind != PACKET_IP4 && packet->kind != PACKET_IP6)
		return put(at, "null");
	address_print(packet->kind == PACKET_IP6, packet->source, text);
	return put_text(at, text);
}

static char *put_origin(char *at, const struct image *image, uint16_t origin)
{
	char text[3] = "";

	if (origin == ORIGIN_NONE || image->origins[origin].country[0] == '\0')
		return put(at, "null");
	memcpy(text, image->origins[origin].country, 2);
	return put_text(at, text);
}

size_t replay_line(const struct image *image, const struct replay_packet *said,
		   char line[REPLAY_LINE])
{
	const struct decision *decision = said->decision;
	char *at = line;

	at = put(at, "{\"packet\":");
	at = put_number(at, said->number, 1);
	at = put(at, ",\"time\":");
	at = put_number(at, said->time_ns / 1000000000, 1);
	*at++ = '.';
	at = put_number(at, said->time_ns % 1000000000, 9);
	at = put(at, ",\"source\":");
	at = put_source(at, said->packet);
	at = put(at, ",\"service\":");
	at = put_text(at, image_service_name(image, decision->service));
	at = put(at, ",\"origin\":");
	at = put_origin(at, image, decision->origin);
	at = put(at, ",\"rule\":");
	at = put_text(at, image_rule_name(image, decision->rule));
	at = put(at, ",\"verdict\":");
	at = put_text(at, verdict_word(decision->verdict));
	at = put(at, ",\"reason\":");
	at = put_text(at, reason_word(decision->reason));
	at = put(at, "}\n");
	return (size_t)(at - line);
}
