"""Labelled pages: how they are kept, read from published data sets, and labelled where only values are given."""
