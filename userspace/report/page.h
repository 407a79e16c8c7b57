/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The report's page: what goes into it, and what its sections are made of
 *
 * Functions that meet an error say so, with the name of the file, and end the
 * program; the page comes out whole or not at all. Memory is given back at the
 * end of the program.
 */
#ifndef PAGE_H
#define PAGE_H

#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#define ARRAY_LENGTH(array)	(sizeof(array) / sizeof((array)[0]))

/* The files of the folder (input.c) */

/* Where they are; ends the program if that is no folder. */
void input_folder(const char *path);

/* The folder's name and the file's, for messages. */
const char *input_path(const char *name);

/* The text of a file; NULL if there is no such file. */
char *input_text(const char *name);

/* When it was written, for people; NULL if there is no such file. */
const char *input_time(const char *name);

/* What is printed with this format, to keep. */
const char *input_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* JSON (json.c) */

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

/* A value, in a list of its neighbours. */
struct json {
	enum json_type type;
	const char *file;
	unsigned int line;
	const char *key;		/* in an object */
	const char *text;		/* of a string */
	double number;			/* and true is 1 */
	struct json *first;		/* in the array or object */
	struct json *next;
};

/* The values of a file, one after the other; NULL if there is no such file. */
struct json *json_read(const char *name);

/* An object's member; NULL if it has none. */
const struct json *json_member(const struct json *object, const char *key);

/*
 * Members that have to be there. What was never measured is null: a number is
 * then NAN, a string empty, a bool false, an array without items.
 */
double json_number(const struct json *object, const char *key);
bool json_bool(const struct json *object, const char *key);
const char *json_text(const struct json *object, const char *key);

/* The first item of an array; NULL if it is empty. */
const struct json *json_array(const struct json *object, const char *key);

/* An array of two numbers. */
void json_pair(const struct json *array, double *first, double *second);

/* Markup (html.c) */

/* Begin the page, and write what it has become. */
void html_begin(void);
void html_end(FILE *output);

/* What is given as %s is ours, or went through html_escape(). */
void html(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A text with what HTML takes for markup written so that it doesn't. */
const char *html_escape(const char *text);

/* The page's style and script (iodemo-report.c). */
extern const char page_style[], page_script[];

/* A section begins, and says in a sentence what to look at. */
void html_section(const char *id, const char *title, const char *look);

/* What can't be shown, and what makes it. */
void html_missing(const char *file, const char *command);

/* A table that is wider than the page scrolls in itself. */
void html_table(const char *caption);
void html_table_end(void);

/* Of code.c: reads it, and shows where the code is that made a model's figure. */
void code_read(void);
void code_links(const char *model);

/* The sections */

void section_machine(void);	/* machine.c */
void section_interrupts(void);
void section_figures(void);	/* figures.c */
void section_code(void);		/* code.c */
void section_compare(void);	/* compare.c */
void section_bench(void);	/* bench.c */

#endif /* PAGE_H */
