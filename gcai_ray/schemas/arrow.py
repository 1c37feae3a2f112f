"""A row type → its Arrow schema. Knows no particular row."""

from __future__ import annotations

from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from gcai_ray.schemas.base import EMBEDDING_DIM, Vector

if TYPE_CHECKING:
    import pyarrow as pa


def arrow_schema(model: type[BaseModel], columns: list[str] | None = None) -> pa.Schema:
    """The Arrow schema of a row type, or of some of its columns.

    Optional fields are nullable, all others are not.
    """
    import pyarrow as pa

    hints = get_type_hints(model, include_extras=True)
    names = model.model_fields if columns is None else columns
    return pa.schema([_arrow_field(name, hints[name]) for name in names])


def _arrow_field(name: str, annotation: Any) -> pa.Field:
    import pyarrow as pa

    options = (
        get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    )
    concrete = [option for option in options if option is not NoneType]
    nullable = len(concrete) < len(options)
    found = _arrow_type(concrete[0])
    if nullable and pa.types.is_struct(found):
        # Arrow keeps the children of an absent struct as nulls, so they may be null wherever the
        # struct may.
        found = pa.struct([field.with_nullable(True) for field in found])
    return pa.field(name, found, nullable=nullable)


def _arrow_type(annotation: Any) -> pa.DataType:
    import pyarrow as pa

    if annotation is Vector:
        return pa.list_(pa.float32(), EMBEDDING_DIM)
    if get_origin(annotation) is Annotated:
        return _arrow_type(get_args(annotation)[0])
    if get_origin(annotation) is list:
        return pa.list_(_arrow_field("element", get_args(annotation)[0]))
    if issubclass(annotation, BaseModel):
        return pa.struct(list(arrow_schema(annotation)))
    if issubclass(annotation, str):
        return pa.string()
    return {int: pa.int64(), float: pa.float64(), bool: pa.bool_()}[annotation]
