"""Companies, addresses and dates to put in a receipt's places, so that none is learnt by heart."""

import random
from collections.abc import Iterable, Mapping, Sequence

from faker import Faker

from layoutserve.model.training.data.example import Example


def value_pool(receipts: Sequence[Example], labels: Iterable[str], seed: int) -> Mapping[str, Sequence[str]]:
    """Other companies, addresses and dates to put in a receipt's places: the training set's own, and made-up ones."""
    rng = random.Random(seed)
    fake = Faker(["en_GB", "en_US", "en_IN", "en_AU"])
    fake.seed_instance(seed)
    pool: dict[str, list[str]] = {name: [] for name in labels}
    for example in receipts:
        for span in example.spans or ():
            pool[span.label].append(span.text)
    own = {name: sorted(set(texts)) for name, texts in pool.items()}
    parts = sorted({word for text in own["COMPANY"] for word in text.split() if word.isalpha() and len(word) > 3})
    companies = [_company(rng, fake, parts) for _ in range(3000)]
    dates = [_date(rng) for _ in range(2000)]
    addresses = [fake.address().replace("\n", ", ").upper() for _ in range(200)]
    return {
        "COMPANY": own["COMPANY"] + companies,
        "ADDRESS": own["ADDRESS"] * 3 + addresses,
        "DATE": own["DATE"] + dates,
    }


_SUFFIXES = (
    "SDN BHD",
    "SDN. BHD.",
    "SDN BHD",
    "S/B",
    "BHD",
    "ENTERPRISE",
    "TRADING",
    "LTD",
    "INC.",
    "PLT",
    "HOLDINGS",
    "& SONS",
    "GROUP",
    "",
)
_KINDS = (
    "RESTAURANT",
    "RESTORAN",
    "KEDAI",
    "HARDWARE",
    "CAFE",
    "PHARMACY",
    "MINI MARKET",
    "SUPERMARKET",
    "BAKERY",
    "ELECTRICAL",
    "STATIONERY",
    "BOOKSTORE",
    "AUTO PARTS",
    "MOTOR",
    "PETROL STATION",
    "FOOD COURT",
    "KOPITIAM",
    "CLINIC",
    "LAUNDRY",
    "PASAR RAYA",
    "FASHION",
    "FURNITURE",
    "MARKETING",
    "SERVICES",
    "DEPARTMENT STORE",
    "SEAFOOD",
)


def _company(rng: random.Random, fake: Faker, parts: Sequence[str]) -> str:
    draw = rng.random()
    if draw < 0.2:
        text = str(fake.company())
    else:
        names = [rng.choice(parts) if rng.random() < 0.6 else str(fake.last_name()) for _ in range(rng.randint(1, 2))]
        if rng.random() < 0.6:
            names.insert(rng.randint(0, len(names)), rng.choice(_KINDS))
        if rng.random() < 0.15:
            names.append(f"({rng.choice('MKPJSB')})")
        text = " ".join([*names, rng.choice(_SUFFIXES)])
    return text.strip().upper() if rng.random() < 0.85 else text.strip().title()


def _date(rng: random.Random) -> str:
    day, month, year = rng.randint(1, 28), rng.randint(1, 12), rng.randint(2010, 2024)
    names = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
    mark = rng.choice("//--..")
    return rng.choice(
        (
            f"{day:02}{mark}{month:02}{mark}{year}",
            f"{day:02}{mark}{month:02}{mark}{year % 100:02}",
            f"{day}{mark}{month}{mark}{year}",
            f"{year}{mark}{month:02}{mark}{day:02}",
            f"{day:02} {names[month - 1]} {year}",
            f"{day}-{names[month - 1].title()}-{year}",
            f"{day:02}-{names[month - 1]}-{year % 100:02}",
            f"{names[month - 1].title()} {day}, {year}",
        )
    )
