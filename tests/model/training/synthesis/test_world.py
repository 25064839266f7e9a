"""The world's pages: what is said of them holds, on every family and in every country."""

import json
import os
import re
import subprocess
import sys
from decimal import Decimal
from random import Random

import pytest

from layoutserve.model.training.data.jsonl import from_row
from layoutserve.model.training.synthesis import HELDOUT_FAMILIES, TRAIN_FAMILIES, WORLD_KINDS, draw_page
from layoutserve.model.training.synthesis.assembly import WORLD_LABELS
from layoutserve.model.training.synthesis.content.regional import Regional, figure
from layoutserve.model.training.synthesis.content.regions import regions, regions_of, wordings
from layoutserve.model.training.synthesis.content.trade import Terms, draw_sale
from layoutserve.model.training.synthesis.fonts import covers, font
from layoutserve.model.training.synthesis.interview import SPOKEN
from layoutserve.model.training.synthesis.paper import Paper
from layoutserve.model.training.synthesis.writing import write_pages
from layoutserve.service.cli.main import main

FAMILIES = [(name, "train") for name in TRAIN_FAMILIES] + [(name, "heldout") for name in HELDOUT_FAMILIES]
PAGES = [draw_page(0, seed=1, family=name, layouts=side) for name, side in FAMILIES]
PAGES += [draw_page(0, seed=2, kind=kind, locale=code) for code in regions() for kind in ("receipt", "invoice")]
SOLD = [page for page in PAGES if page.spans is not None]
AMOUNTS = [
    "SUBTOTAL",
    "TAX",
    "TAX_LINE",
    "TOTAL",
    "SHIPPING",
    "SERVICE_CHARGE",
    "TIP",
    "ROUNDING",
    "DISCOUNT",
    "PAID",
    "AMOUNT_DUE",
    "PREVIOUS_BALANCE",
    "CHANGE",
]


def texts(page, indices):
    return " ".join(page.words[i].text for i in indices)


def amount(text):
    """The number in an amount as printed in any notation: its last separator before two digits is the decimal's."""
    digits = re.sub(r"[^\d.,]", "", text.removesuffix("/-").strip("."))
    digits = re.sub(r"^\.", "", digits)
    whole, cents = digits[:-3], digits[-2:]
    value = Decimal(f"{re.sub(r'[.,]', '', whole) or 0}.{cents}")
    return -value if "-" in text.removesuffix("/-") else value


def test_there_are_sixty_families_and_twelve_more_held_out_over_all_kinds():
    assert len(TRAIN_FAMILIES) >= 60
    assert len(HELDOUT_FAMILIES) >= 12
    assert not set(TRAIN_FAMILIES) & set(HELDOUT_FAMILIES)
    for table in (TRAIN_FAMILIES, HELDOUT_FAMILIES):
        assert {family.kind for family in table.values()} == set(WORLD_KINDS[:8])
    assert {code for family in TRAIN_FAMILIES.values() for code in family.regions} == set(regions())


def test_every_word_lies_on_the_page_and_is_said_once():
    for page in PAGES:
        for word in page.words:
            assert word.text
            assert not any(c.isspace() for c in word.text)
            assert 0 <= word.box.x0 < word.box.x1 <= page.width, page.layout
            assert 0 <= word.box.y0 < word.box.y1 <= page.height, page.layout
        labelled = [index for span in page.spans or () for index in span.words]
        assert len(labelled) == len(set(labelled)), page.layout


def test_no_word_stands_upon_another():
    for family in (*TRAIN_FAMILIES.values(), *HELDOUT_FAMILIES.values()):
        if family.kind == "other":
            continue
        for seed in (7, 8):
            rng = Random(seed)
            sheet = family.draw(Regional(rng, rng.choice(family.regions)))
            order = sorted(range(len(sheet.words)), key=lambda i: sheet.boxes[i][1])
            for place, first in enumerate(order):
                x0, y0, x1, y1 = sheet.boxes[first]
                for second in order[place + 1 :]:
                    other = sheet.boxes[second]
                    if other[1] > y1:
                        break
                    beside = min(x1, other[2]) - max(x0, other[0])
                    height = min(y1, other[3]) - max(y0, other[1])
                    upon = beside > 3 and height > 0.45 * min(y1 - y0, other[3] - other[1])
                    assert not upon, (family.name, seed, sheet.words[first], sheet.words[second])


def test_labels_links_and_answers_say_what_stands_in_their_words():
    for page in PAGES:
        for span in page.spans or ():
            assert span.label in WORLD_LABELS
            assert span.text == texts(page, span.words)
        for key, value in page.links:
            assert key
            assert value
            assert key in page.keys
            assert not set(key) & set(value)
        for question in page.questions:
            assert len(question.answers) == len({texts(page, run) for run in question.spans})
            for run in question.spans:
                assert texts(page, run) in question.answers
                assert list(run) == list(range(run[0], run[-1] + 1))


