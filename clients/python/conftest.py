"""Tests run against the manager of this checkout, whatever the environment says and whichever is installed."""

import os
from pathlib import Path

for name in [name for name in os.environ if name.startswith("MCP_MANAGER_")]:
    del os.environ[name]
os.environ["MCP_MANAGER_COMMAND"] = str(Path(__file__).parents[2] / "packages" / "cli" / "bin" / "mcp-manager.js")
