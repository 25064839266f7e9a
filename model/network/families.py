"""Every network of the family by Hugging Face's ``model_type``."""

from dataclasses import dataclass

from layoutserve.model.network import layoutlm, layoutlmv2, layoutlmv3, lilt
from layoutserve.model.network.config import NetworkConfig
from layoutserve.model.network.document_network import DocumentNetwork


@dataclass(frozen=True, slots=True)
class Family:
    """One of the relatives. architecture: what Hugging Face's class names begin with."""

    architecture: str
    config: type[NetworkConfig]
    network: type[DocumentNetwork]


FAMILIES = {
    "layoutlm": Family("LayoutLM", layoutlm.Config, layoutlm.LayoutLM),
    "layoutlmv2": Family("LayoutLMv2", layoutlmv2.Config, layoutlmv2.LayoutLMv2),
    # The same network with another vocabulary; public checkpoints are often called LayoutLMv2.
    "layoutxlm": Family("LayoutXLM", layoutlmv2.Config, layoutlmv2.LayoutLMv2),
    "layoutlmv3": Family("LayoutLMv3", layoutlmv3.Config, layoutlmv3.LayoutLMv3),
    "lilt": Family("Lilt", lilt.Config, lilt.Lilt),
}
