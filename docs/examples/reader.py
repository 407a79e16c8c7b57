#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""asyncio under test: one call of the reader for each time that the device fires"""
import asyncio
import ctypes
import os

lib = ctypes.CDLL("libiodemo.so.1")
lib.iodemo_expect.argtypes = ctypes.c_char_p, ctypes.c_size_t, ctypes.c_void_p
lib.iodemo_expect.restype = ctypes.c_ssize_t


def call(name, *arguments):
    result = getattr(lib, "iodemo_" + name)(*arguments)
    if result < 0:
        raise OSError(-result, name + ": " + os.strerror(-result))
    return result


async def main():
    fd = call("open", None, os.O_RDWR | os.O_NONBLOCK)
    call("configure", fd, 0, 1)
    seq = ctypes.c_uint64()
    call("next", fd, ctypes.byref(seq))
    reads = asyncio.Queue()
    asyncio.get_running_loop().add_reader(fd, lambda: reads.put_nowait(os.read(fd, 4096)))
    for count in 1, 2, 3:
        call("fire", fd, count)
        data = await asyncio.wait_for(reads.get(), 10)
        assert call("expect", data, len(data), ctypes.byref(seq)) == count
    assert reads.empty() and call("wait_handled", fd, 0) == 0
    print("asyncio: 6 records in 3 reads")


asyncio.run(main())
