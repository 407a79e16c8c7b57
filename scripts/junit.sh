#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# junit.sh: what run_kselftest.sh printed, as JUnit's XML
#
# usage: scripts/junit.sh FILE >FILE.xml
#
# FILE is KTAP as scripts/check.sh leaves it, or the log of a console, without what stands before a line. What is no
# printable ASCII is a question mark.
set -eu
. "$(dirname "$0")/lib.sh"

arguments 1 "$@"
[ -r "$1" ] || die "$1: no such file"

name=${1##*/}
LC_ALL=C tr -c '\t\n\r -~' '?' <"$1" |
	awk -v name="${name%.*}" -f "$top/scripts/ktap.awk" -f "$top/scripts/junit.awk"
