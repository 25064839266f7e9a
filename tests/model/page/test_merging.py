"""What OCR reads of a page takes its place among the words that are known of it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layoutserve.model.page import Box, Page, SelectionMark, Word
from layoutserve.model.page.elements import KnownPart
from layoutserve.model.page.geometry import Box as Place
from layoutserve.model.page.geometry import turned_back
from layoutserve.model.page.merging import completed, in_reading_order, rest

WIDTH, HEIGHT = 600, 400


def word(text, x, y, source, line=0, width=None):
    return Word.from_box(text, Box(x, y, x + (width or 10 * len(text)), y + 12), line=line, source=source)


def page(*known, doubtful=False, turn=0, marks=()):
    image = np.full((HEIGHT, WIDTH, 3), 255, dtype=np.uint8)
    picture = np.full((HEIGHT, WIDTH, 3), 200, dtype=np.uint8)
    return Page(image, known=KnownPart(known, turn, doubtful), unread=picture, selection_marks=marks)


def texts(page):
    return [found.text for found in page.words]


def test_ocr_gets_the_rest_alone():
    whole = page(word("known", 20, 20, "text_layer"))
    assert (rest(whole).image == 200).all()
    assert rest(whole).known is None
    plain = Page(whole.image)
    assert rest(plain) is plain


def test_what_was_read_stands_between_the_known_words_in_reading_order():
    whole = page(
        word("above", 20, 20, "text_layer"),
        word("below", 20, 80, "text_layer", 1),
        word("end", 200, 80, "text_layer", 1),
    )
    found = replace(rest(whole), words=(word("picture", 20, 50, "ocr"), word("beside", 200, 20, "ocr")), turn=0)
    done = completed(whole, found)
    assert texts(done) == ["above", "beside", "picture", "below", "end"]
    assert [found.line for found in done.words] == [0, 0, 1, 2, 2]
    assert [found.source for found in done.words] == ["text_layer", "ocr", "ocr", "text_layer", "text_layer"]
    assert done.known is None
    assert done.image is whole.image


def test_what_is_known_is_not_read_again_and_marks_are_no_words():
    whole = page(word("known", 20, 20, "text_layer"), marks=(SelectionMark(Box(200, 20, 212, 32), True, "a"),))
    read = (word("knovvn", 21, 21, "ocr", width=50), word("口", 200, 20, "ocr", width=12), word("new", 20, 60, "ocr"))
    assert texts(completed(whole, replace(rest(whole), words=read))) == ["known", "new"]


def test_two_known_words_that_ocr_reads_as_one_are_not_read_again():
    whole = page(word("Total", 20, 20, "text_layer"), word("due", 72, 20, "text_layer"))
    read = (word("Totaldue", 20, 20, "ocr", width=82),)
    assert texts(completed(whole, replace(rest(whole), words=read))) == ["Total", "due"]


def test_a_doubtful_layer_is_kept_where_ocr_agrees_and_dropped_where_it_does_not():
    layer = [word(text, 20 + 90 * place, 20, "text_layer") for place, text in enumerate(["Invoice", "4711", "Total"])]
    alike = [word(text, 20 + 90 * place, 20, "ocr") for place, text in enumerate(["INVOICE", "4711", "Tota1"])]
    other = [word(text, 20 + 90 * place, 20, "ocr") for place, text in enumerate(["Hmunhbd", "3600", "Snszk"])]
    whole = page(*layer, doubtful=True)
    assert texts(completed(whole, replace(rest(whole), words=tuple(alike)))) == ["Invoice", "4711", "Total"]
    assert texts(completed(whole, replace(rest(whole), words=tuple(other)))) == ["Hmunhbd", "3600", "Snszk"]


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_a_turned_page_keeps_its_turn_and_order(turn):
    size = (HEIGHT, WIDTH) if turn % 180 else (WIDTH, HEIGHT)

    def there(found):
        polygon = (
            turned_back(found.polygon, *size[::-1], turn) if turn % 180 else turned_back(found.polygon, *size, turn)
        )
        return replace(found, polygon=polygon, box=Place.around(polygon))

    known = [there(word("first", 20, 20, "text_layer")), there(word("third", 20, 80, "text_layer", 1))]
    whole = page(*known, turn=turn)
    done = completed(whole, replace(rest(whole), words=(there(word("two", 20, 50, "ocr")),), turn=0))
    assert texts(done) == ["first", "two", "third"]
    assert done.turn == turn


def test_a_stamp_on_a_scan_has_the_turn_of_the_scan():
    whole = page(word("Filed", 20, 20, "text_layer"))
    read = tuple(word("reading", 20, 60 + 20 * line, "ocr", line) for line in range(5))
    assert completed(whole, replace(rest(whole), words=read, turn=180)).turn == 180


rows = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 20)), max_size=20, unique_by=lambda row: row[1])


@given(rows, rows)
def test_no_word_is_lost_or_read_twice_and_known_ones_keep_their_order(known, read):
    layer = [
        word(f"k{y}", x, 18 * y, "text_layer", number)
        for number, (x, y) in enumerate(sorted(known, key=lambda r: r[1]))
    ]
    found = [word(f"r{y}", x, 18 * y, "ocr", number) for number, (x, y) in enumerate(read)]
    whole = page(*layer)
    done = completed(whole, replace(rest(whole), words=tuple(found)))
    assert [t for t in texts(done) if t[0] == "k"] == [w.text for w in layer]
    kept = {t for t in texts(done) if t[0] == "r"}
    apart = {r.text for r in found if all(r.box.overlap(k.box) == 0 for k in layer)}
    assert apart <= kept <= {r.text for r in found}
    assert len(done.words) == len(set(texts(done)))
    lines = [found.line for found in done.words]
    assert lines == sorted(lines)


def test_pieces_in_hebrew_are_read_from_the_right():
    right = [word("שלום", 300, 20, "text_layer"), word("עולם", 250, 20, "text_layer")]
    assert [found.text for found in in_reading_order([[word("מה", 20, 20, "ocr")], right], 0)] == ["שלום", "עולם", "מה"]
