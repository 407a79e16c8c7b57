#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# chart.sh: draw curves of iodemo-bench
#
# usage: scripts/chart.sh growth|service JSON SVG
#
# JSON is what iodemo-bench wrote, with that group: growth is how the cost of an interrupt and of epoll grow with the
# number of open files, service is interrupts against polling under load. SVG is the drawing, sized for a projector.
set -eu
. "$(dirname "$0")/lib.sh"

arguments 3 "$@"

# curve FIGURE NAME: of the figures FIGURE-N, N and the median, as one of gnuplot's data blocks
curve()
{
	points=$(sed -n "s/.*\"name\":\"$1-\([0-9]*\)\".*\"median\":\([0-9.]*\),.*/\1 \2/p" "$json")
	[ -n "$points" ] || die "$json has no figures $1-N, which are of the group $group"
	printf '$%s << END\n%s\nEND\n' "$2" "$points"
}

growth()
{
	curve interrupt-idle idle
	curve interrupt-asleep asleep
	curve epoll epoll
}

service()
{
	for way in interrupt unrested polling hybrid; do
		curve "service-$way-left" "LEFT_$way"
		curve "service-$way-read" "READ_$way"
		curve "service-$way-latency" "LATENCY_$way"
	done
}

group=$1 json=$2 svg=$3
case $group in
growth | service) ;;
*) die "$group: no such group of curves; there are growth and service" ;;
esac
"$top/scripts/setup.sh" chart
unit=$(sed -n '1s/.*"unit":"\([^"]*\)".*/\1/p' "$json")
kernel=$(sed -n '1s/.*"kernel":"\([^"]*\)".*/\1/p' "$json")
script=$(mktemp "${TMPDIR:-/tmp}/iodemo.XXXXXX")
trap 'rm -f "$script"' EXIT
{
	$group
	printf 'unit = "%s"\nkernel = "%s"\n' "$unit" "$kernel"
	cat "$top/scripts/$group.gnuplot"
} >"$script"
gnuplot "$script" | sed '1a <!-- SPDX-License-Identifier: GPL-2.0-only -->' >"$svg.new"
mv "$svg.new" "$svg"
