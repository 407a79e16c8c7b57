#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# initramfs.sh: make the guest's file system out of this machine's programs and a folder of our own
#
# usage: scripts/initramfs.sh ROOT COMMAND OUT [PROGRAM...]
#
# ROOT is copied to /; COMMAND is the script which the guest runs; OUT is the archive for qemu's -initrd. PROGRAM is one
# of this machine's that the guest is to have besides. Where the guest's programs are for another architecture (ARCH,
# BITS=32), all come from Debian's packages for that.
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

system=
places=$PATH:/sbin:/usr/sbin
if [ "$target" != "$native" ]; then
	system=$("$top/scripts/sysroot.sh" "$target")
	places=$system/usr/bin:$system/usr/sbin
	busybox=$system/usr/bin/busybox
else
	busybox=$(static_busybox)
fi

# An ordinary user of the guest's is to find his way too, whoever makes this
umask 022
root=$(mktemp -d "${TMPDIR:-/tmp}/iodemo.XXXXXX")
trap 'rm -rf "$root"' EXIT

# Every dynamic program's libraries, at the paths where it looks for them
copy_libraries()
{
	find "$root" -type f -perm -u+x -exec sh -c 'ldd "$@" 2>/dev/null || :' sh {} + |
		grep -v ':$' | grep -o '/[^ :]*\.so[^ :]*' | sort -u | while read -r library; do
		mkdir -p "$root/${library%/*}"
		cp -L "$library" "$root/$library"
	done
}

# The same of another architecture, whose loader can't be asked: what the programs name, and what that names; and the
# library that ends a thread
copy_other_libraries()
{
	for loader in "$system"/usr/lib*/ld-linux*; do
		cp -L "$loader" "$root${loader#"$system"}"
	done
	libraries=$(dirname "$system"/usr/lib/*/libc.so.6)
	place=$root${libraries#"$system"}
	mkdir -p "$place"
	wanted=libgcc_s.so.1
	while [ -n "$wanted" ]; do
		for library in $wanted; do
			cp -L "$libraries/$library" "$place/"
		done
		wanted=$(find "$root" -type f \( -perm -u+x -o -name '*.so*' \) -exec readelf -d {} + 2>/dev/null |
			sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort -u | while read -r library; do
			[ -e "$place/$library" ] || [ -e "$root/usr/lib/$library" ] || [ -e "$root/usr/lib64/$library" ] ||
				echo "$library"
		done)
	done
}

copy_perl()
{
	for folder in "$system"/usr/lib/*/perl-base; do
		there=$root${folder#"$system"}
		mkdir -p "$there"
		cp -a "$folder/." "$there/"
		rm -rf "$there/unicore"
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
cp -L "$busybox" "$root/usr/bin/busybox"
for program in $programs; do
	file=$(PATH=$places command -v "$program") || die "$program: is not in ${system:-PATH}"
	cp -L "$file" "$root/usr/bin/$program"
done
for name in modprobe insmod rmmod lsmod modinfo depmod; do
	ln -s ../bin/kmod "$root/usr/sbin/$name"
done
# stdbuf works by a library which it does not link with
for library in "$system"/usr/libexec/coreutils/libstdbuf.so "$system"/usr/lib/*/coreutils/libstdbuf.so; do
	place=$root${library#"$system"}
	[ ! -e "$library" ] || { mkdir -p "${place%/*}" && cp "$library" "$place"; }
done
copy_perl
if [ -n "$system" ]; then copy_other_libraries; else copy_libraries; fi
cp "$top/scripts/guest-init.sh" "$root/init"
cp "$top/scripts/guest-virtio.sh" "$root/usr/sbin/iodemo-virtio-load"
cp "$command" "$root/command"
chmod +x "$root/init" "$root/command"
printf '%s\n' 'root:x:0:0:root:/root:/bin/sh' 'user:x:1000:1000:user:/tmp:/bin/sh' >"$root/etc/passwd"
printf '%s\n' 'root:x:0:' 'user:x:1000:' >"$root/etc/group"

# The same files make the same archive, and the same boot
find "$root" -exec touch -h -d @0 {} +
(cd "$root" && find . | LC_ALL=C sort | cpio --quiet --reproducible -o -H newc -R 0:0) >"$archive"
