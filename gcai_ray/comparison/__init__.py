"""Two or more constitutions, whoever wrote them → what they share, what each is about, whom each
covers: as text, as JSON and as a page.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from gcai_ray.errors import ConfigError, StorageError


def compare(paths: Sequence[str], page: str | None = None, as_json: bool = False) -> str:
    """Compare the constitutions at some paths (`reading.read_constitution`), in that order.

    Args:
        paths: two or more; the first is the one differences are taken to.
        page: a file to write the comparison to as HTML, over one that may stand there.
        as_json: return a JSON document with every figure instead of text of 100 columns.

    Raises:
        ConfigError: fewer than two paths, or more than 26.
        InputError: a path that holds no list of principles.
        ArtifactError: a run without a constitution, or of another version.
        StorageError: the page cannot be written.
    """
    from gcai_ray.comparison.build import LETTERS, comparison_of
    from gcai_ray.comparison.reading import read_constitution

    if not 2 <= len(paths) <= len(LETTERS):
        raise ConfigError(
            f"gcai compare: {len(paths)} constitutions given; name 2 to {len(LETTERS)}"
        )
    comparison = comparison_of([read_constitution(path) for path in paths])
    if page is not None:
        from gcai_ray.comparison.page import render_comparison

        _write(page, render_comparison(comparison))
    if as_json:
        from gcai_ray.comparison.document import comparison_document

        return json.dumps(comparison_document(comparison), indent=2, ensure_ascii=False)
    from gcai_ray.comparison.table import comparison_text

    return comparison_text(comparison)


def _write(page: str, html: str) -> None:
    try:
        Path(page).write_text(html, encoding="utf-8")
    except OSError as error:
        raise StorageError(f"cannot write {page}: {error.strerror or error}") from error
