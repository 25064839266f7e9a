"""Scalars, boxes and polygons of the wire, with the limits and words that the contract has for them."""

from typing import Annotated

from pydantic import BeforeValidator, Field


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


# JSON Schema, and so the contract, calls 1.0 an integer too.
Whole = BeforeValidator(_whole)
Number = Annotated[float, Field(allow_inf_nan=False)]
BoxTuple = Annotated[
    tuple[Number, Number, Number, Number],
    Field(description="x0, y0, x1, y1 in pixels of the page as sent", examples=[[42.0, 310.5, 118.0, 331.0]]),
]
PointTuple = tuple[Number, Number]
PolygonTuple = Annotated[
    tuple[PointTuple, PointTuple, PointTuple, PointTuple],
    Field(description="Corners in reading direction: top left, top right, bottom right, bottom left"),
]
Score = Annotated[float, Field(ge=0, le=1, description="Probability from 0 to 1", examples=[0.97])]
PageNumber = Annotated[int, Field(ge=1, description="Number of the page in the document, from 1", examples=[1]), Whole]
