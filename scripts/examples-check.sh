#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# examples-check.sh: build the examples in docs/examples against libiodemo as it is installed, and run each in the virtual machine
#
# usage: [KERNEL=6.1] scripts/examples-check.sh
#
# The last line is "N passed, N failed, 0 skipped"; the status is 0 when none failed. What is built is in build/examples.
set -eu
. "$(dirname "$0")/lib.sh"

arguments 0 "$@"

build=$top/build/examples
examples=$top/docs/examples

# Into a folder of its own, where pkg-config is told to look
install_library()
{
	rm -rf "${build:?}/tree" "${build:?}/usr"
	mkdir -p "$build/tree/userspace" &&
		cp -R "$top/VERSION" "$top/uapi" "$build/tree/" &&
		cp -R "$top/userspace/Makefile" "$top/userspace/lib" "$top/userspace/man" "$build/tree/userspace/" &&
		make -C "$build/tree/userspace" clean &&
		make -C "$build/tree/userspace" install-library PREFIX="$build/usr" LDCONFIG=:
}

build_examples()
{
	flags=$(PKG_CONFIG_PATH=$build/usr/lib/pkgconfig pkg-config --cflags --libs libiodemo) &&
		eval "cc -O2 -Wall -Wextra -Werror -pthread -o \"\$build/loop\" \"\$examples/loop.c\" $flags" &&
		CGO_ENABLED=0 GOFLAGS=-mod=mod GO111MODULE=off go build -o "$build/deadline" "$examples/deadline.go"
}

# In the guest, which sees the files of this machine
guest_command()
{
	cat <<-END
		export LD_LIBRARY_PATH='$build/usr/lib'
		try()
		{
			name=\$1
			shift
			timeout 120 "\$@" && echo "ok \$name" || echo "not ok \$name: status \$?"
		}
		try loop.c '$build/loop'
		try reader.py python3 '$examples/reader.py'
		try stream.js node '$examples/stream.js'
		try deadline.go '$build/deadline'
	END
}

"$top/scripts/setup.sh" vm build examples
lock "$build/lock"
step 'installing the library' install_library
step 'building the examples' build_examples
unlock

rm -f "$build/output"
{
	"$top/scripts/run.sh" -k "${KERNEL:-6.1}" -p period_us=0 -t 600 "$(guest_command)" 2>&1 || echo "not ok: status $?"
} | tee "$build/output"
passed=$(grep -c '^ok ' "$build/output") || :
failed=$((4 - passed))
! grep -q '^not ok' "$build/output" || [ "$failed" -gt 0 ] || failed=1
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
