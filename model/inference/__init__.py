"""Inference: windows of a page through the graphs of a bundle.

``session`` runs the graphs, on a GPU with what ``device`` keeps there; ``visual_cache`` and ``caches`` hold what was
computed before.
"""
