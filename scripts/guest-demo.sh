#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# guest-demo.sh: what "make demo" runs in the guest; its status is that of the first command which failed

result=0

show()
{
	printf '\n$ %s\n' "$*"
	sh -c "$*" && return
	status=$?
	echo "(exit status $status)"
	[ "$result" -ne 0 ] || result=$status
}

show "insmod /lib/modules/$(uname -r)/extra/iodemo.ko period_us=10000 devices=2"
show 'cat /dev/iodemo | head -n 3'
show 'grep iodemo /proc/interrupts'
show 'iodemo-blocking -n 20'
show 'iodemo-nonblocking -n 20'
show 'iodemo-multiplexing -n 20'
show 'iodemo-signal -n 20'
show 'iodemo-async -n 20'
show 'iodemo-zerocopy -n 20'
show 'iodemo-compare'
exit $result
