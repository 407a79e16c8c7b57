#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# chart.sh: draw how the cost of an interrupt and of epoll grow with the number of open files
#
# usage: scripts/chart.sh JSON SVG
#
# JSON is what iodemo-bench wrote, with the group growth; SVG is the drawing, sized for a projector.
set -eu
. "$(dirname "$0")/lib.sh"

arguments 2 "$@"

# curve NAME: of the figures NAME-N, N and the median, as one of gnuplot's data blocks
curve()
{
	points=$(sed -n "s/.*\"name\":\"$1-\([0-9]*\)\".*\"median\":\([0-9.]*\),.*/\1 \2/p" "$json")
	[ -n "$points" ] || die "$json has no figures $1-N, which are of the group growth"
	printf '$%s << END\n%s\nEND\n' "$2" "$points"
}

json=$1
"$top/scripts/setup.sh" chart
unit=$(sed -n '1s/.*"unit":"\([^"]*\)".*/\1/p' "$json")
kernel=$(sed -n '1s/.*"kernel":"\([^"]*\)".*/\1/p' "$json")
script=$(mktemp "${TMPDIR:-/tmp}/iodemo.XXXXXX")
trap 'rm -f "$script"' EXIT
{
	curve interrupt-idle idle
	curve interrupt-asleep asleep
	curve epoll epoll
	printf 'unit = "%s"\nkernel = "%s"\n' "$unit" "$kernel"
	cat "$top/scripts/growth.gnuplot"
} >"$script"
gnuplot "$script" >"$2.new"
mv "$2.new" "$2"
