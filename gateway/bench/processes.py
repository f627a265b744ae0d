"""What the kernel says of the gateway's worker processes (Linux only)."""

from __future__ import annotations

from pathlib import Path


def workers_of(gateway_pid: int) -> list[int]:
    """The worker processes started by this gateway."""
    return [pid for pid in _descendants(gateway_pid) if "sessions.worker" in _command_line(pid)]


def proportional_mib(pid: int) -> float:
    """The proportional set size: private memory plus a fair share of what is mapped by several processes."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise LookupError(f"the kernel gives no proportional size for process {pid}")


def _descendants(root: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            parent = _parent_of(folder)
            if parent is not None:
                parents.setdefault(parent, []).append(int(folder.name))
    found, pending = [], [root]
    while pending:
        children = parents.get(pending.pop(), [])
        found += children
        pending += children
    return found


def _parent_of(folder: Path) -> int | None:
    try:
        status = (folder / "stat").read_text("utf-8", errors="replace")
    except OSError:
        return None  # gone since the listing
    return int(status.rpartition(")")[2].split()[1])


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""  # gone since the listing
