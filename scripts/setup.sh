#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# setup.sh: see that the tools for a job are there, and install what is missing
#
# usage: scripts/setup.sh JOB...
#
# Says first what can't work here: another processor, another system, no room, a folder that nobody may write to.
#
# JOB is build (module and programs), vm (guest kernel and virtual machine), test (the selftests), kernel (build a
# kernel), lint, examples, clients (a Debian, and programs for it), deb (packages), in-tree (a tree with iodemo),
# htmldocs (that tree's documents), coverage, chart (draw what was measured), perf, xml, yaml, lava (the form of its
# jobs), mirror (kernels without apt), or the name of a Debian package. What is missing is installed with apt-get, as
# root or through sudo; on a system without apt-get it is printed, with the names that it has in Fedora, Arch or
# openSUSE if this is one of them, and the status is 1. KERNEL= in the environment is the guest's, if that is the path
# of a bzImage, and DEBIAN_MIRROR= where kernels come from if this is no Debian. The JOB lists has this machine's apt
# read its lists anew.
set -eu
. "$(dirname "$0")/lib.sh"

# Where kernels come from
needs_apt()
{
	echo 'ca-certificates /etc/ssl/certs/ca-certificates.crt'
	echo 'debian-archive-keyring /usr/share/keyrings/debian-archive-keyring.gpg'
}

needs_qemu()
{
	case $arch in
	arm64) echo 'qemu-system-arm qemu-system-aarch64' ;;
	*) echo 'qemu-system-x86 qemu-system-x86_64' ;;
	esac
}

needs_mirror()
{
	command -v wget >/dev/null || echo 'curl curl'
	echo 'binutils ar'
	echo 'xz-utils xz'
}

# The libraries for another architecture are not this machine's: scripts/sysroot.sh has them
needs_libraries()
{
	if [ "$target" != "$native" ]; then
		compiler_for gcc "$target"
		return
	fi
	cat <<-END
		libc6-dev /usr/include/stdio.h
		liburing-dev /usr/include/liburing.h
		libaio-dev /usr/include/libaio.h
		libtracecmd-dev /usr/include/trace-cmd/trace-cmd.h
		libtracefs-dev /usr/include/tracefs/tracefs.h
		libtraceevent-dev /usr/include/traceevent/event-parse.h
	END
}

# Debian's package, and what shows that it is there: a command, or a file
needs()
{
	case $1 in
	build) cat <<-END ;;
		gcc gcc
		make make
		pkg-config pkg-config
		$(needs_libraries)
		END
	vm) cat <<-END ;;
		$(needs_qemu)
		busybox-static busybox
		cpio cpio
		kmod kmod
		strace strace
		trace-cmd trace-cmd
		bash bash
		util-linux flock
		$(if have_apt; then needs_apt; else needs_mirror; fi)
		END
	test) cat <<-END ;;
		rsync rsync
		xz-utils xz
		perl-base perl
		END
	kernel) cat <<-END ;;
		flex flex
		bison bison
		bc bc
		xz-utils xz
		libelf-dev /usr/include/libelf.h
		libssl-dev /usr/include/openssl/ssl.h
		END
	lint) cat <<-END ;;
		clang clang
		sparse sparse
		shellcheck shellcheck
		git git
		perl perl
		END
	examples) cat <<-END ;;
		python3 python3
		nodejs node
		golang-go go
		END
	deb) cat <<-END ;;
		build-essential /usr/share/build-essential/list
		debhelper dh
		dh-dkms dh_dkms
		dpkg-dev dpkg-buildpackage
		fakeroot fakeroot
		cpio cpio
		END
	clients) cat <<-END ;;
		mmdebstrap mmdebstrap
		g++ g++
		pkg-config pkg-config
		golang-go go
		END
	coverage) cat <<-END ;;
		lcov lcov
		gcc gcov
		END
	in-tree) cat <<-END ;;
		make make
		mandoc mandoc
		pandoc pandoc
		END
	htmldocs) cat <<-END ;;
		make make
		perl perl
		python3-sphinx sphinx-build
		python3-sphinx-rtd-theme /usr/lib/python3/dist-packages/sphinx_rtd_theme
		python3-yaml /usr/lib/python3/dist-packages/yaml
		END
	mirror) needs_mirror ;;
	chart) echo "gnuplot-nox gnuplot" ;;
	perf) echo "linux-perf perf" ;;
	xml) echo "libxml2-utils xmllint" ;;
	yaml) cat <<-END ;;
		python3 python3
		python3-yaml /usr/lib/python3/dist-packages/yaml
		END
	lava) echo "lava-common /usr/share/lava-common/lava-schema.py" ;;
	gcc-[0-9]*) compiler_for "$1" "$arch" ;;
	*) echo "$1 $1" ;;
	esac
}

