# SPDX-License-Identifier: GPL-2.0-only
"""asyncio: a pipe writer; writer.py FILE TEXT..."""
import asyncio
import sys


async def main(path, texts):
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, open(path, "wb", 0))
    writer = asyncio.StreamWriter(transport, protocol, None, loop)
    for text in texts:
        writer.write(text.encode() + b"\n")
        await writer.drain()
    writer.close()


asyncio.run(main(sys.argv[1], sys.argv[2:]))
