#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# guest-init.sh: the guest's first program; runs /command on the second serial port, and reports in the kernel's log
#
# The kernel's command line says what else to do: iodemo.shell (an interactive shell), iodemo.rows=, iodemo.columns=,
# iodemo.outside= (the socket which the virtio console is connected with; for the shell), iodemo.report (send what the
# command leaves in /report to the third serial port), iodemo.console (the command has the console, and the kernel's log
# comes there when it has ended).

/bin/busybox --install -s /bin 2>/dev/null
PATH=/usr/sbin:/usr/bin:/sbin:/bin
HOME=/root
TERM=${TERM:-vt100}
export PATH HOME TERM

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev 2>/dev/null
mount -t debugfs debugfs /sys/kernel/debug
mount -t tracefs tracefs /sys/kernel/tracing
mount -t tmpfs tmpfs /tmp
mount -t tmpfs tmpfs /run
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
ln -s /proc/self/fd /dev/fd
ln -s fd/0 /dev/stdin
ln -s fd/1 /dev/stdout
ln -s fd/2 /dev/stderr
hostname iodemo
ip link set lo up 2>/dev/null

asked()
{
	grep -qw "iodemo.$1" /proc/cmdline
}

say()
{
	echo "guest: $*" >/dev/kmsg
}

# A task which sleeps for ever is a report in the log, not a test that takes long
echo 60 >/proc/sys/kernel/hung_task_timeout_secs 2>/dev/null
# Keep the log whole: what user space writes there is not rate-limited
echo on >/proc/sys/kernel/printk_devkmsg 2>/dev/null

# After a run without the driver there is nothing to look for
leaks=/sys/kernel/debug/kmemleak
scan_leaks()
{
	[ -w $leaks ] && dmesg | grep -q 'iodemo:' || return 0
	# An object is reported when it is 5 s old, and when two scans agree
	sleep 6
	echo scan >$leaks
	echo scan >$leaks
	grep -q . $leaks || return 0
	say "BUG: kmemleak found:"
	head -n 60 $leaks | while read -r line; do say "$line"; done
}

# An arm64 machine calls its first port otherwise, and does not count it
case $(uname -m) in
aarch64) command_port=/dev/ttyS0 report_port=/dev/ttyS1 ;;
*) command_port=/dev/ttyS1 report_port=/dev/ttyS2 ;;
esac

run()
{
	if asked console; then
		/command </dev/null >/dev/console 2>&1
		return
	fi
	exec <>"$command_port" >&0 2>&1
	if asked shell; then
		# shellcheck disable=SC2046
		stty sane $(sed -n 's/.*iodemo.rows=\([0-9]*\) iodemo.columns=\([0-9]*\).*/rows \1 columns \2/p' /proc/cmdline)
		setsid -c /command
	else
		stty raw -echo
		/command </dev/null
	fi
}

# From here on the log has everything; of the boot it has the warnings, for a serial line is slow. Nothing of it is to
# cut into what the command says; an oops will all the same.
if asked console; then dmesg -n 1; else dmesg -n 8; fi
[ ! -w $leaks ] || echo scan=off >$leaks
say "runs the command"
(cd /root && run)
status=$?
say "the command is done"
if [ -d /report ] && asked report; then
	stty -F $report_port raw -echo
	tar -czf - -C /report . >$report_port
fi

grep '^iodemo' /proc/modules | while read -r module rest; do
	rmmod "$module" 2>/dev/null || say "BUG: $module cannot be unloaded after the command: $rest"
done
scan_leaks
sync
say "exit status $status"
! asked console || dmesg >/dev/console
# qemu has -no-reboot, and a kernel needs no ACPI for this
reboot -f
