#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# exercise.sh: has an exercise of docs/exercises been solved?
#
# usage: [KERNEL=6.1] scripts/exercise.sh [NAME]
#
# NAME is blocking, nonblocking, multiplexing, signal or async. Builds docs/exercises/NAME.c, and runs it in the virtual
# machine, watched by docs/exercises/check.c, which prints the verdict; the status is 0 when it is right.
#
# Without NAME the exercises themselves are put to the test, as they are in a fresh checkout: none may be right already,
# and each one's solution has to be. The last line is "N passed, N failed, N skipped".
set -eu
. "$(dirname "$0")/lib.sh"

case ${1-} in
-h | --help) usage ;;
-*) usage 2 >&2 ;;
esac
[ $# -le 1 ] || usage 2 >&2

all='blocking nonblocking multiplexing signal async'
name=${1-}
if [ -n "$name" ]; then
	case " $all " in
	*" $name "*) ;;
	*) die "$name: no exercise; there are: $all" ;;
	esac
fi
EXERCISES=${name:-$all}
export EXERCISES

one()
{
	cat <<-END
		modprobe iodemo period_us=0
		/opt/exercises/check $name /opt/exercises/$name
	END
}

every()
{
	cat <<-END
		modprobe iodemo period_us=0
		cd /opt/exercises
		passed=0
		failed=0
		expect()
		{
			./check "\$2" "\$3"
			status=\$?
			if [ \$status -eq "\$1" ]; then
				passed=\$((passed + 1))
			else
				failed=\$((failed + 1))
				echo "# failed: check \$2 \$3 ended with \$status, and not with \$1"
			fi
		}
		for name in $all; do
			expect 1 \$name \$name
			expect 0 \$name solutions/\$name
		done
		echo "\$passed passed, \$failed failed, 0 skipped"
		[ \$failed -eq 0 ]
	END
}

exec "$top/scripts/vm.sh" -k "${KERNEL:-6.1}" -p 'modules exercises' -t 200 run "$(if [ -n "$name" ]; then one; else every; fi)"
