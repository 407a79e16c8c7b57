# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# What the scripts share that are cases, each a line "ok WHAT" or "not ok WHAT"; sourced, never run. Whoever sources it
# may have a file named in $cases_said, whose end is shown with a failure.

passed=0
failed=0
skipped=0
cases_said=/dev/null

# check WHAT EXPECTED FOUND
check()
{
	if [ "$2" = "$3" ]; then
		echo "ok $1"
		passed=$((passed + 1))
		return
	fi
	printf 'not ok %s; expected:\n%s\nfound:\n%s\n' "$1" "$2" "$3"
	tail -n 20 "$cases_said" 2>/dev/null | sed 's/^/# /'
	failed=$((failed + 1))
}

# skip WHAT WHY
skip()
{
	echo "ok $1 # SKIP $2"
	skipped=$((skipped + 1))
}

# The last line, and the script's status
verdict()
{
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" -eq 0 ]
}
