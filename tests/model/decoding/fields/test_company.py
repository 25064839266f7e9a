import pytest

from layoutserve.model.decoding.fields.company import (
    body,
    cells,
    columns,
    is_registered_name,
    name_line,
    parts,
    whole_lines,
)


def texts(cells, words):
    return [" ".join(words[index].text for index in cell) for cell in cells]


def test_a_line_holds_a_cell_for_each_column(words_of):
    words, bbox = words_of("ACME Foods Ltd", [(0, "12 Oak Street"), (300, "Invoice 17")])
    assert texts(cells(words, bbox), words) == ["ACME Foods Ltd", "12 Oak Street", "Invoice 17"]


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("ACME Foods Ltd", "ACME Foods Ltd"),
        ("AEON CO. (M) BHD (126926-H)", "AEON CO. (M) BHD"),
        ("GARDENIA BAKERIES (KL) SDN BHD (139386 X)", "GARDENIA BAKERIES (KL) SDN BHD"),
        ("POPULAR BOOK SDN BHD (Co. No. 113825-W)", "POPULAR BOOK SDN BHD"),
        ("Company: ACME Foods", "ACME Foods"),
        ("#000002 BAIFU (M) SDN BHD", "BAIFU (M) SDN BHD"),
        ("148481-U 425, JALAN PAHANG,", "425, JALAN PAHANG,"),
        ("81100 JOHOR BAHRU Tel: 07-3589 111", "81100 JOHOR BAHRU"),
        ("JM0325955-V", ""),
        # No registration: a postcode, a lot, a house number, a branch.
        ("81750 MASAI, JOHOR", "81750 MASAI, JOHOR"),
        ("LOT 1851-A & 1851-B, JALAN KPB 6,", "LOT 1851-A & 1851-B, JALAN KPB 6,"),
        ("NO: G3, BLK G, JLN PJU 1A/3,", "NO: G3, BLK G, JLN PJU 1A/3,"),
        ("LOT F1-01: 6, JALAN 8/27A,", "LOT F1-01: 6, JALAN 8/27A,"),
        ("MR. D.I.Y. (KUCHAI) SDN BHD", "MR. D.I.Y. (KUCHAI) SDN BHD"),
    ],
)
def test_what_is_no_name_and_no_address_is_left_out(line, left, words_of):
    words, _ = words_of(line)
    assert texts([body(range(len(words)), words)], words) == [left]


def test_an_entity_is_whole_lines_of_which_it_holds_a_good_part(words_of):
    words, bbox = words_of("12 Oak Hill", "Springfield Illinois", "ACME Foods Limited and Sons")
    of_page = cells(words, bbox)
    # "Oak Hill Springfield ACME": the last line has too little of it.
    assert texts(whole_lines([1, 2, 3, 5], of_page, words), words) == ["12 Oak Hill", "Springfield Illinois"]
    assert texts(parts([1, 2, 3, 5], of_page), words) == ["Oak Hill", "Springfield", "ACME"]
    # An entity that no line is for stays as it was.
    assert texts(whole_lines([5], of_page, words), words) == ["ACME"]


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("ACME Foods Ltd.", True),
        ("TK DIVISION KITCHEN SDN BHD", True),
        ("TKDIVISIONKITCHEN SDN.BHD(728384-M)", True),
        ("LAVENDER CONFECTIONERY & BAKERY S/B", True),
        ("Vermeulen & Mol B.V.", True),
        ("HON HWA HARDWARE TRADING", True),
        ("SDN BHD", False),
        ("RESTAURANT SDN BHD", False),
        ("& TEA LEAF (M) SDN. BHD.", False),
        ("12 Limited Edition Street", False),
        ("ACME Foods", False),
    ],
)
def test_a_registered_name_is_a_name_with_its_legal_form(line, name, words_of):
    words, _ = words_of(line)
    assert is_registered_name(range(len(words)), words) is name


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        (["TAN CHAY YEE", "ABC HO TRADING"], "ABC HO TRADING"),
        (["PASARAYA BORONG PINTAR", "SDN BHD"], "PASARAYA BORONG PINTAR SDN BHD"),
        (["R", "KEDAI PAPAN YEW CHUAN"], "KEDAI PAPAN YEW CHUAN"),
        (["YAM FRESH"], "YAM FRESH"),
    ],
)
def test_a_company_is_one_line_or_a_name_and_its_legal_form(lines, name, words_of):
    words, bbox = words_of(*lines)
    assert texts([name_line(cells(words, bbox), words)], words) == [name]


def test_addresses_beside_each_other_are_parted(words_of):
    words, bbox = words_of([(0, "12 Oak Street"), (300, "9 Elm Road")], [(0, "Springfield"), (300, "Shelbyville")])
    first, second = columns(cells(words, bbox), bbox)
    assert texts(first, words) == ["12 Oak Street", "Springfield"]
    assert texts(second, words) == ["9 Elm Road", "Shelbyville"]
