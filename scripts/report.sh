#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# report.sh: show the demo in the virtual machine, measure, and write the report of it
#
# usage: [KERNEL=6.1] scripts/report.sh [demo] [bench]
#
# With demo, the five demos and their comparison run in the guest and are recorded in build/report. With bench, what the
# device costs is measured too (see scripts/bench.sh), which takes some minutes. Then, and without either from what is
# there, build/report/index.html is written: with the last benchmark of this kernel, if there is one. The last line is
# the page's path. The status is that of the first that failed; the page is written all the same.
set -eu
. "$(dirname "$0")/lib.sh"

kernel=${KERNEL:-6.1}
report=$top/build/report
demo=
bench=
for step; do
	case $step in
	-h | --help) usage ;;
	demo) demo=yes ;;
	bench) bench=yes ;;
	*) usage 2 >&2 ;;
	esac
done

status=0
failed()
{
	[ "$status" -ne 0 ] || status=$1
}

# quote MODEL FILE FUNCTION TEXT: the function, and which of its lines, the first with that text, the figure shows at work
quote()
{
	first=$("$top/scripts/quote.sh" -l "$2" "$3")
	source=$("$top/scripts/quote.sh" "$2" "$3")
	line=$(printf '%s\n' "$source" | grep -nF -m 1 -e "$4" | cut -d : -f 1)
	[ -n "$line" ] || die "$2: there is no '$4' in $3"
	printf '@@ %s %s %s %s %s\n%s\n' "$1" "$2" "$first" "$3" "$((first + line - 1))" "$source"
}

code()
{
	quote blocking userspace/iodemo-blocking.c loop 'read(file'
	quote blocking modules/iodemo/read.c iodemo_read_sleep 'schedule()'
	quote blocking modules/iodemo/read.c read_raw 'copy_records('
	quote nonblocking userspace/iodemo-nonblocking.c loop 'read(file'
	quote nonblocking modules/iodemo/read.c iodemo_read 'answered('
	quote multiplexing userspace/iodemo-multiplexing.c loop_epoll 'epoll_pwait('
	quote multiplexing userspace/iodemo-multiplexing.c serve 'read(file'
	quote multiplexing modules/iodemo/poll.c iodemo_poll 'poll_wait('
	quote signal userspace/iodemo-signal.c drain 'read(file'
	quote signal modules/iodemo/fasync.c send_one 'kill_fasync('
	quote async userspace/async/libaio.c submit 'io_submit('
	quote async userspace/async/libaio.c async_libaio 'io_getevents('
	quote async modules/iodemo/aio.c wake_read 'iodemo_read_now('
}

"$top/scripts/setup.sh" vm
folder=$("$top/scripts/kernel.sh" "$kernel")
build=$(build_folder "$kernel" "$folder")

if [ -n "$demo" ]; then
	rm -rf "$report"
	mkdir -p "$report"
	code >"$report/code"
	"$top/scripts/vm.sh" -k "$kernel" -p 'modules userspace' -r "$report" run \
		"$(cat "$top/scripts/figure.sh" "$top/scripts/guest-demo.sh")" || failed $?
fi
[ -z "$bench" ] || "$top/scripts/bench.sh" || failed $?

[ -d "$report" ] || die "$report: nothing was recorded; make demo does"
rm -f "$report/bench.json"
[ ! -e "$build/bench.json" ] || cp -p "$build/bench.json" "$report/"
# What makes the page runs here
here=$build
if [ "$target" != "$native" ]; then
	here=$top/build/report-$native
	lock "$here/lock"
	BITS=64 IODEMO_ARCH=$native "$top/scripts/build.sh" "$folder" "$here" userspace
fi
"$here/tree/userspace/iodemo-report" -o "$report/index.html" "$report"
echo
echo "The report: $report/index.html"
exit "$status"
