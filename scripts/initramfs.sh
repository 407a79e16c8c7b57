#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# initramfs.sh: make the guest's file system out of this machine's programs and a folder of our own
#
# usage: scripts/initramfs.sh ROOT COMMAND OUT [PROGRAM...]
#
# ROOT is copied to /; COMMAND is the script which the guest runs; OUT is the archive for qemu's -initrd. PROGRAM is one
# of this machine's that the guest is to have besides.
set -eu
. "$(dirname "$0")/lib.sh"

case ${1-} in
-h | --help) usage ;;
esac
[ $# -ge 3 ] || usage 2 >&2

from=$1
command=$2
archive=$3
shift 3

# busybox is the rest of the system, but not the shell, for its own prefers its applets to programs; runner.sh of the
# kselftests needs GNU's timeout, and perl to show lines as they come
programs="sh bash strace trace-cmd kmod timeout stdbuf dd perl $*"

# An ordinary user of the guest's is to find his way too, whoever makes this
umask 022
root=$(mktemp -d "${TMPDIR:-/tmp}/iodemo.XXXXXX")
trap 'rm -rf "$root"' EXIT

# Every dynamic program's libraries, at the paths where it looks for them
copy_libraries()
{
	find "$root" -type f -perm -u+x -exec sh -c 'ldd "$@" 2>/dev/null || :' sh {} + |
		grep -v ':$' | grep -o '/[^ :]*\.so[^ :]*' | sort -u | while read -r library; do
		[ ! -e "$root/$library" ] || continue
		mkdir -p "$root/${library%/*}"
		cp -L "$library" "$root/$library"
	done
}

copy_perl()
{
	for folder in $(perl -e 'print "@INC"'); do
		case $folder in
		*/perl-base)
			mkdir -p "$root/$folder"
			cp -a "$folder/." "$root/$folder/"
			rm -rf "$root/$folder/unicore"
			;;
		esac
	done
}

# Debian's /bin, /sbin and /lib are links into /usr, and so are the guest's
mkdir -p "$root/usr/bin" "$root/usr/sbin" "$root/usr/lib" "$root/usr/lib64" "$root/dev" "$root/proc" "$root/sys" \
	"$root/tmp" "$root/root" "$root/run" "$root/etc"
for folder in bin sbin lib lib64; do
	ln -s "usr/$folder" "$root/$folder"
done
ln -s usr/lib "$root/lib32"
tar -cf - -C "$from" . | tar -xf - --keep-directory-symlink -C "$root"
chmod 755 "$root"
cp -L "$(static_busybox)" "$root/usr/bin/busybox"
for program in $programs; do
	[ ! -e "$root/usr/bin/$program" ] || continue
	cp -L "$(PATH=$PATH:/sbin:/usr/sbin command -v "$program")" "$root/usr/bin/$program"
done
for name in modprobe insmod rmmod lsmod modinfo depmod; do
	ln -s ../bin/kmod "$root/usr/sbin/$name"
done
# stdbuf works by a library which it does not link with
for library in /usr/libexec/coreutils/libstdbuf.so /usr/lib/*/coreutils/libstdbuf.so; do
	[ ! -e "$library" ] || { mkdir -p "$root/${library%/*}" && cp "$library" "$root/$library"; }
done
copy_perl
copy_libraries
cp "$top/scripts/guest-init.sh" "$root/init"
cp "$top/scripts/guest-virtio.sh" "$root/usr/sbin/iodemo-virtio-load"
cp "$command" "$root/command"
chmod +x "$root/init" "$root/command"
printf '%s\n' 'root:x:0:0:root:/root:/bin/sh' 'user:x:1000:1000:user:/tmp:/bin/sh' >"$root/etc/passwd"
printf '%s\n' 'root:x:0:' 'user:x:1000:' >"$root/etc/group"

# The same files make the same archive, and the same boot
find "$root" -exec touch -h -d @0 {} +
(cd "$root" && find . | LC_ALL=C sort | cpio --quiet --reproducible -o -H newc -R 0:0) >"$archive"
