"""The document model: pages in, entities, classes and answers out. Knows no HTTP, no settings, no asyncio.

One page, in the order of data::

    pipeline               the order of all that follows: a generator that yields work and is sent the results
    bundle                 a folder with all that running a model takes; ``bundles`` has the one that comes along
    page/document          bytes -> pages, one at a time, by ``images`` or ``pdf``
    page/images            pictures as RGB: their ``depth``, ``compositing`` of transparent ones, ``repair`` of files
    page/text_layer        words of a PDF's own ``characters`` that a person sees: ``visibility`` compares them
                           with the page, ``letter_shapes`` with their glyphs; ``annotations`` are laid on it before
    page/merging           these words and what OCR reads of the rest, as one page
    page/given_words       the words that came with the request instead
    page/reading_order     pieces of text as a person reads them; ``scripts`` knows how writing systems differ
    page/elements          what comes out: words, marks, fields, the page; ``drawing`` shows it
    page/geometry          boxes, polygons, and all quarter turns
    ocr/reader             pixels -> words: lines by ``detection``, cut by ``lines``, read by ``recognition``, ``ctc``
    ocr/parts              large pages in parts; ``unread`` is ink that tells of more to read
    ocr/engine             the models behind it: in ``int8``, or run by ``paddle``; ``models`` says what their files say
    ocr/store              where their files come from: a ``package_index``
    encoding/encoder       words -> arrays of 512 tokens, checked by ``tensors``; ``windows`` knows which word is where
    inference/session      arrays -> logits: the visual graph once a page, the encoder by windows
    inference/device       pages that stay on the GPU; ``visual_cache`` and ``caches`` keep what was computed
    decoding/document      what the heads said of pages -> findings of a document, task by task
    decoding/kie           logits -> entities and fields: ``fields`` has the steps, ``rules`` their names
    decoding/fields        bio, entities, candidates, choose, company, total, reconcile; values by dates and amounts,
                           which conventions, country, currencies and cldr help to read
    decoding/classification, decoding/docvqa, decoding/text_flow
                           logits -> classes; logits -> answers; which word follows which
    allocator, errors      memory of a process that goes on for months; what can go wrong, in sentences

    ops                    operators of our own in the graphs, one a file; it has a map of its own, and ``native`` is
                           the C++ that takes precedence where it is built

And the build side, which the running service never imports::

    network                the networks in torch, and the way of a checkpoint to a bundle; it has a map of its own
    training/train         what ``layoutserve train`` does
    training/data          labelled pages: example, jsonl, readers, cases, public_pages, labelling, own_ocr,
                           receipt_values; cldr writes what decoding knows of months and countries
    training/synthesis     pages drawn in code; it has a map of its own
    training/stages        initial, pretraining, finetuning, questions, batches, augmentation, loop
    training/evaluation    inference, scoring, metrics
    training/starter       the bundle that comes along: corpus, recipe, tuning, release, card
"""

import os

# ONNX Runtime's wheels (1.29 and later) send usage data to their maker and leave a device id in the home folder, unless
# told not to before they are imported. Nothing about a document's processing leaves the machine, so it is told here,
# where every import of it passes; who wants it anyway sets the variable to 0.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
