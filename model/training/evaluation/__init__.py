"""A model held against labelled pages: ``inference`` runs it, ``scoring`` counts, ``metrics`` defines the figures."""
