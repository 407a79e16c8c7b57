#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# coverage.sh: which lines of the module the selftests run
#
# usage: [TESTS="multiplexing signal"] [LEAST=95] scripts/coverage.sh
#        scripts/coverage.sh --again     of the last run, without running the selftests
#
# Runs them on a kernel with gcov (scripts/kernel.sh gcov). The page is build/coverage/index.html; what no test has run is
# in build/coverage/uncovered, a line of code each. Prints a figure for each file, and the last line is that of all. The
# status is 0 when a test failed in no way and so much of a hundred lines was run.
set -eu
. "$(dirname "$0")/lib.sh"

again=
case ${1-} in
'') ;;
--again) again=yes ;;
-h | --help) usage ;;
*) usage 2 >&2 ;;
esac
[ $# -le 1 ] || usage 2 >&2

least=${LEAST:-95}
build=$top/build/gcov
objects=$build/tree/modules
page=$top/build/coverage
data=$page/data

# In the guest, when the tests are done: the counts are in files that have no length; those of the module's end are too
# shellcheck disable=SC2016
collect='modprobe -r iodemo
cd /sys/kernel/debug/gcov || exit
find . -name "*.gcda" | while read -r file; do
	mkdir -p "/report/${file%/*}" && cat "$file" >"/report/$file"
done'

# gather FOLDER: of one machine, lcov's record, from its counts beside what the compiler has left
gather()
{
	found=$(find "$1" -type d -path "*/modules" | head -n 1)
	[ -n "$found" ] || die "$1: holds no counts of a module's"
	find "$objects" -name '*.gcno' | while read -r notes; do
		cp "$notes" "$found/${notes#"$objects/"}"
	done
	lcov -q --capture --directory "$found" --output-file "$1.all" &&
		lcov -q --extract "$1.all" "$objects/*" --output-file "$1.info"
}

# Every machine's records together
join()
{
	set --
	for info in "$data"/*.info; do
		set -- "$@" -a "$info"
	done
	lcov -q "$@" --output-file "$page/iodemo.info"
}

draw()
{
	genhtml -q --prefix "$objects" --title iodemo --output-directory "$page" "$page/iodemo.info"
}

# Of lcov's record: what was run of each file, of all, and the lines that nobody has
figures()
{
	awk -v objects="$objects/" -v uncovered="$page/uncovered" -v least="$least" -F '[:,]' '
		/^SF:/ {
			path = substr($0, 4)
			file = substr(path, length(objects) + 1)
			number = 0
			while ((getline text <path) > 0)
				code[++number] = text
			close(path)
		}
		/^DA:/ {
			lines++
			if ($3 > 0)
				run++
			else
				print file ":" $2 ": " code[$2] >uncovered
		}
		/^end_of_record/ {
			printf "%-28s %4d of %4d lines %6.1f %%\n", file, run, lines, 100 * run / lines
			all += lines
			all_run += run
			lines = run = 0
		}
		END {
			printf "%-28s %4d of %4d lines %6.1f %%\n", "all", all_run, all, 100 * all_run / all
			exit 100 * all_run / all < least
		}' "$page/iodemo.info"
}

"$top/scripts/setup.sh" build coverage
status=0
if [ -z "$again" ]; then
	rm -rf "$page"
	mkdir -p "$data"
	KERNEL=gcov AFTER=$collect REPORT=$data "$top/scripts/check.sh" || status=1
fi
[ -d "$data" ] || die "$data: there was no run yet"
rm -f "$page/uncovered"
for folder in "$data"/*/; do
	step "reading the counts of ${folder#"$top/"}" gather "${folder%/}"
done
step "joining them" join
step "drawing $page/index.html" draw
figures || status=1
exit "$status"
