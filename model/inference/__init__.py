"""Arrays through the graphs of a bundle.

``session`` runs them, on a GPU with what ``device`` keeps there; ``visual_cache`` and ``caches`` know what was computed
before.
"""
