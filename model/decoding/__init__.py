"""Logits of the heads become answers: ``kie`` (with ``fields``), ``classification``, ``docvqa``.

``document`` calls them, for the pipeline and for whoever measures it. ``rules`` names the decoding rules, ``text_flow``
says how the words of a page follow each other.
"""
