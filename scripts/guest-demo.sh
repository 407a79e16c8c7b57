#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# guest-demo.sh: what "make demo" runs in the guest; its status is that of the first command which failed
#
# For the report, a recording of each model, its figure and what else is to be told are left in /report.

result=0
mkdir -p /report
uname -a >/report/kernel
model=$(sed -n "s/^model name.*: //p" /proc/cpuinfo | head -n 1)
echo "$(nproc) x ${model:-$(uname -m)}" >/report/processor

failed()
{
	echo "(exit status $1)"
	[ "$result" -ne 0 ] || result=$1
}

show()
{
	printf '\n$ %s\n' "$*"
	sh -c "$*" || failed $?
}

# record MODEL API PERIOD: on a machine that was too busy to wait for its records, or for that to be seen, with twice the
# period, five times
record()
{
	figure=$1.svg
	for period in "$3" $(($3 * 2)) $(($3 * 4)) $(($3 * 8)) $(($3 * 16)) $(($3 * 32)); do
		iodemo-trace -o "$1.dat" -- "iodemo-$1" -a "$2" -n 8 -p "$period" -j >"$1.json" || return
		iodemo-trace -i "$1.dat" -s "$figure" -t >"$1.txt" 2>"$1.err" && lesson >>"$1.err"
		[ -s "$1.err" ] || break
	done
	cat "$1.err"
	rm "$1.err"
	[ -s "$1.txt" ]
}

# Both phases are to be seen: the device waits as long as it takes a record ten times to come to the program. One
# processor is enough for a program that waits, and while it is alone none runs the code in which the kernel switches its
# trace points: QEMU before 8.1 can let it run what is half changed.
record_all()
{
	cd /report || return
	echo 0 >/sys/devices/system/cpu/cpu1/online
	latency=$(iodemo-blocking -n 50 -p 2000 -j | sed -n 's/.*"p50_us":\([0-9]*\).*/\1/p')
	period=$((${latency:-100} * 10))
	[ "$period" -ge 100 ] || period=100
	for model in blocking:read nonblocking:read multiplexing:epoll signal:sigio async:libaio; do
		record "${model%:*}" "${model#*:}" "$period" || return
	done
}

show "insmod /lib/modules/$(uname -r)/extra/iodemo.ko period_us=10000 devices=2"
show 'cat /dev/iodemo | head -n 3'
show 'iodemo-blocking -n 20'
show 'iodemo-nonblocking -n 20'
show 'iodemo-multiplexing -n 20'
show 'iodemo-signal -n 20'
show 'iodemo-async -n 20'
show 'iodemo-zerocopy -n 20'
show 'iodemo-compare -o /report/compare.json'
show 'iodemo-cow'
# A kernel of one's own may have no PCI, or no uio
edu=/lib/modules/$(uname -r)/extra/iodemo-edu.ko
if [ -e "$edu" ]; then
	show "insmod $edu"
	show 'iodemo-transfer'
	! modprobe -n uio_pci_generic 2>/dev/null || show 'iodemo-uio'
fi
show 'grep iodemo /proc/interrupts'
cat /proc/interrupts >/report/interrupts
record_all || failed $?
printf '\n$ iodemo-trace --text -- iodemo-blocking -n 8\n'
cat /report/blocking.txt
exit "$result"
