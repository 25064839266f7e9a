"""All families of the world's layouts, by the side of the split that they are on."""

from collections.abc import Mapping
from types import MappingProxyType

from layoutserve.model.training.synthesis.layouts import (
    office_families,
    others,
    paper_forms,
    paper_letters,
    paper_reports,
    paper_resumes,
    roll_families,
)
from layoutserve.model.training.synthesis.layouts.family import Family

_MODULES = (roll_families, office_families, paper_forms, paper_letters, paper_resumes, paper_reports, others)
TRAIN: Mapping[str, Family] = MappingProxyType({f.name: f for module in _MODULES for f in module.TRAIN})
"""Families to train on, by name."""
HELDOUT: Mapping[str, Family] = MappingProxyType({f.name: f for module in _MODULES for f in module.HELDOUT})
"""Families kept out of training, to measure on."""
