"""The third graph of a bundle with a relation head: states of the text and entities -> logits of all pairs."""

import numpy as np
import onnx_ir as ir
from torch import nn

from layoutserve.model.network.document_network import DocumentNetwork
from layoutserve.model.network.graph_builder import GraphBuilder


def relations_graph(network: DocumentNetwork) -> GraphBuilder | None:
    """Build it: text_states (B, L, D), entity_start and entity_label (B, E) -> relation_logits (B, E, E, 2).

    As ``relations.Extractor``; None for a network without the head.
    """
    if "relations" not in network.heads:
        return None
    g, extractor, size = GraphBuilder("relations"), network.relations.extractor, network.config.hidden_size
    text = g.input("text_states", ir.DataType.FLOAT, ["B", "L", size])
    start = g.input("entity_start", ir.DataType.INT64, ["B", "E"])
    label = g.input("entity_label", ir.DataType.INT64, ["B", "E"])
    none = g.constant(np.array(0, np.int64))
    there = g.op("GreaterOrEqual", start, none)
    first = g.op("Unsqueeze", g.op("Max", start, none), g.ints(2))
    states = g.op("GatherND", text, first, batch_dims=1)  # (B, E, D)
    kinds = g.gather(extractor.entity_emb, g.op("Where", there, label, none), "entity_emb")
    entities = g.op("Concat", states, kinds, axis=-1)
    head = _projection(g, extractor.ffnn_head, entities, "ffnn_head")
    tail = _projection(g, extractor.ffnn_tail, entities, "ffnn_tail")
    classifier, half = extractor.rel_classifier, size // 2
    # (B, E, half) by (half, 2 * half): both outputs' products at once, then (B, 2, E, half) by (B, 1, half, E).
    weight = classifier.bilinear.weight.permute(1, 0, 2).reshape(half, 2 * half)
    both = g.op("Reshape", g.op("MatMul", head, g.constant(weight, "bilinear.weight")), g.ints(0, 0, 2, half))
    other = g.op("Unsqueeze", g.op("Transpose", tail, perm=[0, 2, 1]), g.ints(1))
    pairs = g.op("MatMul", g.op("Transpose", both, perm=[0, 2, 1, 3]), other)  # (B, 2, E, E)
    of_head, of_tail = classifier.linear.weight.chunk(2, dim=1)
    alone = g.op(
        "Add", g.op("MatMul", head, g.constant(of_head.t(), "linear.head")), g.constant(classifier.linear.bias)
    )
    partner = g.op("MatMul", tail, g.constant(of_tail.t(), "linear.tail"))
    logits = g.op("Transpose", pairs, perm=[0, 2, 3, 1])
    logits = g.op("Add", logits, g.op("Unsqueeze", alone, g.ints(2)))
    logits = g.op("Add", logits, g.op("Unsqueeze", partner, g.ints(1)))
    real = [g.op("Unsqueeze", there, g.ints(*axes)) for axes in ((2, 3), (1, 3))]
    logits = g.op("Where", g.op("And", *real), logits, g.scalar(0.0))
    g.output("relation_logits", logits, ["B", "E", "E", 2])
    return g


def _projection(g: GraphBuilder, layers: nn.Sequential, value: ir.Value, name: str) -> ir.Value:
    for number, module in enumerate(layers):
        if isinstance(module, nn.Linear):
            value = g.op("Relu", g.linear(value, module, f"{name}.{number}"))
    return value
