"""Places on the page as vectors: tables for left and right edges, top and bottom edges, heights and widths.

Boxes are int64, 0-1000: x0, y0, x1, y1. The relatives differ in what becomes of the six vectors of a box: LayoutLMv2,
LayoutLMv3 and LiLT lay them side by side, LayoutLM adds them up.
"""

import torch
from torch import Tensor, nn

PAGE = 1000
"""The page's width and height in the units of boxes."""


class BoxEmbeddings(nn.Module):
    """The four tables: of ``edge_size`` numbers an edge and ``shape_size`` numbers a height or width."""

    def __init__(self, entries: int, edge_size: int, shape_size: int) -> None:
        super().__init__()
        self.x_position_embeddings = nn.Embedding(entries, edge_size)
        self.y_position_embeddings = nn.Embedding(entries, edge_size)
        self.h_position_embeddings = nn.Embedding(entries, shape_size)
        self.w_position_embeddings = nn.Embedding(entries, shape_size)

    def boxes(self, bbox: Tensor) -> list[Tensor]:
        """Bbox int64 (B, N, 4) -> six vectors of each box: x0, y0, x1, y1, height, width."""
        x0, y0, x1, y1 = bbox.unbind(-1)
        return [
            self.x_position_embeddings(x0),
            self.y_position_embeddings(y0),
            self.x_position_embeddings(x1),
            self.y_position_embeddings(y1),
            self.h_position_embeddings(y1 - y0),
            self.w_position_embeddings(x1 - x0),
        ]

    def layout(self, bbox: Tensor) -> Tensor:
        """Bbox int64 (B, N, 4) -> (B, N, 4 * edge_size + 2 * shape_size): the six vectors side by side."""
        return torch.cat(self.boxes(bbox), dim=-1)


def grid_boxes(rows: int, columns: int) -> Tensor:
    """Boxes of a grid of ``rows`` x ``columns`` over the whole page, row by row: int64 (rows * columns, 4)."""
    x = torch.arange(columns + 1) * PAGE // columns
    y = torch.arange(rows + 1) * PAGE // rows
    top, left = torch.meshgrid(y[:-1], x[:-1], indexing="ij")
    bottom, right = torch.meshgrid(y[1:], x[1:], indexing="ij")
    return torch.stack([left, top, right, bottom], dim=-1).reshape(rows * columns, 4)
