/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The source that is built in: whichever it is, main.c makes it and its devices
 */
#ifndef _IODEMO_BUILTIN_H
#define _IODEMO_BUILTIN_H

int iodemo_builtin_init(void);
void iodemo_builtin_exit(void);

#endif /* _IODEMO_BUILTIN_H */
