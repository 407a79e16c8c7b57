#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# vm.sh: build everything for a guest kernel, boot it in QEMU, and run a command in it
#
# usage: scripts/vm.sh [OPTION]... run COMMAND     COMMAND is a shell's; its output and exit status are the script's
#        scripts/vm.sh [OPTION]... shell           an interactive shell, the device loaded; Ctrl-A x ends the machine
#
# The guest's processor is this machine's, or what ARCH in the environment says (amd64, arm64).
#
#   -k KERNEL   6.1 (default), 6.12, newest, debug, kcsan, or the path of a bzImage with KDIR= set: see scripts/kernel.sh
#   -p PARTS    what to build and take along: any of "modules userspace selftests exercises", or none (default: the
#               first three, for a shell the first two)
#   -t SECONDS  end the machine after that long (default: 600; 0, and for a shell, no limit)
#   -m SIZE     memory (default: 1G; 2G for a kernel that watches: debug, kcsan)
#   -a WORDS    more words for the kernel's command line
#   -l NAME     what the kernel's log is called (default: log)
#   -w PROGRAMS more of this machine's programs to take along: "bpftrace perf"; installed if they are missing
#   -o FILE     leave the command's output there too: of the last boot only, after a comment for each that went before
#   -r FOLDER   what the command leaves in the guest's /report comes to FOLDER, and replaces what has the same names there
#   -f FOLDER   what else the guest is to have, as it stands from / on
#   -d FILE     more devices, as qemu's -readconfig has them: FILE describes also the chardev "port", where the command's
#               output goes, and may take the script's input
#   -c          two virtio consoles (docs/virtio.md), each of which has the other one for its outside. A shell has one,
#               whose outside is a socket, and says how to talk to it
#   -i          count instructions: one processor, no KVM, and a clock that goes on by a nanosecond an instruction and
#               skips where nobody has anything to do; every run of the same files is the same, to the instruction
#
# Exit status: the command's; 124 when the time was up, 125 when the machine ended without a word, 99 when the kernel's
# log has a report (a warning, an oops, a leak ...). The kernel's log is kept in build/KERNEL/log, and its end is shown
# when something went wrong.
#
# The machine has a PCI device with registers, qemu's edu, in a slot of which it can be pulled out: what the guest's command
# writes to /dev/kmsg, "guest: asks for device_del edu" (or device_add edu,id=edu,bus=port1), qemu's monitor is told.
#
# A guest that dies before iodemo is loaded is booted again, three times at most, and this is told; its logs are kept as
# log.died-1 and so on. So is one that takes longer to come up than a boot may (180 s, a kernel that watches 400 s), but none that began
# the command and ran out of time, and none that died with iodemo loaded.
set -eu
. "$(dirname "$0")/lib.sh"

kernel=6.1
parts=
limit=600
memory=
append=
name=log
with=
output=
report=
files=
devices=
crossed=
instructions=
while getopts :k:p:t:m:a:l:w:o:r:f:d:cih-: option; do
	case $option in
	k) kernel=$OPTARG ;;
	p) parts=$OPTARG ;;
	t) limit=$OPTARG ;;
	m) memory=$OPTARG ;;
	a) append=$OPTARG ;;
	l) name=$OPTARG ;;
	w) with=$OPTARG ;;
	o) output=$OPTARG ;;
	r) report=$OPTARG ;;
	f) files=$OPTARG ;;
	d) devices=$OPTARG ;;
	c) crossed=yes ;;
	i) instructions=yes ;;
	h | -) usage ;;
	*) usage 2 >&2 ;;
	esac
done
shift $((OPTIND - 1))
case ${1-} in
run) [ $# -eq 2 ] || usage 2 >&2 ;;
shell) [ $# -eq 1 ] || usage 2 >&2 ;;
*) usage 2 >&2 ;;
esac
# Who looks around has a manual at hand
if [ "$1" = shell ]; then
	: "${parts:=modules userspace}"
	with="mandoc $with"
fi

# What each architecture has of its own. No 5-level page tables: while a kernel with KASAN identifies its processor it
# forgets for a moment that it has them, and an interrupt just then is reported. No CMPXCHG16B from TCG: with that of QEMU
# 7.2 and several threads, on a busy machine every second boot of 6.12 crashes in the allocator. A machine that waits for
# its host sees no timer tick in time, and is not to take the timer for broken.
case $arch in
arm64)
	[ -z "$instructions$devices" ] || die "ARCH=arm64: there is neither -i nor -d"
	qemu=aarch64
	# Its memory begins where edu's DMA, of 28 bits, does not get without
	machine=virt,gic-version=max,iommu=smmuv3
	emulated=cortex-a76
	host=host
	console=ttyAMA0
	clock=
	;;
