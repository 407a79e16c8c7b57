#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# graph.sh: which file calls which other one, of the module and of the programs; there must be no circle
#
# usage: scripts/graph.sh [--picture | --update] [TREE]
#
# Prints the circles, with the functions by which they close; the headers of ours with over 200 lines; and that
# docs/calls.md shows another picture than there is. The status is 0 when it found none. --picture prints the picture,
# topmost first, and --update puts it into docs/calls.md. TREE is a tree of links (see scripts/build.sh) in which the
# objects are; without, it is built. A call is what the linker has to resolve: functions and data of other files, but not
# what a table of pointers leads to.
set -eu
. "$(dirname "$0")/lib.sh"

header_max=200
page=docs/calls.md
begin='<!-- The call graph: scripts/graph.sh --update -->'
end='<!-- End of the call graph -->'

job=check
case ${1-} in
--picture | --update)
	job=${1#--}
	shift
	;;
-h | --help) usage ;;
esac
case $# in
0) tree='' ;;
1) tree=$1 ;;
*) usage 2 >&2 ;;
esac

# names FOLDER PATTERN: the symbols of all objects below it that have a source of ours beside them
names()
{
	cd "$tree/$1" || return
	# shellcheck disable=SC2046
	set -- $(find . -name '*.o' ! -name '*.mod.o' | sed 's|^\./||' | LC_ALL=C sort)
	for object; do
		[ ! -e "${object%.o}.c" ] || nm -A -P "$object"
	done
}

# The driver itself is the first module, and stands without its folder
graph()
{
	names "$1" | sed 's|^iodemo/||' | LC_ALL=C awk -v picture="${2-}" -f "$top/scripts/graph.awk"
}

picture()
{
	echo '```'
	echo '--- the module, and what each file calls'
	echo
	graph modules 1
	echo
	echo '--- the programs'
	echo
	graph userspace 1
	echo '```'
}

# The page with the picture that the standard input is
with_picture()
{
	awk -v begin="$begin" -v end="$end" '
		$0 == begin { print; while ((getline line <"-") > 0) print line; inside = 1 }
		$0 == end { inside = 0; found = 1 }
		!inside && $0 != begin { print }
		END { exit !found }' "$top/$page"
}

headers()
{
	find "$top/modules" "$top/userspace" "$top/selftests" -type f -name '*.h' | LC_ALL=C sort | while read -r file; do
		lines=$(wc -l <"$file")
		[ "$lines" -le $header_max ] || echo "${file#"$top"/}: $lines lines; a header has $header_max at most"
	done
}

check()
{
	graph modules || :
	graph userspace || :
	headers
	picture | with_picture >"$temporary/page" || echo "$page: no '$begin' and '$end'"
	cmp -s "$temporary/page" "$top/$page" ||
		echo "$page: its call graph is not that of the code; scripts/graph.sh --update"
}

temporary=$(mktemp -d "${TMPDIR:-/tmp}/iodemo.XXXXXX")
trap 'rm -rf "$temporary"' EXIT

if [ -z "$tree" ]; then
	"$top/scripts/setup.sh" vm
	kernel=$("$top/scripts/kernel.sh" 6.1)
	lock "$top/build/graph/lock"
	"$top/scripts/build.sh" "$kernel" "$top/build/graph" modules userspace
	tree=$top/build/graph/tree
fi
for part in modules userspace; do
	[ -n "$(names $part)" ] || die "$tree: there are no objects in $part"
done

case $job in
picture) picture ;;
update)
	picture | with_picture >"$temporary/page" || die "$page: no '$begin' and '$end'"
	cat "$temporary/page" >"$top/$page"
	;;
check)
	check >"$temporary/found"
	cat "$temporary/found"
	[ ! -s "$temporary/found" ]
	;;
esac
