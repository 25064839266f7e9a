"""RoBERTa's numbering of positions, which LayoutLMv3 and LiLT took over."""

from torch import Tensor


def positions_after_padding(input_ids: Tensor, pad_token_id: int) -> Tensor:
    """Tokens int64 (B, L) -> positions int64 (B, L): pad_token_id + 1, + 2, ...; padding has pad_token_id itself.

    So the table of positions has pad_token_id + 1 more entries than the longest text has tokens.
    """
    there = (input_ids != pad_token_id).long()
    return there.cumsum(dim=1) * there + pad_token_id