*)
	qemu=x86_64
	machine=q35
	emulated=max,la57=off,cx16=off
	host=host,la57=off
	console=ttyS0
	clock=' tsc=reliable no_timer_check'
	;;
esac

# KVM only where it works: a processor without vmx or svm has it by name alone
have_kvm()
{
	[ "$arch" = "$native" ] && [ -w /dev/kvm ] && { [ "$arch" != amd64 ] || grep -qwE 'vmx|svm' /proc/cpuinfo; }
}

processors()
{
	if [ -n "$instructions" ]; then
		echo "-accel tcg -icount shift=0,sleep=off -cpu $emulated -smp 1 -seed 1 -rtc base=2026-01-01,clock=vm"
	elif have_kvm; then
		echo "-accel kvm -cpu $host -smp 2"
	else
		echo "-accel tcg,thread=multi -cpu $emulated -smp 2"
	fi
}

# Quick to boot, and a hang is a panic, which ends the machine
arguments="console=$console loglevel=5 mitigations=off random.trust_cpu=on$clock"
arguments="$arguments panic=-1 softlockup_panic=1 hung_task_panic=1 sysctl.kernel.panic_on_rcu_stall=1"

# KCSAN makes one access of many wait, to see who comes meanwhile. An emulated processor comes to less in that time, so
# here more of them wait, and longer; with the kernel's own figures hardly a race is seen. A kernel with it does not come
# back from being suspended to memory, so its machine does not offer that.
without=
case $kernel in
kcsan*)
	arguments="$arguments kcsan.skip_watch=1000 kcsan.udelay_task=500 kcsan.udelay_interrupt=100"
	without='-global ICH9-LPC.disable_s3=1'
	;;
esac

# Nothing is to lie elsewhere than in the run before, nothing of the boot is to go on, and a tick is a nanosecond
if [ -n "$instructions" ]; then
	machine=$machine,hpet=off
	arguments="$arguments nokaslr norandmaps randomize_kstack_offset=off tsc_early_khz=1000000 cryptomgr.notests"
fi

# What the guest's programs may send to who looks at their output
[ -t 1 ] && [ -z "$instructions" ] || TERM=dumb
arguments="$arguments TERM=${TERM:-dumb}"
[ -z "$report" ] || append="$append iodemo.report"

# port CHARDEV: a serial port with it, after those that there are. Only the first is part of an arm64 machine.
port()
{
	case $arch in
	arm64) echo "-device pci-serial,chardev=$1" ;;
	*) echo "-serial chardev:$1" ;;
	esac
}

# machine OPTION...: the console's port is for the kernel alone, the second one, which these options of qemu's make, for
# the command, and the third for the files that it leaves, so none cuts into the others
machine()
{
	# shellcheck disable=SC2046,SC2086
	$patience qemu-system-$qemu $(processors) -machine $machine $without -m "$memory" -nic none -no-reboot -display none \
		-no-user-config -nodefaults -pidfile "$temporary/pid" \
		-device pcie-root-port,id=port1,chassis=1 -device edu,id=edu,bus=port1 \
		-chardev "pipe,id=monitor,path=$temporary/monitor" -mon chardev=monitor \
		-kernel "$folder/bzImage" -initrd "$temporary/initramfs" \
		-append "$arguments $append" \
		-serial "file:$temporary/log" $(port port) "$@" \
		${report:+-chardev "file,id=report,path=$temporary/report" $(port report)} $consoles
}

# console NAME CHARDEV: a virtio console for iodemo-virtio, which is one without further ports
console()
{
	echo "-chardev $2,id=$1 -device virtio-serial-pci,max_ports=1,id=bus-$1 -device virtconsole,bus=bus-$1.0,chardev=$1"
}

# What the machine's virtio consoles have outside. A path that is none for a socket, or for words, is the user's TMPDIR.
consoles()
{
	outside=$temporary/outside
	case $outside in
	*[!a-zA-Z0-9/._-]*) return 0 ;;
	esac
	[ "${#outside}" -lt 108 ] || return 0
	if [ "$1" = shell ]; then
		console outside "socket,path=$outside,server=on,wait=off"
	elif [ -n "$crossed" ]; then
		console one "socket,path=$outside,server=on,wait=off"
		console other "socket,path=$outside"
	fi
}

