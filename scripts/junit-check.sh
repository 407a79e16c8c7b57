#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# junit-check.sh: see that KTAP of any kind is counted as it should be, and becomes good XML
#
# usage: scripts/junit-check.sh
#
# It takes some seconds. The last line is "N passed, N failed, N skipped", of checks.
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/cases.sh"

arguments 0 "$@"
"$top/scripts/setup.sh" xml
temporary=$(mktemp -d "${TMPDIR:-/tmp}/iodemo.XXXXXX")
trap 'rm -rf "$temporary"' EXIT
tap=$temporary/check.tap
xml=$temporary/check.xml

cat >"$temporary/junit.dtd" <<'END'
<!ELEMENT testsuites (testsuite+)>
<!ATTLIST testsuites name CDATA #REQUIRED tests CDATA #REQUIRED failures CDATA #REQUIRED errors CDATA #REQUIRED
	skipped CDATA #REQUIRED>
<!ELEMENT testsuite (testcase+)>
<!ATTLIST testsuite name CDATA #REQUIRED tests CDATA #REQUIRED failures CDATA #REQUIRED errors CDATA #REQUIRED
	skipped CDATA #REQUIRED>
<!ELEMENT testcase (failure | skipped)?>
<!ATTLIST testcase classname CDATA #REQUIRED name CDATA #REQUIRED>
<!ELEMENT failure (#PCDATA)>
<!ATTLIST failure message CDATA #REQUIRED>
<!ELEMENT skipped EMPTY>
<!ATTLIST skipped message CDATA #REQUIRED>
END

# given WHAT COUNTS: KTAP on stdin; its XML has the form, and the counts
given()
{
	cat >"$tap"
	"$top/scripts/junit.sh" "$tap" >"$xml"
	check "$1: the form" '' "$(xmllint --noout --dtdvalid "$temporary/junit.dtd" "$xml" 2>&1)"
	check "$1: the count" "$2 passed, $3 failed, $4 skipped" \
		"$(awk -f "$top/scripts/ktap.awk" -f "$top/scripts/count.awk" "$tap" | tail -n 1)"
	check "$1: the same in XML" "$(($2 + $3 + $4)) $3 $4" "$(value 'concat(count(//testcase), " ", count(//failure), " ", count(//skipped))')"
	check "$1: its sums" "$(value 'concat(/*/@tests, " ", /*/@failures, " ", /*/@skipped)')" \
		"$(value 'concat(sum(//testsuite/@tests), " ", sum(//testsuite/@failures), " ", sum(//testsuite/@skipped))')"
}

# value XPATH
value()
{
	xmllint --xpath "$1" "$xml" 2>/dev/null
}

given 'all kinds' 1 1 1 <<'END'
TAP version 13
1..1
# selftests: iodemo: poll
# TAP version 13
# 1..3
# #  RUN           poll.well ...
# #            OK  poll.well
# ok 1 poll.well
# #  RUN           poll.old ...
# #      SKIP      this kernel is too old
# ok 2 # SKIP this kernel is too old
# #  RUN           poll.bad ...
# # poll.c:12:bad:Expected 1 (1) == 2 (2)
# # bad: Test failed at step #3
# not ok 3 poll.bad
not ok 1 selftests: iodemo: poll # exit=1
END
check 'a case has its name' 'poll.well' "$(value 'string(//testcase[not(*)]/@name)')"
check 'a skipped one has it from the line before' 'poll.old: this kernel is too old' \
	"$(value 'concat(//testcase[skipped]/@name, ": ", //skipped/@message)')"
check 'a failed one has what was said' '#  RUN           poll.bad ...
# poll.c:12:bad:Expected 1 (1) == 2 (2)
# bad: Test failed at step #3
not ok 3 poll.bad' "$(value 'string(//testcase[@name="poll.bad"]/failure)')"

given 'odd letters' 0 1 0 <<END
# selftests: iodemo: text
# 1..1
# a <b> & "c" 'd' ]]> $(printf '\033[1m\001\303\244\377')
# not ok 1 <is> & "was" \\1 \\&
not ok 1 selftests: iodemo: text # exit=1
END
check 'as they were, or question marks' 'a <b> & "c" '\''d'\'' ]]> ?[1m????
not ok 1 <is> & "was" \1 \&' "$(value 'string(//failure)' | grep -v '^1\.\.')"
check 'in a name too' '<is> & "was" \1 \&' "$(value 'string(//testcase/@name)')"

given 'a program that skips' 0 0 1 <<'END'
1..1
# selftests: iodemo: bpftrace.sh
# TAP version 13
# 1..0 # SKIP no bpftrace here
ok 1 selftests: iodemo: bpftrace.sh # SKIP
END
check 'says why' 'bpftrace.sh: no bpftrace here' "$(value 'concat(//testcase/@name, ": ", //skipped/@message)')"

given 'a machine that died' 1 3 0 <<'END'
TAP version 13
1..2
# selftests: iodemo: ring
# 1..2
# ok 1 ring.one
# #  RUN           ring.two ...
# BUG: kernel NULL pointer dereference
# failed: machine: the machine ended before the tests did
END
check 'is a failure of its own, with what the kernel said' \
	'the machine ended before the tests did
BUG: kernel NULL pointer dereference' \
	"$(value 'string(//testsuite[@name="iodemo.machine"]//failure/@message)'
		value 'string(//testsuite[@name="iodemo.machine"]//failure)' | grep BUG)"
check 'and one of the program, and of the run' \
	'did not finish; of 2 programs, 0 finished' \
	"$(value 'concat(//testsuite[@name="iodemo.ring"]//failure/@message, "; ",
		//testsuite[@name="iodemo.run_kselftest.sh"]//failure/@message)')"

given 'plans that are not kept' 2 4 0 <<'END'
TAP version 13
1..3
# selftests: iodemo: one
# ok 1 one.a
ok 1 selftests: iodemo: one
# selftests: iodemo: two
# 1..2
# ok 1 two.a
ok 2 selftests: iodemo: two
# selftests: iodemo: three
# 1..0
not ok 3 selftests: iodemo: three # TIMEOUT 900 seconds
TAP version 13
1..1
END
given 'the same twice' 2 0 0 <<'END'
1..1
# selftests: iodemo: one
# 1..2
# ok 1 one.a
# ok 2 one.a
ok 1 selftests: iodemo: one
END
check 'has two names' 'one.a; one.a (2)' "$(value 'concat(//testcase[1]/@name, "; ", //testcase[2]/@name)')"

given 'nothing' 0 1 0 </dev/null
check 'is a failure' 'no test ran' "$(value 'string(//failure/@message)')"
verdict
