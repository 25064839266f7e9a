"""From a page's pixels to words.

``reader`` knows the order: ``detection`` finds lines, ``lines`` cuts them out and apart, ``recognition`` reads them
and ``ctc`` decodes its probabilities. Large pages are looked at in ``parts``, and again if much ink is ``unread``.
``engine`` holds the models that ``store`` fetches from a ``package_index``, ``models`` describes and ``int8`` makes
fast; ``paddle`` lets PaddleOCR run them itself.
"""
