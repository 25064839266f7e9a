"""Form values, notes and stamps are part of the page, and a form's fields and marks come by name."""

import pytest

from layoutserve.model.page import read_document

FONTS = "/DR << /Font << /Helv 3 0 R >> >> /DA (/Helv 0 Tf 0 g)"


def only(data, **options):
    (page,) = read_document(data, dpi=144, **options)
    return page


def texts(page):
    found = page.words if page.words is not None else page.known.words
    return [word.text for word in found]


def form(pdf, *widgets, need=False, content="BT /F1 10 Tf 20 180 Td (Form) Tj ET", more=()):
    """A PDF with these widgets, numbered from 10 on, then more objects."""
    numbers = " ".join(f"{10 + place} 0 R" for place in range(len(widgets)))
    return pdf(
        content,
        page=f"/Annots [{numbers}]",
        objects=[f"<< /Type /Annot /Subtype /Widget /F 4 {widget} >>" for widget in widgets] + list(more),
        trailer=f"|/AcroForm << /Fields [{numbers}] {FONTS} {'/NeedAppearances true' if need else ''} >>",
    )


def appearance(stream, width=180, height=20):
    return (
        f"<< /Type /XObject /Subtype /Form /BBox [0 0 {width} {height}] /Resources << /Font << /Helv 3 0 R >> >>"
        f" /Length {len(stream)} >>\nstream\n{stream}\nendstream"
    )


@pytest.mark.parametrize("need", [True, False])
@pytest.mark.parametrize("size", [0, 11])
def test_a_value_without_an_appearance_is_on_the_page(pdf, need, size):
    widget = f"/FT /Tx /T (name) /V (Jane 1,250.00) /DA (/Helv {size} Tf 0 g) /Rect [20 100 200 120]"
    page = only(form(pdf, widget, need=need))
    assert texts(page) == ["Form", "Jane", "1,250.00"]
    assert [(field.name, field.kind, field.value) for field in page.form_fields] == [("name", "text", "Jane 1,250.00")]
    (field,) = page.form_fields
    assert (field.box.x0, field.box.y0, field.box.x1, field.box.y1) == pytest.approx((40, 160, 400, 200))
    assert all(word.source == "text_layer" for word in page.words)
    assert field.box.overlap(page.words[1].box) > 0
    assert (page.image[160:200, 40:400] < 128).any()


def test_what_is_seen_counts_where_an_appearance_says_otherwise(pdf):
    widget = "/FT /Tx /T (name) /V (new) /Rect [20 100 200 120] /AP << /N 11 0 R >>"
    page = only(form(pdf, widget, more=[appearance("BT /Helv 12 Tf 2 5 Td (old) Tj ET")]))
    assert texts(page) == ["Form", "old"]


def test_a_form_that_asks_for_new_appearances_shows_its_values(pdf):
    widget = "/FT /Tx /T (name) /V (new) /DA (/Helv 11 Tf 0 g) /Rect [20 100 200 120] /AP << /N 11 0 R >>"
    page = only(form(pdf, widget, need=True, more=[appearance("BT /Helv 12 Tf 2 5 Td (old) Tj ET")]))
    assert texts(page) == ["Form", "new"]


def test_hidden_fields_and_passwords_say_nothing(pdf):
    hidden = "/FT /Tx /T (hidden) /V (Secret) /F 2 /Rect [20 100 200 120]".replace("/F 2", "")
    data = form(pdf, hidden, "/FT /Tx /T (pin) /V (4711) /Ff 8192 /Rect [20 60 200 80]", need=True)
    data = data.replace(b"/Widget /F 4 /FT /Tx /T (hidden)", b"/Widget /F 2 /FT /Tx /T (hidden)")
    page = only(data)
    assert "Secret" not in texts(page)
    assert "4711" not in texts(page)
    assert [(field.name, field.value) for field in page.form_fields] == [("pin", None)]


def test_a_value_in_the_cells_of_a_comb_is_one_word(pdf):
    widget = f"/FT /Tx /T (iban) /V (DE8937) /MaxLen 8 /Ff {1 << 24} /DA (/Helv 11 Tf 0 g) /Rect [20 100 220 120]"
    for need in (True, False):
        assert texts(only(form(pdf, widget, need=need))) == ["Form", "DE8937"]


def test_several_lines_are_wrapped(pdf):
    widget = f"/FT /Tx /T (note) /V (first line\\rsecond) /Ff {1 << 12} /DA (/Helv 10 Tf 0 g) /Rect [20 60 120 120]"
    page = only(form(pdf, widget))
    assert texts(page) == ["Form", "first", "line", "second"]
    assert len({word.line for word in page.words}) == 3


@pytest.mark.parametrize("need", [True, False])
def test_a_choice_shows_its_label(pdf, need):
    widget = (
        f"/FT /Ch /Ff {1 << 17} /T (country) /V (at) /Opt [[(at) (Austria)] [(de) (Germany)]] /Rect [20 100 200 120]"
        " /DA (/Helv 11 Tf 0 g)"
    )
    page = only(form(pdf, widget, need=need))
    assert [(field.kind, field.value) for field in page.form_fields] == [("choice", "Austria")]
    assert texts(page) == ["Form", "Austria"]


def test_a_value_in_another_script_has_its_words_though_no_font_draws_it(pdf):
    value = "חברה".encode("utf-16-be").hex()
    page = only(form(pdf, f"/FT /Tx /T (name) /V <feff{value}> /Rect [20 100 200 120]"))
    assert texts(page) == ["Form", "חברה"]


