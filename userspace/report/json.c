// SPDX-License-Identifier: GPL-2.0-only
/*
 * A reader of JSON, which says where a file is broken
 */
#include <err.h>
#include <math.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>

#include "page.h"

#define DEPTH_MAX	16	/* ours has three */

/* Where the reader is. */
struct place {
	const char *file;
	const char *at;
	unsigned int line;
	unsigned int depth;
};

static noreturn void broken(const struct place *place, const char *wanted)
{
	if (*place->at)
		errx(1, "%s:%u: %s expected, before: %.20s", place->file, place->line, wanted,
		     place->at);
	errx(1, "%s:%u: %s expected, and the file ends", place->file, place->line, wanted);
}

static void skip_blanks(struct place *place)
{
	for (; *place->at && strchr(" \t\r\n", *place->at); place->at++)
		place->line += *place->at == '\n';
}

/* Is this character next? Then past it. */
static bool comes(struct place *place, char character)
{
	skip_blanks(place);
	if (*place->at != character)
		return false;
	place->at++;
	return true;
}

static bool comes_word(struct place *place, const char *word)
{
	size_t length = strlen(word);

	if (strncmp(place->at, word, length))
		return false;
	place->at += length;
	return true;
}

/* One of the two-character escapes, or four hexadecimal digits of what is no surrogate. */
static void read_escape(struct place *place, FILE *text)
{
	static const char names[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
	const char *name = *place->at ? strchr(names, *place->at) : NULL;
	unsigned int code;
	int length = 0;

	if (name) {
		putc(meanings[name - names], text);
		place->at++;
		return;
	}
	if (sscanf(place->at, "u%4x%n", &code, &length) != 1 || length != 5 || !code ||
	    (code >= 0xd800 && code < 0xe000))
		broken(place, "an escaped character");
	if (code < 0x80) {
		putc(code, text);
	} else {
		if (code < 0x800)
			putc(0xc0 | code >> 6, text);
		else
			fprintf(text, "%c%c", 0xe0 | code >> 12, 0x80 | (code >> 6 & 0x3f));
		putc(0x80 | (code & 0x3f), text);
	}
	place->at += length;
}

static const char *read_string(struct place *place)
{
	char *string;
	size_t size;
	FILE *text;

	if (!comes(place, '"'))
		broken(place, "\"");
	text = open_memstream(&string, &size);
	if (!text)
		err(1, NULL);
	while (*place->at != '"') {
		if ((unsigned char)*place->at < ' ')
			broken(place, "\"");
		if (*place->at++ == '\\')
			read_escape(place, text);
		else
			putc(place->at[-1], text);
	}
	place->at++;
	if (fclose(text))
		err(1, NULL);
	return string;
}

/* strtod() alone would take hexadecimal numbers, infinity and a sign. */
static double read_number(struct place *place)
{
	size_t length = strspn(place->at, "+-.0123456789eE");
	double number;
	char *end;

	number = strtod(place->at, &end);
	if (!length || *place->at == '+' || end != place->at + length || !isfinite(number))
		broken(place, "a value");
	place->at = end;
	return number;
}

static struct json *read_value(struct place *place);

static struct json *read_members(struct place *place, char end, bool keys)
{
	struct json *first = NULL, **last = &first;
	const char *key = NULL;

	if (++place->depth > DEPTH_MAX)
		broken(place, "less depth");
	if (comes(place, end)) {
		place->depth--;
		return NULL;
	}
	do {
		if (keys) {
			key = read_string(place);
			if (!comes(place, ':'))
				broken(place, ":");
		}
		*last = read_value(place);
		(*last)->key = key;
		last = &(*last)->next;
	} while (comes(place, ','));
	if (!comes(place, end))
		broken(place, end == '}' ? ", or }" : ", or ]");
	place->depth--;
	return first;
}

static struct json *read_value(struct place *place)
{
	struct json *value = calloc(1, sizeof(*value));

	if (!value)
		err(1, NULL);
	skip_blanks(place);
	value->file = place->file;
	value->line = place->line;
	if (*place->at == '"') {
		value->type = JSON_STRING;
		value->text = read_string(place);
	} else if (comes(place, '{')) {
		value->type = JSON_OBJECT;
		value->first = read_members(place, '}', true);
	} else if (comes(place, '[')) {
		value->type = JSON_ARRAY;
		value->first = read_members(place, ']', false);
	} else if (comes_word(place, "true")) {
		value->type = JSON_BOOL;
		value->number = 1;
	} else if (comes_word(place, "false")) {
		value->type = JSON_BOOL;
	} else if (!comes_word(place, "null")) {
		value->type = JSON_NUMBER;
		value->number = read_number(place);
	}
	return value;
}

struct json *json_read(const char *name)
{
	struct place place = { .file = input_path(name), .at = input_text(name), .line = 1 };
	struct json *first = NULL, **last = &first;

	if (!place.at)
		return NULL;
	do {
		*last = read_value(&place);
		last = &(*last)->next;
		skip_blanks(&place);
	} while (*place.at);
	return first;
}

const struct json *json_member(const struct json *object, const char *key)
{
	const struct json *member;

	if (object->type != JSON_OBJECT)
		errx(1, "%s:%u: an object expected", object->file, object->line);
	for (member = object->first; member; member = member->next)
		if (!strcmp(member->key, key))
			return member;
	return NULL;
}

static const struct json *need(const struct json *object, const char *key, enum json_type type,
			       const char *name)
{
	const struct json *member = json_member(object, key);

	if (!member || (member->type != type && member->type != JSON_NULL))
		errx(1, "%s:%u: no %s \"%s\"", object->file, object->line, name, key);
	return member;
}

double json_number(const struct json *object, const char *key)
{
	const struct json *member = need(object, key, JSON_NUMBER, "number");

	return member->type == JSON_NULL ? NAN : member->number;
}

bool json_bool(const struct json *object, const char *key)
{
	return need(object, key, JSON_BOOL, "true or false")->number;
}

const char *json_text(const struct json *object, const char *key)
{
	return need(object, key, JSON_STRING, "string")->text ?: "";
}

const struct json *json_array(const struct json *object, const char *key)
{
	return need(object, key, JSON_ARRAY, "array")->first;
}

void json_pair(const struct json *array, double *first, double *second)
{
	const struct json *one = array->type == JSON_ARRAY ? array->first : NULL;
	const struct json *two = one ? one->next : NULL;

	if (!two || one->type != JSON_NUMBER || two->type != JSON_NUMBER)
		errx(1, "%s:%u: two numbers expected", array->file, array->line);
	*first = one->number;
	*second = two->number;
}
