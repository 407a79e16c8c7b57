// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the macros of trace.h make of it, in one place
 */

#include "client.h"

#define CREATE_TRACE_POINTS
#include "trace.h"
