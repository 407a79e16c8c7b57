#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# quote.sh: quote the code where it is talked about, so that what is shown is what runs
#
# usage: scripts/quote.sh [-l] FILE NAME...
#        scripts/quote.sh --update | --check
#
# Prints the functions, structs, tables, macros or trace events NAME of the C file FILE, each with the comment right above
# it; NAME head is the comment at the head of FILE. -l prints the numbers of their first lines instead. FILE is relative
# to the top of the project.
#
# In docs/*.md a quote stands between the lines
#	<!-- Quoted by scripts/quote.sh --update: FILE NAME... -->
#	<!-- End of the quote -->
# --update renews them all, and --check prints what has drifted; its status is 0 when nothing has.
set -eu
. "$(dirname "$0")/lib.sh"

# The first and the last line of a quote; between the two, the page's
begin='<!-- Quoted by scripts/quote.sh --update: '
end='<!-- End of the quote -->'

# quote FILE NAME...: with a blank line between two
quote()
{
	file=$1
	shift
	[ -f "$top/$file" ] || die "$file: no such file${page:+; quoted in $page}"
	between=
	for name; do
		case $name in
		*[!A-Za-z0-9_]* | '') die "$file: '$name' is no name in C" ;;
		esac
		[ -z "$between" ] || echo
		awk -v name="$name" -v number="$number" -f "$top/scripts/quote.awk" "$top/$file" ||
			die "$file: defines no $name${page:+; quoted in $page}"
		[ -n "$number" ] || between=yes
	done
}

# The page on the standard input, with its quotes as they are now
renew()
{
	inside=
	while IFS= read -r line; do
		case $line in
		"$end")
			[ -n "$inside" ] || die "$page: '$end' without its beginning"
			inside=
			;;
		"$begin"*)
			[ -z "$inside" ] || die "$page: a quote begins within one; '$end' is missing"
			inside=yes
			printf '%s\n```c\n' "$line"
			what=${line#"$begin"}
			# shellcheck disable=SC2086
			quote ${what%-->}
			echo '```'
			;;
		esac
		case $inside$line in
		yes*) ;;
		*) printf '%s\n' "$line" ;;
		esac
	done
	[ -z "$inside" ] || die "$page: '$end' is missing"
}

renew_all()
{
	drifted=0
	for path in "$top"/docs/*.md; do
		page=docs/${path##*/}
		renew <"$path" >"$temporary"
		cmp -s "$temporary" "$path" && continue
		if [ "$1" = update ]; then
			cat "$temporary" >"$path"
		else
			drifted=1
			echo "$page: what it quotes has changed; scripts/quote.sh --update"
		fi
	done
	return $drifted
}

number=
page=
case ${1-} in
-h | --help) usage ;;
--update | --check)
	[ $# -eq 1 ] || usage 2 >&2
	temporary=$(mktemp "${TMPDIR:-/tmp}/iodemo.XXXXXX")
	trap 'rm -f "$temporary"' EXIT
	renew_all "${1#--}"
	exit
	;;
-l)
	number=1
	shift
	;;
-*) usage 2 >&2 ;;
esac
[ $# -ge 2 ] || usage 2 >&2
quote "$@"
