#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# guest-run.sh: what runs in the guest of run.sh: the host's files with memory over them, the device, the command
#
# The host says what to do by the files of the folder that it shares as "job": see run.sh. What is shared is mounted
# read-only here, but that is for good manners: it is qemu that refuses whatever would write.

fail()
{
	echo "run.sh: $*" >&2
	exit 125
}

job()
{
	cat "/job/$1"
}

# share TAG FOLDER
share()
{
	mkdir -p "$2"
	mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=262144,cache=loose "$1" "$2" ||
		fail "the guest's kernel $(uname -r) cannot mount the host's files over virtio"
}

# Modules that are built in cannot be loaded; that they are there is seen next
share_all()
{
	modprobe -qa virtio_pci virtio_console 9pnet_virtio 9p overlay
	for type in 9p overlay; do
		grep -qw "$type" /proc/filesystems ||
			fail "the guest's kernel $(uname -r) has no $type: take one of Debian's (KERNEL=6.1, KERNEL=6.12), or one" \
				"with 9P_FS, NET_9P_VIRTIO, OVERLAY_FS, VIRTIO_PCI and VIRTIO_CONSOLE built in"
	done
	share job /job
	share host /host
	mkdir /memory /new
	mount -t tmpfs -o size=75%,mode=755 memory /memory
	mkdir /memory/upper /memory/work
	mount -t overlay -o "lowerdir=/host$(job root),upperdir=/memory/upper,workdir=/memory/work" host /new ||
		fail "the guest's kernel $(uname -r) cannot lay memory over the host's files"
}

# What tells of a machine tells of the guest; the programs of ours, and modules for this kernel, are there too
own_folders()
{
	for folder in proc sys dev; do
		mkdir -p "/new/$folder"
		mount --rbind "/$folder" "/new/$folder"
	done
	mkdir -p /new/run
	mount -t tmpfs -o mode=755 run /new/run
	mkdir -p /new/run/user /new/run/iodemo/job "/new/lib/modules/$(uname -r)"
	mkdir -m 1777 /new/run/lock
	mkdir -m 700 "/new/run/user/$uid"
	chown "$uid:$gid" "/new/run/user/$uid"
	mkdir /new/run/iodemo/bin
	cp /usr/bin/iodemo-* /new/run/iodemo/bin/
	mount --bind /job /new/run/iodemo/job
	if [ -n "$(job root)" ]; then
		mkdir -p /new/host
		mount --bind /host /new/host
	fi
	mount --bind "/lib/modules/$(uname -r)" "/new/lib/modules/$(uname -r)"
}

# The kernel loads a module with a parameter that it has not got. The machine is the user's own, and so is the device.
load()
{
	# shellcheck disable=SC2046
	if modprobe iodemo $(job parameters) && ! dmesg | grep -q 'iodemo: unknown parameter'; then
		chown "$uid:$gid" /dev/iodemo*
		return
	fi
	dmesg | sed -n '/taint/d; s/^[^]]*\] \(iodemo: \)/\1/p' >&2
	fail "the device could not be made with PARAMS='$(job parameters)'"
}

# port NAME: its device, which comes some time after its driver
port()
{
	until name=$(grep -lx "$1" /sys/class/virtio-ports/*/name 2>/dev/null); do
		read -r seconds rest </proc/uptime
		[ "${seconds%.*}" -lt "$latest" ] || fail "the guest's kernel $(uname -r) has no virtio port for the $1"
		sleep 0.05
	done
	name=${name%/name}
	echo "/dev/${name##*/}"
}

# A pipe, unlike a port, can be opened anew as /dev/stdout
pipe()
{
	mkfifo -m 600 "/pipes/$1"
	chown "$uid:$gid" "/pipes/$1"
}

command()
{
	chroot /new /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		setpriv --reuid "$uid" --regid "$gid" --groups "$(job groups)" /bin/sh /run/iodemo/job/first
}

# What the command has left is not to hold the device, nor the pipes
end_others()
{
	while
		others=$(for process in /proc/[0-9]*; do
			[ "$(readlink "$process/root")" != /new ] || echo "${process##*/}"
		done)
		[ -n "$others" ]
	do
		# shellcheck disable=SC2086
		kill -9 $others 2>/dev/null
	done
}

share_all
uid=$(job uid)
gid=$(job gid)
own_folders
load

read -r seconds rest </proc/uptime
latest=$((${seconds%.*} + 30))
port=$(port input) && output_port=$(port output) && errors_port=$(port errors) || exit
mkdir /pipes
for name in input output errors; do
	pipe "$name"
done
cat "$port" >/pipes/input &
reader=$!
if [ -e /job/terminal ]; then
	chown "$uid" /dev/ttyS1
	# shellcheck disable=SC2046
	stty -F /dev/ttyS1 $(job terminal)
	command </pipes/input
	status=$?
else
	cat /pipes/output >"$output_port" &
	writers=$!
	cat /pipes/errors >"$errors_port" &
	writers="$writers $!"
	if [ -e /job/one ]; then
		: >/pipes/errors
		command </pipes/input >/pipes/output 2>&1
	else
		command </pipes/input >/pipes/output 2>/pipes/errors
	fi
	status=$?
fi
end_others
kill "$reader" 2>/dev/null
# shellcheck disable=SC2086
wait $writers
exit "$status"
