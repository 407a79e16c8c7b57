#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# sysroot.sh: get what a guest of another architecture has of this machine elsewhere, and print the folder which holds it
#
# usage: scripts/sysroot.sh ARCHITECTURE
#
# ARCHITECTURE is one of Debian's (i386, arm64). The folder is laid out as /, has the libraries of ours with their headers,
# which serve as gcc's --sysroot, and the programs that initramfs.sh takes along; it is kept in ~/.cache/iodemo. This
# machine's packages stay as they are.
# shellcheck disable=SC2086
set -eu
. "$(dirname "$0")/lib.sh"

arguments 1 "$@"
export IODEMO_ARCH="$1"
debian=$top/scripts/debian.sh

libraries='libc6-dev liburing-dev libaio-dev libtracecmd-dev libtracefs-dev libtraceevent-dev'
programs='busybox-static kmod strace trace-cmd bash dash coreutils perl-base mandoc less'

# /bin, /sbin and the like are links into /usr, and where a link points to is in the same folder
lay_out()
{
	mv "$new/packages/usr" "$new/" && rm -rf "${new:?}/usr/share" || return
	for place in bin sbin lib lib64; do
		mkdir -p "$new/usr/$place" && ln -s "usr/$place" "$new/$place" || return
		[ ! -d "$new/packages/$place" ] || cp -a "$new/packages/$place/." "$new/usr/$place/" || return
	done
	rm -r "$new/packages"
	find "$new" -type l -lname '/*' | while read -r link; do
		ln -srfn "$new$(readlink "$link")" "$link" || return
	done
}

"$debian" update
packages=$("$debian" closure $libraries $programs)
[ -n "$packages" ] || die "$1: Debian's lists of packages have not what such a guest takes"
if begin_folder "sysroot/$1-$(echo "$packages" | cksum | cut -d ' ' -f 1)" 600; then
	"$debian" unpack "$new/packages" $packages
	step "laying out what is $1's" lay_out
	finish_folder
fi
echo "$folder"
