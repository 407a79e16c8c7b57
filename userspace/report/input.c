// SPDX-License-Identifier: GPL-2.0-only
/*
 * The files that a run has left
 */
#include <err.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "page.h"

static const char *folder;

const char *input_format(const char *format, ...)
{
	va_list arguments;
	char *text;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		err(1, NULL);
	va_end(arguments);
	return text;
}

void input_folder(const char *path)
{
	struct stat status;

	if (stat(path, &status))
		err(1, "%s", path);
	if (!S_ISDIR(status.st_mode))
		errx(1, "%s is not a folder; it should be what `make demo` leaves, as build/report",
		     path);
	folder = path;
}

const char *input_path(const char *name)
{
	return input_format("%s/%s", folder, name);
}

char *input_text(const char *name)
{
	const char *path = input_path(name);
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t size = 0;
	ssize_t length;

	if (!file && errno == ENOENT)
		return NULL;
	if (!file)
		err(1, "%s", path);
	errno = 0;
	length = getdelim(&text, &size, '\0', file);
	if (ferror(file))
		err(1, "%s", path);
	if (length <= 0)
		errx(1, "%s is empty", path);
	if (!text[length - 1])
		errx(1, "%s is not a text: byte %zd is 0", path, length - 1);
	fclose(file);
	return text;
}

const char *input_time(const char *name)
{
	struct stat status;
	char text[64];

	if (stat(input_path(name), &status))
		return NULL;
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M %Z", localtime(&status.st_mtime));
	return input_format("%s", text);
}
