"""An agent's view of MCP Manager: the official MCP SDK lists the tools of every server through one endpoint, and calls one of them.

The manager is started here, with the servers of the quick start, and ends with this script. For one that runs already, take `embedded` and
`config_file` out. Run it after `npm run set-up -- --examples`, in an environment with `pip install ./clients/python mcp`:

    python examples/python/agent.py "good morning"
"""

import asyncio
import sys
from pathlib import Path

import httpx2
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

from mcp_manager import create_manager

QUICKSTART = Path(__file__).resolve().parents[1] / "quickstart.yaml"


async def main(message: str) -> None:
    """Lists the tools and has the message echoed."""
    async with create_manager({"embedded": True, "config_file": QUICKSTART}) as manager:
        for server in await manager.list_servers():
            await server.wait_ready()
        # An agent gets a key that may use tools and nothing else.
        key = (await manager.create_api_key("agent", roles=["caller"]))["key"]
        async with (
            httpx2.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=60) as http,
            Client(streamable_http_client(manager.mcp_url, http_client=http)) as client,
        ):
            tools = (await client.list_tools()).tools
            print(f"{len(tools)} tools: {', '.join(sorted(tool.name for tool in tools)[:5])}, …")
            result = await client.call_tool("everything__echo", {"message": message})
            print(*(block.text for block in result.content if block.type == "text"))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "hello"))
