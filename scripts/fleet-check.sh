#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# fleet-check.sh: see that what "make fleet" leaves boots as its LAVA job says, and that the job reads all results
#
# usage: [KERNEL=6.1] [TESTS="blocking mode"] scripts/fleet-check.sh
#
# The machine is qemu as a LAVA dispatcher starts it. LAVA's own schema judges the job where Debian has lava-common, and
# else that is skipped. The last line is "N passed, N failed, N skipped", of checks.
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/cases.sh"

arguments 0 "$@"
kernel=${KERNEL:-6.1}
export TESTS="${TESTS-blocking mode starved bpftrace.sh}"
"$top/scripts/setup.sh" yaml
folder=$("$top/scripts/kernel.sh" "$kernel")
build=$(build_folder "$kernel" "$folder")
fleet=$top/build/fleet-${build##*/}
console=$build/log.fleet
cases_said=$console

# job WHAT [FILE]: the job, read as LAVA reads it. "form" is its form, judged by LAVA's schema; "qemu" the arguments for
# qemu, one a line; "results" what the monitor finds in FILE, "result case" a line
job()
{
	/usr/bin/python3 - "$fleet/lava.yaml" "$@" <<-'END'
		import re, shlex, sys, yaml

		job = yaml.safe_load(open(sys.argv[1]))
		actions = {key: action[key] for action in job['actions'] for key in action}

		def form():
		    import lava_common.schemas
		    lava_common.schemas.validate(job)
		    lava_common.schemas.extra_checks(job)

		def qemu():
		    for name, image in actions['deploy']['images'].items():
		        path = image['url'].removeprefix('file://')
		        for word in shlex.split(image['image_arg'].replace('{' + name + '}', path)):
		            print(word)

		def results():
		    monitor = actions['test']['monitors'][0]
		    text = open(sys.argv[3], newline='', errors='replace').read()
		    begin = re.search(monitor['start'], text).end()
		    end = begin + re.search(monitor['end'], text[begin:]).start()
		    for match in re.finditer(re.compile(monitor['pattern'], re.DOTALL), text[begin:end]):
		        print(monitor['fixupdict'][match['result']], match['test_case_id'])

		globals()[sys.argv[2]]()
	END
}

# Only what a dispatcher gives to qemu besides: no second port, no device
boot()
{
	job qemu >"$build/fleet.arguments"
	set --
	while IFS= read -r word; do
		set -- "$@" "$word"
	done <"$build/fleet.arguments"
	timeout -k 5 "${LIMIT:-900}" qemu-system-x86_64 -cpu max,la57=off,cx16=off -m 1G -nographic -net none -monitor none "$@" \
		>"$console" 2>&1
}

# What is counted of the console, as the monitor should have it: each case, and each program
expected()
{
	"$top/scripts/junit.sh" "$console" >"$build/fleet.xml"
	awk -F '"' '
		/<testcase/ { name = $2 == "iodemo." $4 ? "" : $4 }
		name == "" { next }
		/<testcase.*\/>/ { print "pass", name }
		/<skipped/ { print "skip", name }
		/<failure/ { print "fail", name }' "$build/fleet.xml"
	tr -d '\r' <"$console" | sed -n '/# SKIP/d; s/^ok [0-9]* selftests: iodemo: \([^ ]*\).*/pass \1/p;
		s/^not ok [0-9]* selftests: iodemo: \([^ ]*\).*/fail \1/p'
}

step 'making what a fleet needs' env KERNEL="$kernel" "$top/scripts/fleet.sh"
check 'the files are there' 'bzImage initramfs.cpio.gz kselftest.tar.xz lava.yaml modules.tar.xz' \
	"$(cd "$fleet" && echo *)"
check 'the archives hold a module and the tests' 'lib/modules opt/kselftest/run_kselftest.sh' \
	"$(tar -tf "$fleet/modules.tar.xz" | grep '/iodemo\.ko$' | grep -o '^lib/modules') $(tar -tf "$fleet/kselftest.tar.xz" |
		grep '/run_kselftest.sh$')"
if /usr/bin/python3 -c 'import lava_common' 2>/dev/null || ("$top/scripts/setup.sh" lava) >/dev/null 2>&1; then
	check 'the job has the form that LAVA wants' '' "$(job form 2>&1)"
else
	skip 'the job has the form that LAVA wants' "this Debian has no lava-common"
fi

status=0
step 'booting it' boot || status=$?
check 'the machine ends by itself' 0 "$status"
tr -d '\r' <"$console" >"$build/fleet.log"
check 'the tests have run, and none failed' "$(echo "$TESTS" | wc -w) 0" \
	"$(grep -cE '^(not )?ok [0-9]+ selftests: iodemo: ' "$build/fleet.log") $(grep -cE '^(# )?not ok ' "$build/fleet.log")"
check "the kernel's log is there, and has no report" '0 1' \
	"$("$top/scripts/klog.sh" "$build/fleet.log" >"$build/reports" && echo 0) $(grep -c 'guest: exit status 0$' "$build/fleet.log")"
expected | sort >"$build/fleet.expected"
check 'the job reads each result' "$(cat "$build/fleet.expected")" "$(job results "$console" | sort)"

# And as it would read others
printf 'TAP version 13\r\n# # bad: failed at step #3\r\r\n# not ok 3 poll.bad\r\nnot ok 1 selftests: iodemo: poll # exit=1\r\r\n%s' \
	'guest: exit status 0' >"$build/fleet.odd"
check 'it reads a failure' 'fail poll.bad
fail poll' "$(job results "$build/fleet.odd")"
verdict
