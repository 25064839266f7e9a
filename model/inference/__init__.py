"""Inference: windows of a page through the graphs of a bundle.

``session`` runs the graphs, on a GPU with what ``device`` keeps there; ``named_arrays`` checks what comes from outside;
``visual_cache`` and ``caches`` hold what was computed before.
"""