def checkbox(name, state, y):
    states = "/AP << /N << /Yes 20 0 R /Off 21 0 R >> >>"
    return f"/FT /Btn /T ({name}) /AS /{state} /V /{state} /Rect [20 {y} 32 {y + 12}] {states}"


def test_checkboxes_are_marks_and_their_ticks_no_words(pdf):
    tick = appearance("BT /Helv 10 Tf 2 2 Td (X) Tj ET", 12, 12)
    widgets = [checkbox("member", "Yes", 100), checkbox("guest", "Off", 80)]
    filler = ["null"] * 8
    data = form(pdf, *widgets, more=[*filler, tick, appearance("", 12, 12)])
    page = only(data)
    assert texts(page) == ["Form"]
    assert [(mark.name, mark.selected) for mark in page.selection_marks] == [("member", True), ("guest", False)]
    assert [(field.name, field.kind, field.value) for field in page.form_fields] == [
        ("member", "checkbox", "Yes"),
        ("guest", "checkbox", None),
    ]
    assert page.selection_marks[0].box.width == pytest.approx(24)


def test_a_radio_field_is_one_field_of_several_marks(pdf):
    kids = [
        f"/Parent 12 0 R /AS /{state} /Rect [{x} 100 {x + 12} 112] /AP << /N << /{name} 13 0 R /Off 14 0 R >> >>"
        for name, state, x in (("card", "Off", 20), ("cash", "cash", 60))
    ]
    parent = f"<< /FT /Btn /Ff {1 << 15} /T (pay) /V /cash /Kids [10 0 R 11 0 R] >>"
    objects = [f"<< /Type /Annot /Subtype /Widget /F 4 {kid} >>" for kid in kids]
    data = pdf(
        "",
        page="/Annots [10 0 R 11 0 R]",
        objects=[*objects, parent, appearance("0 0 12 12 re f", 12, 12), appearance("", 12, 12)],
        trailer=f"|/AcroForm << /Fields [12 0 R] {FONTS} >>",
    )
    page = only(data)
    assert [(mark.name, mark.selected) for mark in page.selection_marks] == [("pay", False), ("pay", True)]
    (field,) = page.form_fields
    assert (field.name, field.kind, field.value) == ("pay", "radio", "cash")
    assert field.box == page.selection_marks[1].box


def laid(pdf, annotation, more=(), content="BT /F1 10 Tf 20 180 Td (Page) Tj ET"):
    return pdf(content, page="/Annots [10 0 R]", objects=[f"<< /Type /Annot {annotation} >>", *more])


@pytest.mark.parametrize("size", [0, 9, 14])
def test_a_typed_note_without_an_appearance_is_on_the_page(pdf, size):
    said = "/Contents (Paid on 3 May, see ledger\\nRef. 4711)"
    page = only(laid(pdf, f"/Subtype /FreeText {said} /DA (/Helv {size} Tf 0 g) /Rect [20 60 280 120]"))
    assert texts(page) == ["Page", "Paid", "on", "3", "May,", "see", "ledger", "Ref.", "4711"]
    assert len({word.line for word in page.words}) == 3
    assert (page.image[150:300] < 128).any()


def test_a_long_note_keeps_all_its_words(pdf):
    said = " ".join(f"word{number}" for number in range(60))
    page = only(laid(pdf, f"/Subtype /FreeText /Contents ({said}) /DA (/Helv 6 Tf 0 g) /Rect [20 20 280 160]"))
    assert texts(page) == ["Page", *said.split()]


@pytest.mark.parametrize("kind", ["FreeText", "Stamp"])
def test_an_appearance_is_read_as_it_is_seen(pdf, kind):
    note = f"/Subtype /{kind} /Contents (other) /Rect [20 60 200 80] /AP << /N 11 0 R >>"
    page = only(laid(pdf, note, [appearance("BT /Helv 12 Tf 2 5 Td (APPROVED) Tj ET")]))
    assert texts(page) == ["Page", "APPROVED"]


def test_a_stamp_without_an_appearance_shows_its_name(pdf):
    assert texts(only(laid(pdf, "/Subtype /Stamp /Name /NotApproved /Rect [20 60 200 100]"))) == [
        "Page",
        "NOT",
        "APPROVED",
    ]


@pytest.mark.parametrize(
    "note",
    [
        "/Subtype /FreeText /F 2 /Contents (hidden) /DA (/Helv 9 Tf 0 g) /Rect [20 60 280 120]",
        "/Subtype /Text /Contents (a comment that pops up) /Rect [20 60 40 80]",
        "/Subtype /Popup /Contents (a comment) /Rect [20 60 140 180]",
        "/Subtype /Link /Contents (where it leads) /Rect [20 60 140 80]",
    ],
)
def test_what_is_not_drawn_is_not_read(pdf, note):
    assert texts(only(laid(pdf, note))) == ["Page"]


def test_always_leaves_the_words_to_ocr_and_keeps_the_form(pdf):
    page = only(form(pdf, "/FT /Tx /T (name) /V (Jane) /Rect [20 100 200 120]"), ocr="always")
    assert page.words is None
    assert page.known is None
    assert [field.value for field in page.form_fields] == ["Jane"]
    assert (page.image[160:200, 40:400] < 128).any()
