"""Documents drawn in code, with everything about them known exactly.

A page is words with boxes, labelled spans, key-value links, the document's class and question-answer pairs; it is
degraded as a scanner, a phone or a thermal printer does, the boxes following every bend. The same arguments give the
same bytes, and a page depends on nothing but its own index, so ranges can be drawn in any order by any number of
processes. Layouts belong either to ``layouts="train"`` or to ``layouts="heldout"``, never to both. Two collections:

- ``draw_page``: pages of twenty countries in ten languages, by families of layouts (``layouts.families``). Classes
  (``WORLD_KINDS``): receipt, invoice, order, form, letter, resume, report, other, and the last three of ``generate``.
- ``generate``: the layouts of the first release, drawn exactly as they were, because figures were published on those
  held out. Classes (``KINDS``): receipt, invoice, contract, form, letter, email, resume, scientific_article, report.

``degrade`` does the same to any grey page, so that real documents of all classes can be made to look alike.

What a page becomes in a file: one JSON object a line (UTF-8), images beside it.

==============  =====================================================================================================
``image``       path of the picture, relative to the JSON-lines file
``width``,      of the page, in pixels; all boxes are in these pixels, origin top left, x to the right, y downwards
``height``      (the picture may be kept smaller, as a thumbnail)
``class``       document class
``layout``      which generator drew it, such as ``"receipt.grocer"`` (for reports; absent in other people's data)
``words``       ``[{"text": "9.00", "box": [x0, y0, x1, y1]}, ...]`` in reading order; what white space separates
``lines``       ``[{"text": "TOTAL: 9.00", "box": [...], "words": [i, j, ...]}, ...]``; every word is in one line
``entities``    ``{"company": "...", "date": "...", "address": "...", "total": "9.00", ...}``: values as printed, words
                joined by one space; keys are the labels in lower case; a field that is not on the page is absent
``spans``       ``[{"label": "TOTAL", "words": [i, ...], "text": "9.00"}, ...]``: labelled words, indices ascending (may
                have gaps where columns interleave in reading order). Line items repeat their labels; ``"row": 2`` says
                to which item (or, for TAX_LINE, TAX_RATE and TAX_BASE, to which rate) one belongs, from 0. **Absent**
                where a page was not labelled for key information: that is not the same as an empty list, which says
                that nothing here is an entity
``links``       ``[[[key word indices], [value word indices]], ...]``: key-value pairs; a key with several answers is in
                several
``keys``        ``[[word indices], ...]``: all keys, those that nobody answered, too
``selections``  ``[{"box": [...], "checked": true, "words": [i, ...], "key": [j, ...]}, ...]``: boxes to tick, with the
                words of their own text and of the question that they answer
``headings``    ``[{"words": [i, ...], "keys": [k, ...]}, ...]``: sections and which of ``keys`` stand in them
``heads``       ``[{"label": "ITEM_AMOUNT", "words": [i, ...], "text": "Amount"}, ...]``: heads of an item table
``questions``   ``[{"question": "...", "answers": ["9.00"], "spans": [[i, ...]]}, ...]``: every span is a run of
                consecutive word indices, one for each place where the answer stands, ``answers`` the texts of these
                places; both are empty where the page does not answer the question
==============  =====================================================================================================

``keys`` to ``heads`` and ``row`` are the world's only, and absent where empty.

Span labels: COMPANY, DATE, ADDRESS, TOTAL (as in SROIE: the date without the time; the amount to be paid after
rounding, where it is stated as the total; words of the amount only, a currency sign only when it touches the
amount), INVOICE_NUMBER, DUE_DATE, TAX, SUBTOTAL, ITEM_DESCRIPTION, ITEM_QUANTITY, ITEM_AMOUNT; on the world's pages
those of ``assembly.WORLD_LABELS``. COMPANY, ADDRESS and TAX_ID are the issuer's, never the customer's. There, TOTAL is
the gross total (with the tip), AMOUNT_DUE what is left of it, TAX the whole tax, TAX_LINE a part of it where there are
several rates or halves; SUBTOTAL is without tax, so that SUBTOTAL + SHIPPING + SERVICE_CHARGE + taxes + TIP + ROUNDING
and the (negative) DISCOUNT are TOTAL wherever a page says them all. Only a value's first place is labelled.

File by file::

    drawing        ``generate``: one page from its index, as the first release drew it
    world          ``draw_page``: one page of the world
    content        what is printed: values, vocabulary, wordings, prose, locales of the first release; regions and what
                   is said in their languages in tables, regional (values by country), trade (what is sold, and what it
                   comes to)
    layouts        where it is printed, by the first release: receipts (receipt_sections, till, bills, totals),
                   invoices (invoice_sections), contracts, forms (form_fields, captions), letters, resumes, articles,
                   reports; desk is what all but receipts are written on. By the world's families (family): till rolls
                   (roll, roll_blocks, roll_sums, roll_families); invoices, orders and receipts on paper (office,
                   office_blocks, office_meta, office_parties, office_table, office_sums, office_families);
                   paper_forms, paper_letters, paper_resumes, paper_reports and others
    sheet, fonts   the sheet, which remembers every word, and the typefaces; paper is the world's sheet, with lettering
    questions      questions about what was printed; interview asks the world's
    assembly       a written sheet -> a page; degradation and aging age it, ``page`` is its form, writing puts it into
                   files
"""

from layoutserve.model.training.synthesis.degradation import Degraded, degrade
from layoutserve.model.training.synthesis.drawing import HELDOUT_LAYOUTS, KINDS, TRAIN_LAYOUTS, generate
from layoutserve.model.training.synthesis.layouts.families import HELDOUT as HELDOUT_FAMILIES
from layoutserve.model.training.synthesis.layouts.families import TRAIN as TRAIN_FAMILIES
from layoutserve.model.training.synthesis.page import SyntheticPage
from layoutserve.model.training.synthesis.world import WORLD_KINDS, draw_page

__all__ = [
    "HELDOUT_FAMILIES",
    "HELDOUT_LAYOUTS",
    "KINDS",
    "TRAIN_FAMILIES",
    "TRAIN_LAYOUTS",
    "WORLD_KINDS",
    "Degraded",
    "SyntheticPage",
    "degrade",
    "draw_page",
    "generate",
]
