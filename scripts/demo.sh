#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# demo.sh: show the device, the five demos and their comparison in the virtual machine
#
# usage: [KERNEL=6.1] scripts/demo.sh
set -eu
. "$(dirname "$0")/lib.sh"

arguments 0 "$@"
exec "$top/scripts/vm.sh" -k "${KERNEL:-6.1}" -p 'modules userspace' -t 300 run "$(cat "$top/scripts/guest-demo.sh")"