# A line of the kernel's log, before it is kept
logged()
{
	grep -q "$1" "$temporary/log" 2>/dev/null
}

# End the machine when its kernel has not come to the command in time
watch_boot()
{
	end=$(($(date +%s) + boot_limit))
	until logged 'guest: runs the command'; do
		sleep 1
		[ -e "$temporary/log" ] || return 0
		[ "$(date +%s)" -ge "$end" ] || continue
		: >"$temporary/slow"
		end_machine
		return 0
	done
}

# Nobody reads what qemu's monitor says to that, and it is not much. Whoever opens a pipe for both doesn't wait for qemu.
serve_guest()
{
	tail --pid $$ -n +1 -f "$temporary/log" 2>/dev/null |
		sed -un 's/.*guest: asks for \(device_del edu\|device_add edu,id=edu,bus=port1\)\r*$/\1/p' 1<>"$temporary/monitor.in"
}

end_machine()
{
	kill "$(cat "$temporary/pid")"
}

# A shell's input ends with its terminal, of which qemu hears nothing, or with its file, after which comes Ctrl-D until
# the shell has heard it. What comes before the guest has opened its port makes it deaf and dumb.
watch_input()
{
	if [ -t 3 ]; then
		while [ -n "$(stty -g <&3)" ]; do
			sleep 1
			[ -e "$temporary/log" ] || return 0
		done
		# qemu may not have come to telling its number
		until end_machine; do
			sleep 1
			[ -e "$temporary/log" ] || return 0
		done
	else
		until grep -q 'iodemo:~' "$temporary/output"; do
			sleep 1
			[ -e "$temporary/log" ] || return 0
		done
		cat <&3
		while printf '\004'; do
			sleep 1
		done
	fi 2>/dev/null >&4
}

# Who ends us ends the machine
end()
{
	end_machine 2>/dev/null || :
	rm -rf "$temporary"
}

# boot run|shell: start the machine once, and leave what qemu exited with in $status
boot()
{
	: >"$temporary/log"
	: >"$temporary/output"
	: >"$temporary/report"
	rm -f "$temporary/slow" "$temporary/pid"
	consoles=$(consoles "$1")
	status=0
	begin=$(date +%s)
	if [ "$1" = shell ]; then
		watch_input &
		watcher=$!
		machine -chardev "stdio,mux=on,id=port,signal=off,logfile=$temporary/output" \
			-mon chardev=port <&4 &
		wait $! || status=$?
		kill -s KILL "$watcher" 2>/dev/null || :
		return
	fi
	watch_boot >/dev/null 2>&1 &
	watcher=$!
	if [ -n "$devices" ]; then
		machine -readconfig "$devices" || status=$?
	else
		machine -chardev "stdio,id=port,logfile=$temporary/output" </dev/null || status=$?
	fi
	kill -s KILL "$watcher" 2>/dev/null || :
	wait "$watcher" 2>/dev/null || :
	seconds=$(($(date +%s) - begin))
}

# died_in_boot run|shell: whether the guest died before any code of ours ran; leaves of what in $death. The kernel tells
# of the first module from elsewhere before that runs.
died_in_boot()
{
	! logged 'iodemo.*: loading out-of-tree module' || return 1
	# That qemu would not start is no death, nor is that somebody left the shell
	[ "$status" -ne 1 ] || [ -s "$temporary/log" ] || return 1
	reports=$("$top/scripts/klog.sh" "$temporary/log") && [ "$1" = shell ] && return 1
	! logged 'guest: exit status' || return 1
	if [ -e "$temporary/slow" ]; then
		death="not up after $boot_limit s"
	elif timed_out "$1"; then
		return 1
	else
		death=$(echo "${reports:-the machine ended with status $status of qemu}" | head -n 1)
	fi
}

# Somebody else can have killed qemu
timed_out()
{
	[ "$1" = run ] && [ "$limit" -gt 0 ] && [ "$seconds" -ge "$limit" ] && { [ "$status" -eq 124 ] || [ "$status" -eq 137 ]; }
}

# shellcheck disable=SC2086
KERNEL=$kernel "$top/scripts/setup.sh" vm $with
folder=$("$top/scripts/kernel.sh" "$kernel")
build=$(build_folder "$kernel" "$folder")
if watches "$kernel"; then
	: "${memory:=2G}"
	boot_limit=400
