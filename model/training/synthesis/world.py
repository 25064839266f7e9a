"""Pages of the world: one page from its index, seed, kind, country and side of the split."""

from random import Random

from layoutserve.model.training.synthesis.aging import age
from layoutserve.model.training.synthesis.assembly import WORLD, assemble
from layoutserve.model.training.synthesis.content.regional import Regional
from layoutserve.model.training.synthesis.content.regions import regions_of
from layoutserve.model.training.synthesis.drawing import KINDS, Layouts, generate
from layoutserve.model.training.synthesis.interview import Interview
from layoutserve.model.training.synthesis.layouts.families import HELDOUT, TRAIN
from layoutserve.model.training.synthesis.page import SyntheticPage

_OWN = tuple(dict.fromkeys(family.kind for family in TRAIN.values()))
WORLD_KINDS: tuple[str, ...] = (*_OWN, *(kind for kind in KINDS if kind not in _OWN))
"""Document classes of the world's pages; those at the end are drawn as ``generate`` draws them."""


def draw_page(
    index: int,
    *,
    seed: int,
    kind: str | None = None,
    family: str | None = None,
    locale: str | None = None,
    layouts: Layouts = "train",
    long_side: tuple[int, int] = (820, 1050),
) -> SyntheticPage:
    """Draw page ``index`` of the series ``seed``.

    ``kind`` is one of WORLD_KINDS and ``family`` one of their layouts, None for a random one; ``locale`` is a country
    of ``regions.toml`` (``fr``, or ``fr-BE`` for ``be``), None for any. The picture's longer side comes out between
    the two pixels ``long_side``, longer for long receipts. Raises ValueError for an unknown name, or where no layout
    fits them all.
    """
    if layouts not in ("train", "heldout"):
        raise ValueError(f"layouts is 'train' or 'heldout', not {layouts!r}.")
    if kind is not None and kind not in WORLD_KINDS:
        raise ValueError(f"There is no kind {kind!r}; choose one of {', '.join(WORLD_KINDS)}.")
    countries = regions_of(locale)
    rng = Random(f"world/{seed}/{index}/{kind}/{family}/{locale}/{layouts}")
    fitting = [
        each
        for each in (TRAIN if layouts == "train" else HELDOUT).values()
        if kind in (None, each.kind) and family in (None, each.name) and set(each.regions) & set(countries)
    ]
    kinds = list(dict.fromkeys(each.kind for each in fitting))
    if locale is None and family is None:
        kinds += [each for each in WORLD_KINDS if each not in _OWN and kind in (None, each)]
    if not kinds:
        raise ValueError(
            f"No layout of the side {layouts} is a {family or kind or 'page'} of {locale or 'any country'}."
        )
    wanted = rng.choice(kinds)
    if wanted not in _OWN:
        return generate(index, seed=seed, kind=wanted, layouts=layouts, long_side=long_side)
    chosen = rng.choice([each for each in fitting if each.kind == wanted])
    values = Regional(rng, rng.choice([code for code in chosen.regions if code in countries]))
    sheet = chosen.draw(values)
    return assemble(
        rng,
        sheet,
        chosen.kind,
        chosen.name,
        long_side=long_side,
        heldout=layouts == "heldout",
        scheme=WORLD,
        ask=Interview(rng, values.region.language, chosen.kind, sheet, unseen=layouts == "heldout"),
        age=age,
    )
