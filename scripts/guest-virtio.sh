#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# guest-virtio.sh: load iodemo-virtio, and let it have the virtio consoles that are for it; in the guest it is called
# iodemo-virtio-load, and takes the parameters of iodemo
#
# usage: iodemo-virtio-load [PARAMETER=VALUE]...

modprobe -qa virtio_pci

# The kernel's own driver has what was there when it was loaded, or all if it is built in. Of these, one that talks of
# several ports (the second feature bit) is none for us.
for device in /sys/bus/virtio/drivers/virtio_console/virtio*; do
	[ ! -e "$device" ] || [ "$(cut -c 2 "$device/features")" = 1 ] ||
		echo "${device##*/}" >/sys/bus/virtio/drivers/virtio_console/unbind
done
modprobe iodemo "$@" && modprobe iodemo-virtio
