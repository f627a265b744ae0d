"""Entry point: ``python -m sessions.sandbox --data DIR``."""

from __future__ import annotations

import sys

from sessions.sandbox.process import main

if __name__ == "__main__":
    sys.exit(main())
