# SPDX-License-Identifier: GPL-2.0-only
"""The mapped ring: the data of the last records; ring.py FILE RECORDS"""
import mmap
import os
import struct
import sys

path, count = sys.argv[1], int(sys.argv[2])
fd = os.open(path, os.O_RDONLY)
with mmap.mmap(fd, 4096, mmap.MAP_SHARED, mmap.PROT_READ) as page:
    begun, head, capacity = struct.unpack_from("=QQI", page)
with mmap.mmap(fd, 4096 + 64 * capacity, mmap.MAP_SHARED, mmap.PROT_READ) as ring:
    for seq in range(head - count, head):
        record = struct.unpack_from("=QQIHH40s", ring, 4096 + 64 * (seq % capacity))
        print(record[0], record[-1].decode())
