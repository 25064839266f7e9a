"""From labelled words to fields, in the order of data.

``bio`` makes pieces of labels, ``entities`` gives them their place, ``candidates`` are the entities that may be a
field. ``choose`` applies the rules, which see them as ``company`` and ``total`` do; ``reconcile`` makes sums hold.
``values`` are found by ``dates`` and ``amounts``, in the ``conventions`` of the document: its order of day and month,
and its money (``currencies``), by its ``country`` where nothing else tells. ``cldr`` has the names of months and
countries.
"""
