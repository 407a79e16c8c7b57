#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# lint.sh: what reads the code without running it: checkpatch, sparse, W=1 with gcc and clang, shellcheck, licence lines,
# the call graph, what the library exports, and the lessons' quotes and links
#
# usage: scripts/lint.sh
#
# Prints what was found, and nothing of what is well; the status is 0 when nothing was found.
set -eu
. "$(dirname "$0")/lib.sh"

arguments 0 "$@"

"$top/scripts/setup.sh" build vm test kernel lint
kernel=$("$top/scripts/kernel.sh" 6.1)
clang_kernel=$("$top/scripts/kernel.sh" clang)
source=$("$top/scripts/kernel.sh" source)
build=$top/build/lint
tree=$build/tree
result=0
cd "$top"

# files PATTERN...: ours, as git has them or would have them
files()
{
	git ls-files --cached --others --exclude-standard -- "$@" | sort -u | while read -r file; do
		[ ! -f "$file" ] || echo "$file"
	done
}

# A tree that is only prepared has no Module.symvers
unresolved='undefined!$\|unresolved symbol warnings'

# quiet COMMAND...: of a build's output, what concerns our files
quiet()
{
	status=0
	"$@" >"$build/output" 2>&1 || status=$?
	if [ "$status" -ne 0 ]; then
		tail -n 40 "$build/output"
	else
		grep -E "^($tree/|[^/ ]+\.[ch]:|WARNING: modpost)" "$build/output" | grep -v "$unresolved" || :
	fi
}

licences()
{
	files | grep -vE '^(LICENSE|VERSION|scripts/debian/(copyright|source/format))$|\.md$' | while read -r file; do
		head -n 5 "$file" | grep -q 'SPDX-License-Identifier: GPL-2.0' || echo "$file: no SPDX-License-Identifier"
	done
}

scripts()
{
	files | while read -r file; do
		case $(head -n 1 "$file" | tr -d '\0') in
		'#!'*sh) echo "$file" ;;
		esac
	done | xargs shellcheck || :
}

checkpatch()
{
	xargs perl "$source/scripts/checkpatch.pl" --no-tree --strict --terse --no-summary --show-types "$@" -f || :
	rm -f .checkpatch-camelcase.*
}

# What the kernel's own code can do without, and ours cannot: compat.h is where versions are compared; trace.h
# looks as all of its kind do; programs have no
# BIT(), ARRAY_SIZE(), __printf() or dev_err(), have C11's _Atomic, and say more in their help than a line holds; tests
# define their cases with macros, as kselftest_harness.h does; and that glib's types are types it can't know
style()
{
	program=CAMELCASE,BIT_MACRO,ARRAY_SIZE,PREFER_DEFINED_ATTRIBUTE_MACRO,EMBEDDED_FUNCTION_NAME,SPLIT_STRING,MISSING_SPACE
	test=COMPLEX_MACRO,MULTISTATEMENT_MACRO_USE_DO_WHILE,MACRO_ARG_REUSE
	files 'modules/*.[ch]' ':!modules/*/compat.h' ':!modules/*/trace.h' | checkpatch
	files 'modules/*/compat.h' | checkpatch --ignore LINUX_VERSION_CODE,CONSTANT_COMPARISON
	files 'modules/*/trace.h' | checkpatch --ignore PARENTHESIS_ALIGNMENT,MACRO_ARG_REUSE
	files 'uapi/*.h' 'userspace/*.[ch]' 'docs/*.[ch]' | checkpatch --ignore "$program"
	files 'selftests/*.[ch]' | checkpatch --ignore "$program,$test"
	files 'scripts/*.[ch]' | checkpatch --ignore "$program,SPACING"
}

module()
{
	make -C "$1" M="$tree" clean >/dev/null 2>&1 || :
	kdir=$1
	shift
	quiet make -C "$kdir" M="$tree" W=1 "$@" modules
}

programs()
{
	make -s -C "$tree/userspace" clean >/dev/null
	quiet make -C "$tree/userspace" CC="$1" \
		CFLAGS='-O2 -Wall -Wextra -Wstrict-prototypes -Wmissing-prototypes -Werror' all
	quiet make -B -C "$tree/docs/exercises" CC="$1" OUTPUT="$build/exercises" \
		CFLAGS='-O2 -Wall -Wextra -Wstrict-prototypes -Wmissing-prototypes -Werror' all
	rm -rf "$build/selftests"
	mkdir "$build/selftests"
	quiet make -C "$tree/selftests" CC="$1" KSELFTEST="$source/tools/testing/selftests" \
		OUTPUT="$build/selftests" USERCFLAGS='-Wall -Werror' all
}

# Of what gcc has just built
graph()
{
	"$top/scripts/graph.sh" "$tree" || :
}

quotes()
{
	"$top/scripts/quote.sh" --check || :
}

# What happens in trace.h and is not told in docs/tracing.md
events()
{
	sed -nE 's/^(TRACE|DEFINE)_EVENT[A-Z_]*\((.*, )?(iodemo_[a-z_]*),$/\3/p' modules/iodemo/trace.h | while read -r event; do
		grep -q "^| .$event. |" docs/tracing.md || echo "docs/tracing.md: no $event"
	done
}

links()
{
	files '*.md' | xargs awk -f "$top/scripts/links.awk" | sort
}

exported()
{
	nm -D --defined-only "$library/libiodemo.so.1" | sed -n 's/.* [A-Z] \(iodemo_.*\)@@.*/\1/p'
}

listed()
{
	sed -n 's/^\t\(iodemo_.*\);/\1/p' "$library/libiodemo.map"
}

declared()
{
	sed -n '/^static/d; s/^[a-z].*[ *]\(iodemo_[a-z_]*\)(.*/\1/p' "$library"/*.h
}

described()
{
	sed -n 's/^\.Fn \(iodemo_[a-z_]*\).*/\1/p' userspace/man/*.3
}

# What the library exports is in its map, in a header and in a manual page
exports()
{
	library=$tree/userspace/lib
	exported | sort >"$build/exported"
	for place in listed declared described; do
		$place | sort -u | comm -23 "$build/exported" - | sed "s/\$/: libiodemo.so exports it, and it is not $place/"
	done
	{ listed; declared; } | sort -u | comm -13 "$build/exported" - | sed 's/$/: libiodemo.so does not export it/'
}

# look WHAT COMMAND...: the command prints what it found
look()
{
	what=$1
	shift
	"$@" >"$build/findings" 2>&1
	[ -s "$build/findings" ] || return 0
	result=1
	echo "--- $what"
	cat "$build/findings"
}

lock "$build/lock"
"$top/scripts/build.sh" "$kernel" "$build" none
look 'licence lines' licences
look 'shellcheck' scripts
look 'quotes' quotes
look 'events' events
look 'links' links
look 'checkpatch.pl --strict' style
look 'module: gcc W=1, sparse' module "$kernel/build" C=2
look 'programs, exercises and selftests: gcc' programs gcc
look 'call graph' graph
look 'what the library exports' exports
look 'module: clang W=1' module "$clang_kernel/build" CC=clang KBUILD_MODPOST_WARN=1
look 'programs, exercises and selftests: clang' programs clang
[ "$result" -ne 0 ] || echo 'lint: nothing found'
exit "$result"