def test_receipts_and_invoices_name_their_issuer_date_and_total():
    for page in SOLD:
        expected = {"company", "date"} | (set() if page.document_class == "order" else {"total"})
        assert expected <= set(page.entities), page.layout


def spans_of(page, label):
    return [span for span in page.spans if span.label == label]


def test_every_row_is_whole_and_its_entities_know_it():
    for page in SOLD:
        if page.layout == "receipt.us_slip":
            continue
        rows = {span.row for span in page.spans if span.label.startswith("ITEM_")}
        assert rows == set(range(len(rows))), page.layout
        assert rows
        for label in ("ITEM_DESCRIPTION", "ITEM_AMOUNT"):
            assert [span.row for span in spans_of(page, label)] == sorted(rows), page.layout


@pytest.mark.parametrize("kind", ["receipt", "invoice", "order"])
def test_the_amounts_of_a_page_add_up(kind):
    checked = 0
    for index in range(50):
        page = draw_page(index, seed=4, kind=kind)
        said = {label: [amount(span.text) for span in spans_of(page, label)] for label in AMOUNTS}
        taxes = said["TAX"] or said["TAX_LINE"]
        if not said["SUBTOTAL"] or not said["TOTAL"] or not taxes:
            continue
        if said["TAX"] and said["TAX_LINE"]:
            assert sum(said["TAX_LINE"]) == said["TAX"][0], page.layout
        added = sum(sum(said[name]) for name in ("SHIPPING", "SERVICE_CHARGE", "TIP", "ROUNDING", "DISCOUNT"))
        total = said["TOTAL"][0]
        assert said["SUBTOTAL"][0] + added + sum(taxes) == total, (index, page.layout)
        if said["AMOUNT_DUE"]:
            paid = abs(sum(said["PAID"]))
            assert total - paid + sum(said["PREVIOUS_BALANCE"]) == said["AMOUNT_DUE"][0], (index, page.layout)
        if said["CHANGE"] and said["PAID"]:
            assert said["PAID"][0] - total == abs(said["CHANGE"][0]), (index, page.layout)
        checked += 1
    assert checked >= 12


def test_a_sale_holds_to_the_cent_in_every_country():
    terms = Terms(
        ("products",), (1, 9), (1, 400), discount=0.4, shipping=0.4, service=0.3, tip=0.3, paid=0.4, previous=0.3
    )
    for code in regions():
        for seed in range(25):
            sale = draw_sale(Regional(Random(seed), code), terms)
            assert sum(row.amount for row in sale.rows) == sale.goods
            assert all(
                row.amount == (row.quantity * row.price).quantize(Decimal("0.01"), "ROUND_HALF_UP") for row in sale.rows
            )
            charged = sale.goods - sale.discount + sale.shipping + sale.service
            assert sale.gross == charged + (0 if sale.inclusive else sale.tax)
            assert sale.net + sale.tax == sale.gross
            assert sale.total == sale.gross + sale.tip + sale.rounding
            assert sale.due == sale.total - sale.paid + sale.previous
            assert sale.change >= 0
            for tax in sale.taxes:
                assert abs(tax.base * tax.rate / 100 - tax.amount) < Decimal("0.02")


def test_forms_know_their_answers_their_boxes_and_their_sections():
    pages = [draw_page(index, seed=6, kind="form") for index in range(24)]
    assert any(len([value for key, value in page.links if key == first]) > 1 for page in pages for first in page.keys)
    ticked = [mark for page in pages for mark in page.selections]
    assert 0.15 < sum(mark.checked for mark in ticked) / len(ticked) < 0.6
    for page in pages:
        assert page.headings
        answered = {key for key, _ in page.links}
        assert answered <= set(page.keys)
        for mark in page.selections:
            assert mark.words
            assert mark.key in page.keys
            assert 0 <= mark.box.x0 < mark.box.x1 <= page.width
            assert 0 <= mark.box.y0 < mark.box.y1 <= page.height
        for heading in page.headings:
            assert heading.words
            assert all(key < len(page.keys) for key in heading.keys)
    assert any(set(page.keys) - {key for key, _ in page.links} for page in pages)


def test_faces_have_the_glyphs_or_another_one_is_taken():
    sheet = Paper(100, 100)
    for text in ("Łódź", "₹1,200", "zł", "Ørsted", "São", "Größe", "œuf", "€"):
        for family in ("helvetica", "courier", "lato", "amatic", "stix"):
            face = sheet.face_for(text, font(family, 20))
            assert covers(face, text), (family, text)
    assert not covers(font("helvetica", 20), "₹")
    assert covers(font("helvetica", 20), "é€")


