"""Makes src/mcp_manager/_gen from proto/ of the checkout; `--into DIR` writes elsewhere, which is how the test compares.

Only messages are made: the methods are called by the names that the service's descriptor has (see calls.py). protoc writes imports
from the top level; here they are put under `mcp_manager._gen`, so that nothing of ours lies beside other people's packages.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

PACKAGE = Path(__file__).resolve().parents[1]
PROTO = PACKAGE.parents[1] / "proto"
GENERATED = PACKAGE / "src" / "mcp_manager" / "_gen"


def generate(into: Path) -> None:
    """Writes the generated package into an existing, empty folder. Exits with protoc's words when it refuses."""
    sources = sorted(str(path) for path in (PROTO / "mcpmanager").rglob("*.proto"))
    includes = [f"-I{PROTO}", f"-I{files('grpc_tools') / '_proto'}"]
    status = protoc.main(["protoc", *includes, f"--python_out={into}", f"--pyi_out={into}", *sources])
    if status != 0:
        sys.exit(f"protoc ended with status {status}")
    for path in into.rglob("*_pb2.py*"):
        text = re.sub(r"^from mcpmanager\.", "from mcp_manager._gen.mcpmanager.", path.read_text(), flags=re.MULTILINE)
        path.write_text(text)
    (into / "__init__.py").write_text('"""Made from proto/ by scripts/generate.py; not edited by hand."""\n')
    for folder in (into / "mcpmanager", into / "mcpmanager" / "v1"):
        (folder / "__init__.py").write_text("")


def main() -> None:
    """Writes into the package, in place of what is there, or into a folder that is named."""
    parser = argparse.ArgumentParser(description="Make mcp_manager._gen from proto/.")
    parser.add_argument("--into", type=Path, default=GENERATED)
    into: Path = parser.parse_args().into
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True)
    generate(into)


if __name__ == "__main__":
    main()
