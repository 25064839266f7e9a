"""Documents drawn in code, with everything about them known exactly.

``generate(index, seed=...)`` draws one page: words with boxes, labelled spans, key-value links, the document's
class and question-answer pairs; then degrades it as a scanner, a phone or a thermal printer does, the boxes
following every bend. The same arguments give the same bytes, and a page depends on nothing but its own index, so
ranges can be drawn in any order by any number of processes.

Classes (``KINDS``): receipt, invoice, contract, form, letter, email, resume, scientific_article, report.
``degrade`` does the same to any grey page, so that real documents of all classes can be made to look alike.
Layouts are drawn by generators that belong either to ``layouts="train"`` or to ``layouts="heldout"``, never to both.

What a page becomes in a file: one JSON object a line (UTF-8), images beside it.

==============  =====================================================================================================
``image``       path of the picture, relative to the JSON-lines file
``width``,      of the picture, in pixels; all boxes are in these pixels, origin top left, x to the right, y downwards
``height``
``class``       document class, one of ``KINDS``
``layout``      which generator drew it, such as ``"receipt.grocer"`` (for reports; absent in other people's data)
``words``       ``[{"text": "9.00", "box": [x0, y0, x1, y1]}, ...]`` in reading order; what white space separates
``lines``       ``[{"text": "TOTAL: 9.00", "box": [...], "words": [i, j, ...]}, ...]``; every word is in one line
``entities``    ``{"company": "...", "date": "...", "address": "...", "total": "9.00", ...}``: values as printed, words
                joined by one space; keys are the labels in lower case; a field that is not on the page is absent
``spans``       ``[{"label": "TOTAL", "words": [i, ...], "text": "9.00"}, ...]``: labelled words, indices ascending (may
                have gaps where columns interleave in reading order). Line items repeat their labels. **Absent** where a
                page was not labelled for key information (all classes but receipt and invoice): that is not the same
                as an empty list, which says that nothing here is an entity
``links``       ``[[[key word indices], [value word indices]], ...]``: key-value pairs of receipts, invoices and forms
``questions``   ``[{"question": "...", "answers": ["9.00"], "spans": [[i, ...]]}, ...]``: every span is a run of
                consecutive word indices, one for each place where the answer stands, ``answers`` the texts of these
                places; both are empty where the page does not answer the question
==============  =====================================================================================================

Span labels: COMPANY, DATE, ADDRESS, TOTAL (as in SROIE: the date without the time; the amount to be paid after
rounding, where it is stated as the total; words of the amount only, a currency sign only when it touches the
amount), INVOICE_NUMBER, DUE_DATE, TAX, SUBTOTAL, ITEM_DESCRIPTION, ITEM_QUANTITY, ITEM_AMOUNT.
COMPANY and ADDRESS are the issuer's, never the customer's.

File by file::

    drawing        ``generate``: one page from its index
    content        what is printed: values, vocabulary, wordings, prose, locales
    layouts        where it is printed: receipts (receipt_sections, till, bills, totals), invoices (invoice_sections),
                   contracts, forms (form_fields, captions), letters, resumes, articles, reports; desk is what all but
                   receipts are written on
    sheet, fonts   the paper, which remembers every word, and the typefaces
    questions      questions about what was printed
    assembly       a written sheet -> a page; degradation ages it, ``page`` is its form, writing puts it into files
"""

from layoutserve.model.training.synthesis.degradation import Degraded, degrade
from layoutserve.model.training.synthesis.drawing import HELDOUT_LAYOUTS, KINDS, TRAIN_LAYOUTS, generate
from layoutserve.model.training.synthesis.page import SyntheticPage

__all__ = [
    "HELDOUT_LAYOUTS",
    "KINDS",
    "TRAIN_LAYOUTS",
    "Degraded",
    "SyntheticPage",
    "degrade",
    "generate",
]
