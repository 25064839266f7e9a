"""What the heads said becomes an answer: ``kie`` (with ``fields``), ``classification``, ``docvqa``.

``rules`` names the decoding rules, ``text_flow`` says how the words of a page follow each other.
"""
