"""The quickstart page, run as it stands: its commands in one shell, against `wagate sandbox` and the real engine."""

import asyncio
import os
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def transcript() -> str:
    """The shell blocks of the page, in order, as one script that stops at the first failure."""
    page = (ROOT / "docs" / "quickstart.md").read_text("utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    return "\n".join(["set -euo pipefail", "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT", *blocks])


async def _all_it_says(shell: asyncio.subprocess.Process) -> str:
    """The shell's output; when it hangs, what it said until then is the failure's message."""
    assert shell.stdout is not None
    said = bytearray()
    try:
        async with asyncio.timeout(90):
            while chunk := await shell.stdout.read(4096):
                said += chunk
            await shell.wait()
    except TimeoutError:
        shell.terminate()
        await shell.wait()
        pytest.fail(f"the page hangs after: {said.decode(errors='replace')[-3000:]}")
    return said.decode(errors="replace")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The folder a reader stands in: it has docs/, and what the page writes must not litter the real one."""
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    return tmp_path


@pytest.mark.timeout(180)
async def test_the_quickstart_leads_from_nothing_to_an_answered_message(project: Path) -> None:
    environment = dict(os.environ, PATH=f"{Path(sys.executable).parent}:{os.environ['PATH']}")

    shell = await asyncio.create_subprocess_exec(
        "bash",
        "-c",
        transcript(),
        cwd=project,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said = await _all_it_says(shell)

    assert shell.returncode == 0, said[-4000:]
    assert "session: connected" in said
    assert "message: delivered" in said
    assert "message: read" in said
    answer = next(line for line in said.splitlines() if "On my way" in line and line.startswith("message.received"))
    assert '"type": "text"' in answer
    assert not (project / "rig.json").exists(), "the page cleans up after itself"


def test_the_quickstart_names_each_step_it_promises() -> None:
    page = (ROOT / "docs" / "quickstart.md").read_text("utf-8")

    for promised in ("wagate sandbox", "/sessions", "/qr", "/scan", "/messages", "/read", "/webhooks"):
        assert promised in page