# Debian's name of a package, and what it is called in Fedora, Arch and openSUSE, where that is something else
other_names()
{
	cat <<-END
		libc6-dev glibc-devel glibc glibc-devel
		liburing-dev liburing-devel liburing liburing-devel
		libaio-dev libaio-devel libaio libaio-devel
		libtracecmd-dev libtracecmd-devel trace-cmd libtracecmd-devel
		libtracefs-dev libtracefs-devel libtracefs libtracefs-devel
		libtraceevent-dev libtraceevent-devel libtraceevent libtraceevent-devel
		pkg-config pkgconf-pkg-config pkgconf pkgconf-pkg-config
		qemu-system-x86 qemu-system-x86-core qemu-system-x86 qemu-x86
		qemu-system-arm qemu-system-aarch64-core qemu-system-aarch64 qemu-arm
		busybox-static busybox busybox busybox-static
		xz-utils xz xz xz
		perl-base perl-interpreter perl perl-base
		libelf-dev elfutils-libelf-devel libelf libelf-devel
		libssl-dev openssl-devel openssl libopenssl-devel
		pahole dwarves pahole dwarves
		golang-go golang go go
		python3 python3 python python3
		gnuplot-nox gnuplot gnuplot gnuplot
		linux-perf perf perf perf
		shellcheck ShellCheck shellcheck ShellCheck
	END
}

# install_words PACKAGE...: the command that installs them on this system, which has no apt
install_words()
{
	like=$(. /etc/os-release && echo " ${ID-} ${ID_LIKE-} ") 2>/dev/null || like=
	case $like in
	*' fedora '* | *' rhel '*) column=2 && words='dnf install' ;;
	*' arch '*) column=3 && words='pacman -S' ;;
	*suse*) column=4 && words='zypper install' ;;
	*) echo "$* (the names are Debian's)" && return ;;
	esac
	other_names | awk -v column="$column" -v words="$words" -v packages="$*" '
		{ name[$1] = $column }
		END {
			count = split(packages, package, " ")
			for (i = 1; i <= count; i++)
				words = words " " (package[i] in name ? name[package[i]] : package[i])
			print words
		}'
}

as_root()
{
	if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

update_lists()
{
	as_root apt-get -q -o DPkg::Lock::Timeout=300 update
}

install_missing()
{
	# shellcheck disable=SC2086
	as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get -q -y -o DPkg::Lock::Timeout=300 install --no-install-recommends $missing
}

# apt knows the archive's name when it has read its lists, and has read none on a new machine
is_debian()
{
	have_apt || return
	# shellcheck disable=SC2016
	names=$(apt-get indextargets --format '$(ORIGIN)/$(LABEL)' | grep '[^/]') || return 0
	echo "$names" | grep -qx Debian/Debian
}

# place FOLDER WHAT-TO-DO
place()
{
	# shellcheck disable=SC2015
	{ mkdir -p "$1" && [ -w "$1" ]; } 2>/dev/null || die "$1: cannot be written to: $2"
	room "$1" 100
}

check_places()
{
	for folder in "$top" "$cache"; do
		case $folder in
		*[[:space:]:]*) die "$folder: the kernel's makefiles take no path with a space or a colon: move the folder" \
			"(what is fetched goes to XDG_CACHE_HOME, else to .cache in HOME)" ;;
		esac
	done
	place "$top/build" 'take a copy of iodemo that is yours'
	read_only_cache || place "$cache" 'set XDG_CACHE_HOME to a folder of yours'
	place "${TMPDIR:-/tmp}" 'set TMPDIR to a folder of yours'
}

# What is to be known before anything is installed
check_machine()
{
	works='What works here: make, which builds the programs, and the module if the headers of your kernel are installed'
	case "$(uname -s) $native" in
	'Linux amd64' | 'Linux arm64') ;;
	*) die "the virtual machine has this machine's programs, and is for Linux on amd64 and arm64, not for" \
		"$(uname -sm). $works" ;;
	esac
	case "$arch $target" in
	'amd64 amd64' | 'arm64 arm64' | 'amd64 i386') ;;
	*) die "ARCH=$arch BITS=${BITS:-64}: the guest is for amd64 or arm64, with programs of 64 bits, or on amd64 of 32" ;;
	esac
	[ "$target" = "$native" ] || have_apt || die "ARCH=$arch BITS=${BITS:-64}: what is not for this machine takes apt," \
		"for the libraries"
	case ${KERNEL-} in
	*/*) return ;;
	esac
	[ -e "$apt/updated" ] || [ -n "${DEBIAN_MIRROR-}" ] || is_debian ||
		die "this is no Debian, whose archive the kernels come from. $works; and the virtual machine with" \
			"DEBIAN_MIRROR=<the address of a mirror of that archive, http://HOST/debian>, which is asked for kernels" \
			"alone, or with KERNEL=<the path of a bzImage> KDIR=<its build tree>"
}

# What a new or an old machine's lists cannot tell, new lists can
install_packages()
{
	install_missing || { update_lists && install_missing; }
}

case ${1-} in
-h | --help) usage ;;
'' | -*) usage 2 >&2 ;;
esac

if [ "$1" = lists ]; then
	lock "$cache/setup.lock"
	step "reading this machine's lists of packages" update_lists
	exit
fi

case " $* " in
*' vm '*) check_machine ;;
esac
check_places

missing=$(for job; do needs "$job"; done | while read -r package proof; do
	case $proof in
	busybox) static_busybox >/dev/null ;;
	/*) [ -e "$proof" ] ;;
	*) command -v "$proof" >/dev/null || [ -x "/sbin/$proof" ] || [ -x "/usr/sbin/$proof" ] ;;
	esac || printf '%s ' "$package"
done)
[ -n "$missing" ] || exit 0

# shellcheck disable=SC2086
have_apt || die "please install these, then try again: $(install_words $missing)"
[ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null ||
	die "not root, and no sudo; please run as root: apt-get install --no-install-recommends $missing"
# Of two, apt lets one read its lists, and turns the other away
lock "$cache/setup.lock"
step "installing ${missing% }" install_packages
