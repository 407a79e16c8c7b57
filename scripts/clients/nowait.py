# SPDX-License-Identifier: GPL-2.0-only
"""preadv2 with RWF_NOWAIT, on a file that blocks; nowait.py FILE LINES"""
import os
import select
import sys

path, left = sys.argv[1], int(sys.argv[2])
fd = os.open(path, os.O_RDONLY)
buffer = bytearray(4096)
try:
    os.preadv(fd, [buffer], -1, os.RWF_NOWAIT)
except BlockingIOError:
    print("waits", file=sys.stderr, flush=True)
while left > 0:
    select.select([fd], [], [])
    size = os.preadv(fd, [buffer], -1, os.RWF_NOWAIT)
    sys.stdout.write(buffer[:size].decode())
    left -= buffer.count(b"\n", 0, size)
