"""Where things lie, for tests (two `conftest` modules stand in each other's way)."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parent.parent
