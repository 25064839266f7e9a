import threading
from dataclasses import replace

import numpy as np

from layoutserve.model.encoding.tensors import Encoding, Logits
from layoutserve.model.inference.caches import LogitsCache, PageCache, ReadWords
from layoutserve.model.page import Box, Page, Word


def page(value=0, size=(10, 20)):
    return Page(np.full((*size, 3), value, np.uint8))


def read(count=1, text="word"):
    return ReadWords((Word.from_box(text, Box(0, 0, 1, 1)),) * count, turn=90)


def test_the_same_pixels_and_reader_are_the_same_page():
    cache = PageCache(10_000)
    assert cache.key(page(1), "a") == cache.key(replace(page(1), number=7, dpi=200.0), "a")
    different = [
        cache.key(page(1), "a"),
        cache.key(page(2), "a"),
        cache.key(page(1), "b"),
        cache.key(page(1, (20, 10)), "a"),
    ]
    assert len(set(different)) == 4
    # A view with strides of its own has the same pixels.
    wide = np.zeros((10, 40, 3), np.uint8)
    assert cache.key(Page(wide[:, ::2]), "a") == cache.key(page(0), "a")


def test_hits_and_misses_are_counted():
    cache = PageCache(10_000)
    key = cache.key(page(), "")
    assert cache.get(key) is None
    cache.put(key, read())
    assert cache.get(key) == read()
    assert (cache.hits, cache.misses, len(cache)) == (1, 1, 1)


def test_a_cache_of_nothing_is_off():
    cache = PageCache(0)
    key = cache.key(page(), "")
    cache.put(key, read())
    assert key is None and cache.get(key) is None
    assert (cache.hits, cache.misses, cache.bytes) == (0, 0, 0)


def test_memory_is_bounded_and_the_page_used_longest_ago_goes():
    cache = PageCache(5 * 1400)
    for value in range(5):
        cache.put(cache.key(page(value), ""), read())
    assert len(cache) == 5
    cache.get(cache.key(page(0), ""))
    cache.put(cache.key(page(9), ""), read())
    assert cache.bytes <= cache.max_bytes
    assert cache.get(cache.key(page(0), "")) and cache.get(cache.key(page(9), ""))
    assert cache.get(cache.key(page(1), "")) is None
    cache.put(cache.key(page(8), ""), read(1000))  # larger than the cache
    assert len(cache) == 5


def test_a_page_put_twice_is_counted_once():
    cache = PageCache(100_000)
    cache.put(b"k", read(3))
    before = cache.bytes
    cache.put(b"k", read(3))
    assert (cache.bytes, len(cache)) == (before, 1)


def test_many_threads_keep_the_books():
    cache = PageCache(20 * 1400)

    def work(seed):
        rng = np.random.default_rng(seed)
        for number in rng.integers(0, 60, 300).tolist():
            if cache.get(bytes([number])) is None:
                cache.put(bytes([number]), read())

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cache.hits + cache.misses == 8 * 300
    assert cache.bytes == sum(size for _, size in cache._values.values()) <= cache.max_bytes


def window(first=7, box=0, kind=0, pixel=0):
    ids = np.full(5, 3, np.int64)
    ids[0] = first
    image = np.full((3, 224, 224), pixel, np.uint8)
    return Encoding(ids, np.full((5, 4), box, np.int64), np.full(5, kind, np.int64), np.full(5, -1, np.int32), image)


def test_what_a_model_sees_of_a_window_is_what_its_logits_are_known_by():
    cache = LogitsCache(10_000)
    moved = replace(window(), page=3, word_index=np.arange(5, dtype=np.int32))
    assert cache.key(window(), "a") == cache.key(moved, "a")
    seen = [window(), window(first=8), window(box=9), window(kind=1), window(pixel=2)]
    assert len({cache.key(one, "a") for one in seen} | {cache.key(window(), "b")}) == 6


def test_logits_are_bounded_by_their_bytes():
    cache = LogitsCache(10_000)
    logits = Logits(kie=np.zeros((100, 9), np.float32))
    for number in range(5):
        cache.put(bytes([number]), logits)
    assert cache.get(bytes([4])) is logits
    assert cache.get(bytes([0])) is None
    assert logits.kie.nbytes < cache.bytes <= cache.max_bytes
    off = LogitsCache(0)
    assert off.key(window(), "a") is None
