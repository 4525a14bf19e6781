"""Forwards ports of a local address to the same ports of 127.0.0.1, until it is killed: lead.py ADDRESS PORT…"""

import asyncio
import sys


async def pour(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Copies everything, until one side ends."""
    try:
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
    except ConnectionError:
        pass
    finally:
        target.close()


async def lead(address: str, ports: list[int]) -> None:
    """Listens on every port."""

    async def serve(port: int) -> None:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                there, back = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                writer.close()
                return
            await asyncio.gather(pour(reader, back), pour(there, writer))

        server = await asyncio.start_server(connected, address, port)
        async with server:
            await server.serve_forever()

    await asyncio.gather(*(serve(port) for port in ports))


if __name__ == "__main__":
    asyncio.run(lead(sys.argv[1], [int(port) for port in sys.argv[2:]]))
