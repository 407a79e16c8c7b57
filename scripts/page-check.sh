#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# page-check.sh: look at the report in a browser, and give its generator broken files
#
# usage: [KERNEL=6.1] scripts/page-check.sh [FILE]
#
# FILE is the page, with what it was made of beside it (default: build/report/index.html). It is opened from the file in
# headless Chromium, as wide as a small phone, a phone and a desktop, in light and in dark, and printed. Pictures of
# that are left in the folder screenshots beside it, and what was printed in page.pdf there. The generator is the one
# that was built for the guest's kernel. The last line is "N passed, N failed, N skipped"; the status is 0 when none
# failed.
set -eu
. "$(dirname "$0")/lib.sh"

case ${1-} in
-h | --help) usage ;;
esac
[ $# -le 1 ] || usage 2 >&2
page=${1:-$top/build/report/index.html}
[ -s "$page" ] || die "$page: no such page; make demo writes it"
page=$(cd "$(dirname "$page")" && pwd)/${page##*/}
folder=${page%/*}
pictures=$folder/screenshots
kernel=${KERNEL:-6.1}

"$top/scripts/setup.sh" chromium-headless-shell
report=$(build_folder "$kernel" "$("$top/scripts/kernel.sh" "$kernel")")/tree/userspace/iodemo-report
[ -x "$report" ] || die "$report: not built; make demo builds it"
temporary=$(mktemp -d "${TMPDIR:-/tmp}/iodemo.XXXXXX")
trap 'rm -rf "$temporary"' EXIT

passed=0
failed=0
# answer LINE: count it
answer()
{
	echo "$1"
	case $1 in
	ok*) passed=$((passed + 1)) ;;
	*) failed=$((failed + 1)) ;;
	esac
}

# expect WHAT COMMAND...: the command is to succeed
expect()
{
	what=$1
	shift
	if "$@"; then
		answer "ok - $what"
	else
		answer "not ok - $what"
	fi
}

# The generator ------------------------------------------------------------------

# fresh: a copy of what the page was made of
fresh()
{
	rm -rf "$temporary/in"
	mkdir "$temporary/in"
	find "$folder" -maxdepth 1 -type f ! -name '*.dat' ! -name '*.html' -exec cp {} "$temporary/in" \;
}

generate()
{
	rm -f "$temporary/out.html"
	"$report" -o "$temporary/out.html" "$temporary/in" >"$temporary/output" 2>&1
}

# Status 1, and a message with the name of the file, and no page
refuses()
{
	status=0
	generate || status=$?
	[ "$status" -eq 1 ] && grep -q "$1" "$temporary/output" && [ ! -e "$temporary/out.html" ] && return
	echo "# status $status: $(cat "$temporary/output")"
	return 1
}

# A page that says so
says_missing()
{
	generate && grep -q "there is no <code>$1</code>" "$temporary/out.html"
}

has_targets()
{
	grep -o 'href="#[^"]*' "$temporary/out.html" | sed 's/.*#//' | while read -r target; do
		grep -qF "id=\"$target\"" "$temporary/out.html" || exit
	done
}

# Only make report makes the second
check_generator()
{
	for file in compare.json bench.json blocking.json blocking.svg async.svg code interrupts; do
		if [ ! -s "$folder/$file" ]; then
			[ "$file" = bench.json ] || answer "not ok - there is a $file"
			continue
		fi
		fresh
		head -c $(($(wc -c <"$folder/$file") / 2)) "$folder/$file" >"$temporary/in/$file"
		[ "$file" != code ] || echo 'no heading' >"$temporary/in/$file"
		[ "$file" != interrupts ] || echo '24: 1' >"$temporary/in/$file"
		expect "broken $file is refused, and named" refuses "$temporary/in/$file"
		: >"$temporary/in/$file"
		expect "empty $file is refused, and named" refuses "$temporary/in/$file is empty"
		rm "$temporary/in/$file"
		mkdir "$temporary/in/$file"
		expect "$file that is a folder is refused, and named" refuses "$temporary/in/$file: Is a directory"
	done
	for file in compare.json bench.json blocking.svg async.svg code interrupts kernel; do
		fresh
		rm -f "$temporary/in/$file"
		expect "without $file, the page says so" says_missing "$file"
	done

	fresh
	printf '{"runs": [\n{"model": "blocking", "api": "read"}], "interrupts": "200", "period_us": 1, "files": 1}' \
		>"$temporary/in/compare.json"
	expect "a figure that is none is named, with its line" refuses 'compare.json:1: no number "interrupts"'
	printf '[{"a": 1},\n {"b" 2}]' >"$temporary/in/compare.json"
	expect "wrong JSON is shown, with its line" refuses 'compare.json:2: : expected, before: 2}'
	printf '%0200d' 0 | tr 0 '[' >"$temporary/in/compare.json"
	expect "JSON without end is refused" refuses 'compare.json:1: less depth expected'
	rm -rf "$temporary/in"
	expect "a folder that is not there is named" refuses "$temporary/in: No such file or directory"
	mkdir "$temporary/in"
	expect "an empty folder gives a page" generate
	expect "its links lead somewhere" has_targets
	fresh
	echo '<script>alert("kernel")</script> & more' >"$temporary/in/kernel"
	rm -f "$temporary/in/bench.json"
	generate
	expect "what a file holds is text" grep -qF '&lt;script&gt;alert(&quot;kernel&quot;)&lt;/script&gt; &amp; more' \
		"$temporary/out.html"
}

# The page -----------------------------------------------------------------------

# A browser refuses root its sandbox
browse()
{
	# shellcheck disable=SC2046
	timeout 120 chromium-headless-shell $([ "$(id -u)" -ne 0 ] || echo --no-sandbox) --disable-gpu --hide-scrollbars \
		--user-data-dir="$temporary/profile" --enable-logging=stderr "$@" 2>"$temporary/browser"
}

# What the page itself wrote to the console
is_silent()
{
	! grep ':CONSOLE' "$temporary/browser"
}

scheme_of()
{
	[ "$1" = light ] || echo --blink-settings=preferredColorScheme=0
}

# look NAME WIDTH SCHEME
look()
{
	echo "# $1, $2 pixels wide, $3"
	# shellcheck disable=SC2046
	browse $(scheme_of "$3") --window-size="$2,900" --dump-dom "file://$temporary/page.html?width=$2&scheme=$3" \
		>"$temporary/dom" || :
	expect "the console is empty" is_silent
	sed -n '/^answers:$/,/^height/p' "$temporary/dom" >"$temporary/answers"
	expect "the page was looked at" grep -q '^height' "$temporary/answers"
	while read -r line; do
		case $line in
		ok* | 'not ok'*) answer "$line" ;;
		esac
	done <"$temporary/answers"
	height=$(sed -n 's/^height //p' "$temporary/answers")
	# shellcheck disable=SC2046
	browse $(scheme_of "$3") --window-size="$2,${height:-900}" --screenshot="$pictures/$1-$3.png" "file://$page" || :
	expect "there is a picture of it" [ -s "$pictures/$1-$3.png" ]
}

is_alone()
{
	! grep -nE '(src|href|action)="[^#]|@import|url\([^#]' "$page"
}

check_generator
expect "the page fetches nothing" is_alone
rm -rf "$pictures"
mkdir "$pictures"
{
	cat "$page"
	printf '<script>\n%s\n</script>\n' "$(cat "$top/scripts/page-check.js")"
} >"$temporary/page.html"
for scheme in light dark; do
	look small 320 "$scheme"
	look phone 375 "$scheme"
	look desktop 1280 "$scheme"
done
browse --no-pdf-header-footer --print-to-pdf="$pictures/page.pdf" "file://$page" || :
expect "it can be printed" grep -q '^%PDF' "$pictures/page.pdf"
echo "# pictures: $pictures"
echo
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
