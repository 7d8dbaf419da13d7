"""The programs in the documentation and the examples run and print what they say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from servers import ROOT

PAGES = [ROOT / "docs" / "guides" / "python.md", ROOT / "clients" / "python" / "README.md"]
PROGRAMS = [
    (page.name, at, text) for page in PAGES for at, text in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL))
]


def run(*arguments: str | Path) -> list[str]:
    """What a program prints, run in the folder of the checkout."""
    env = {**os.environ, "PYTHONPATH": str(ROOT / "clients" / "python" / "src")}
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, env=env, timeout=100)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize(("page", "at", "text"), PROGRAMS, ids=[f"{page}-{at}" for page, at, _ in PROGRAMS])
def test_a_program_of_the_documentation_runs(page: str, at: int, text: str) -> None:
    printed = run("-c", text)
    assert printed
    said = re.search(r"print\(result\.text\)  # (.*)", text)
    if said is not None:
        assert printed == [said.group(1)]


def test_the_agent_of_the_examples_lists_tools_and_calls_one() -> None:
    listed, answered = run(ROOT / "examples" / "python" / "agent.py", "good morning")
    assert "tools: everything__" in listed
    assert answered == "Echo: good morning"
