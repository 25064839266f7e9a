"""From labelled words to fields, in the order of data.

``bio`` makes pieces of labels, ``entities`` gives them their place, ``candidates`` are the entities that may be a
field. ``choose`` applies the rules, which see them as ``company`` and ``total`` do, and ``values`` reads dates and
amounts.
"""
