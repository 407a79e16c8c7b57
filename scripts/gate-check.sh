#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# gate-check.sh: see that .ci/run runs all its lanes, counts them, tells what failed, and ends with the status that says so
#
# usage: scripts/gate-check.sh
#
# The lanes are stubs, so it takes some seconds. The last line is "N passed, N failed, N skipped", of checks.
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/cases.sh"

arguments 0 "$@"
temporary=$(mktemp -d "${TMPDIR:-/tmp}/iodemo.XXXXXX")
trap 'rm -rf "$temporary"' EXIT
gate=$temporary/gate
left=$temporary/left
mkdir -p "$gate/.ci" "$gate/scripts" "$left"
cp "$top/.ci/run" "$top/.ci/queue" "$gate/.ci"
cases_said=$temporary/said

# Each lane has two cases. $WRONG is the command of one that goes wrong, and $HOW is what it does.
cat >"$gate/make" <<'END'
#!/bin/sh
lane="${0##*/}${*:+ }$*"
echo "$lane" >>"$RAN"
if [ "$lane" = "$WRONG" ]; then
	eval "$HOW"
fi
echo '2 passed, 0 failed, 0 skipped'
END
chmod 755 "$gate/make"
grep -o 'scripts/[a-z-]*\.sh' "$gate/.ci/run" | while read -r script; do
	ln -f "$gate/make" "$gate/$script"
done
ones=$(grep -c '^[[:blank:]]*one ' "$gate/.ci/run")
lanes=$((ones + $(grep -c '^[[:blank:]]*cases ' "$gate/.ci/run")))
all=$((2 * lanes - ones))

# given WRONG HOW: leaves $status, and what the gate said
given()
{
	: >"$temporary/ran"
	status=0
	RAN=$temporary/ran WRONG=$1 HOW=$2 TMPDIR=$left PATH=$gate:$PATH timeout 120 "$gate/.ci/run" \
		>"$temporary/said" 2>&1 </dev/null || status=$?
}

# found: the status and the last line; and whether a line of the lane that failed stands in what is told once more
found()
{
	echo "$status $(tail -n 1 "$temporary/said")"
	sed '1,/^=== failed: /d' "$temporary/said" | grep -c '^not ok wrong$' || :
}

given '' ''
check 'all is well' "0 $all passed, 0 failed" "$status $(tail -n 1 "$temporary/said")"
check '... every lane has run' "$lanes" "$(wc -l <"$temporary/ran")"
check '... and nothing is left' '' "$(ls "$left")"
given 'make check' 'echo "not ok wrong"; echo "1 passed, 1 failed, 0 skipped"; exit 1'
check 'the first lane has a failed case' "1 $((all - 1)) passed, 1 failed
1" "$(found)"
check '... and the others have run' "$lanes" "$(wc -l <"$temporary/ran")"
given 'make stress MINUTES=1' 'echo "not ok wrong"; kill $$'
check 'a lane dies' "1 $((all - 2)) passed, 1 failed
1" "$(found)"
given 'make lint' 'echo "not ok wrong"; exit 1'
check 'a lane of the second queue has a failure' "1 $((all - 1)) passed, 1 failed
1" "$(found)"

# A lane of each queue says that it has begun, and when it is ended
mkfifo "$temporary/began" "$temporary/ended"
cat >"$gate/make" <<'END'
#!/bin/sh
trap 'echo ended >"$ENDED"; exit 1' TERM
echo "$*" >"$BEGAN"
sleep 60 &
wait
END
BEGAN=$temporary/began ENDED=$temporary/ended TMPDIR=$left PATH=$gate:$PATH "$gate/.ci/run" >/dev/null 2>&1 &
run=$!
exec 3<>"$temporary/began" 4<>"$temporary/ended"
check 'the queues begin beside each other' 'check
lint' "$(timeout 60 head -n 2 <&3 | sort)"
kill "$run"
check '... and who ends the gate ends both' 'ended
ended' "$(timeout 60 head -n 2 <&4)"
wait "$run" || :
check '... and nothing is left' '' "$(ls "$left")"
verdict