def test_every_word_of_every_page_has_its_glyphs():
    fallback = font("dejavu-sans", 20)
    for page in PAGES:
        for word in page.words:
            assert covers(fallback, word.text), (page.layout, word.text)


@pytest.mark.parametrize(
    ("number", "notation", "written"),
    [
        ("1234567.5", "1,234.50", "1,234,567.50"),
        ("1234567.5", "1.234,50", "1.234.567,50"),
        ("1234567.5", "1 234,50", "1 234 567,50"),
        ("1234567.5", "1234,50", "1234567,50"),
        ("1234567.5", "1,23,450.00", "12,34,567.50"),
        ("1234567.5", "1'234.50", "1'234'567.50"),
        ("-12.5", "1.234,50", "-12,50"),
    ],
)
def test_numbers_are_written_as_countries_write_them(number, notation, written):
    assert figure(Decimal(number), notation) == written


def test_ibans_have_right_check_digits():
    for code, region in regions().items():
        iban = Regional(Random(3), code).iban().replace(" ", "")
        assert bool(iban) == bool(region.iban)
        assert not iban or int("".join(str(int(c, 36)) for c in iban[4:] + iban[:4])) % 97 == 1


def test_every_language_has_all_wordings_of_its_own():
    english = wordings("en")
    for language in {region.language for region in regions().values()}:
        own = wordings(language)
        missing = [f"{s}.{k}" for s in english for k in english[s] if language != "en" and own[s][k] is english[s][k]]
        assert not missing, (language, missing)


def test_questions_are_asked_in_four_languages():
    assert set(SPOKEN) == {"en", "de", "fr", "es"}
    asked = {
        code: " ".join(q.text for i in range(6) for q in draw_page(i, seed=1, kind="invoice", locale=code).questions)
        for code in ("de", "fr", "es", "gb")
    }
    assert "Wie" in asked["de"]
    assert "Quel" in asked["fr"]
    assert "¿" in asked["es"]
    assert all("What" in text for text in asked.values())
    assert "¿" not in asked["gb"]


def test_the_same_arguments_draw_the_same_page_in_any_process_and_order():
    command = (
        "import hashlib, json, sys; from layoutserve.model.training.synthesis import draw_page\n"
        "order = [(i, c) for i in range(2) for c in ('it', 'de', 'in')][:: int(sys.argv[1])]\n"
        "drawn = {(i, c): draw_page(i, seed=5, locale=c) for i, c in order}\n"
        "told = [(drawn[k].image.tobytes(), json.dumps(drawn[k].record('x')).encode()) for k in sorted(drawn)]\n"
        "print([hashlib.sha256(image + row).hexdigest() for image, row in told])"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", command, step],
            capture_output=True,
            text=True,
            check=True,
            env=dict(os.environ, PYTHONHASHSEED=seed),
        ).stdout
        for seed, step in (("1", "1"), ("2", "-1"))
    }
    assert len(seen) == 1


def test_locales_are_countries_and_unknown_ones_are_refused():
    assert regions_of("de-CH") == ("ch",)
    assert regions_of("FR") == ("fr",)
    with pytest.raises(ValueError, match="choose one of us"):
        draw_page(0, seed=0, locale="xx")
    with pytest.raises(ValueError, match="choose one of receipt"):
        draw_page(0, seed=0, kind="cheque")
    with pytest.raises(ValueError, match="No layout"):
        draw_page(0, seed=0, kind="letter", locale="pl")


def test_rows_of_a_file_are_examples_to_train_on(tmp_path):
    path = write_pages(tmp_path, 4, seed=1, kinds=["invoice", "form"], collection="world", locale="de", thumbnail=240)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for row in rows:
        example = from_row(row, tmp_path)
        assert max(example.read_image().shape) == 240
        assert max(row["width"], row["height"]) > 700
        assert (example.spans is not None) == (row["class"] == "invoice")
    assert all("row" in span for span in rows[0]["spans"] if span["label"].startswith("ITEM_"))
    assert rows[0]["heads"]
    assert rows[1]["keys"]
    assert rows[1]["headings"]


def test_the_command_names_kinds_and_locales_and_draws_them(tmp_path, capsys):
    arguments = ["synthesize", "--output", str(tmp_path), "--count", "1", "--workers", "1"]
    with pytest.raises(SystemExit):
        main([*arguments, "--help"])
    told = " ".join(capsys.readouterr().out.split())
    assert ", ".join(WORLD_KINDS) in told
    assert ", ".join(regions()) in told
    assert main([*arguments, "--kind", "other", "--locale", "fr"]) == 0
    assert main([*arguments, "--locale", "xx"]) == 2
    assert main([*arguments, "--locale", "fr", "--collection", "first"]) == 2
    assert "by locale" in capsys.readouterr().err