else
	: "${memory:=1G}"
	boot_limit=180
fi
lock "$build/lock"
# shellcheck disable=SC2086
"$top/scripts/build.sh" "$folder" "$build" $parts
# The time stamp counter of an emulated processor is this machine's. A kernel would measure how fast that is against an
# emulated timer, and on a busy machine believe in a fifth of it: its clock then runs five times too fast.
if [ "$native $arch" = 'amd64 amd64' ] && [ -z "$instructions" ] && ! have_kvm; then
	cc -O2 -o "$build/tsc" "$top/scripts/tsc.c"
	arguments="$arguments tsc_early_khz=$("$build/tsc")"
fi
[ -z "$files" ] || cp -a "$files/." "$build/root"

# Who looks around finds the recordings that the report was made of
if [ "$1" = shell ] && [ -e "$top/build/report/blocking.dat" ]; then
	guest=$build/root
	mkdir -p "$guest/root"
	(cd "$guest/root" && mkdir -p build/report && cp "$top"/build/report/*.dat build/report)
fi

temporary=$(mktemp -d "${TMPDIR:-/tmp}/iodemo.XXXXXX")
trap end EXIT
mkfifo "$temporary/monitor.in" "$temporary/monitor.out"
if [ "$1" = run ]; then
	printf '#!/bin/sh\n%s\n' "$2" >"$temporary/command"
else
	cat "$top/scripts/guest-shell.sh" >"$temporary/command"
fi
# shellcheck disable=SC2086
step "making the initramfs" \
	"$top/scripts/initramfs.sh" "$build/root" "$temporary/command" "$temporary/initramfs" $with
unlock

patience="timeout --foreground -k 5 $limit"
if [ "$1" = shell ]; then
	patience=
	size=$(stty size 2>/dev/null) || size=
	case $size in
	'' | 0*) size='24 80' ;;
	esac
	# In the background, for a trap to come at once; and there /dev/null would be the input
	exec 3<&0 4<&0
	if [ ! -t 0 ]; then
		mkfifo "$temporary/typed"
		exec 4<>"$temporary/typed"
	fi
	append="$append iodemo.shell iodemo.rows=${size% *} iodemo.columns=${size#* } iodemo.outside=$temporary/outside"
fi

log=$build/$name
rm -f "$log".died-*
: >"$temporary/died"
: >"$temporary/log"
if [ "$1" = run ]; then
	append="$append guest.monitor"
	serve_guest &
fi
again=0
while
	boot "$1"
	[ "$again" -lt 3 ] && died_in_boot "$1"
do
	again=$((again + 1))
	tr -d '\r' <"$temporary/log" >"$log.died-$again"
	tell="the guest died before iodemo was loaded, and is booted again ($again of 3): $death"
	echo "# $tell" >>"$temporary/died"
	echo "vm.sh: $tell; its log is $log.died-$again" >&2
done

tr -d '\r' <"$temporary/log" >"$log.$$"
mv "$log.$$" "$log"
[ -z "$output" ] || cat "$temporary/died" "$temporary/output" >"$output"
said=$(sed -n 's/.*guest: exit status \([0-9]*\)$/\1/p' "$log" | tail -n 1)

take_report()
{
	mkdir -p "$report"
	tar -xzf "$temporary/report" -C "$report"
}
# A guest that died has nothing to tell
if [ -n "$report" ] && [ -s "$temporary/report" ]; then
	step "taking what the guest has left to $report" take_report
fi

reported=0
"$top/scripts/klog.sh" "$log" >"$temporary/reports" || reported=1
cp "$temporary/reports" "$build/reports"
if [ "$reported" -eq 1 ]; then
	head -n 150 "$temporary/reports" >&2
	echo "vm.sh: above, what the guest's kernel reported; the whole log is $log" >&2
fi
if [ -e "$temporary/slow" ]; then
	tail -n 40 "$log" >&2
	echo "vm.sh: the guest was not up after $boot_limit s; above, the end of $log" >&2
	exit 125
fi
if timed_out "$1"; then
	tail -n 40 "$log" >&2
	echo "vm.sh: the machine was ended after $limit s; above, the end of $log" >&2
	exit 124
fi
[ "$reported" -eq 0 ] || exit 99
[ "$1" = run ] || exit 0
if [ -z "$said" ]; then
	tail -n 40 "$log" >&2
	echo "vm.sh: the machine ended (qemu's status: $status) before its command did; above, the end of $log" >&2
	exit 125
fi
exit "$said"
