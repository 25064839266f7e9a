"""Hostile documents, made by code: nothing of them is stored. Each is a name and its bytes."""

import io
import random
import struct
import zlib

import pytest
from PIL import Image, ImageDraw

SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"II*\0", b"MM\0*", b"GIF89a", b"RIFF\4\0\0\0WEBP", b"%PDF-1.7")


def saved(image, form, **options):
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def usual():
    """One honest document in each format."""
    image = Image.new("RGB", (320, 240), "white")
    draw = ImageDraw.Draw(image)
    for row in range(8):
        draw.text((10, 10 + 28 * row), f"TOTAL {row}.50 ACME", fill="black")
    forms = ("JPEG", "PNG", "TIFF", "GIF", "WEBP", "BMP", "PDF")
    found = {form.lower(): saved(image, form) for form in forms}
    found["progressive"] = saved(image, "JPEG", progressive=True)
    found["deflated tiff"] = saved(image, "TIFF", compression="tiff_adobe_deflate")
    return found


def mutated():
    """Honest documents cut off, with bytes changed, with parts doubled and with another's beginning."""
    for name, data in usual().items():
        for part in range(1, 8):
            yield f"{name} cut at {part}/8", data[: len(data) * part // 8]
        for seed in range(16):
            chance, changed = random.Random(f"{name} {seed}"), bytearray(data)
            for _ in range(1 + seed * 3):
                changed[chance.randrange(len(data))] = chance.randrange(256)
            yield f"{name} changed {seed}", bytes(changed)
        middle = len(data) // 2
        yield f"{name} doubled", data[:middle] * 2 + data[middle:]
        yield f"{name} behind another's signature", SIGNATURES[len(name) % len(SIGNATURES)] + data
    for number, signature in enumerate(SIGNATURES):
        yield f"signature {number} alone", signature
        yield f"signature {number} and noise", signature + random.Random(number).randbytes(5000)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, depth=8, colour=2, data=b""):
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def zeros(count):
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(bytes(2**20)) for _ in range(count // 2**20 + 1)) + packer.flush()


def tiff(directories, tail=b""):
    """A TIFF of directories, each a list of (tag, type, count, value) and the number of the next one or -1."""
    sizes = [6 + 12 * len(entries) for entries, _ in directories]
    places = [8 + sum(sizes[:number]) for number in range(len(sizes))]
    body = b"II*\0" + struct.pack("<I", 8)
    for entries, following in directories:
        body += struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries)
        body += struct.pack("<I", places[following] if following >= 0 else 0)
    return body + tail


def plain_tiff(width=100, height=100, compression=1, following=-1, tile=None, bits=8, samples=3):
    entries = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, bits), (259, 3, 1, compression)]
    entries += [(262, 3, 1, 2 if samples == 3 else 1), (277, 3, 1, samples)]
    if tile:
        entries += [(322, 4, 1, tile[0]), (323, 4, 1, tile[1]), (324, 4, 1, 8), (325, 4, 1, 1000)]
    else:
        entries += [(273, 4, 1, 8), (278, 4, 1, height), (279, 4, 1, width * height * samples % 2**32)]
    return sorted(entries), following


def pictures():
    """Pictures that say they are large, or are; that never end; that need much work for few bytes."""
    for side in (20_000, 65_535, 2**30):
        yield f"png of {side} by {side}", png(side, side)
        yield (
            f"bmp of {side} by {side}",
            b"BM" + struct.pack("<IIIIiiHHIIIIII", 99, 0, 54, 40, side, side, 1, 24, *[0] * 6),
        )
        yield f"tiff of {side} by {side}", tiff([plain_tiff(side, side)])
        yield f"tiff with a tile of {side} by {side}", tiff([plain_tiff(tile=(side, side))], bytes(1000))
        yield (
            f"gif of {side % 65536} by {side % 65536}",
            b"GIF89a" + struct.pack("<HHBBB", side % 65536, side % 65536, 0, 0, 0),
        )
    yield (
        "tiff with a deflated tile of 20,000 by 30,000",
        tiff([plain_tiff(tile=(20_000, 30_000), compression=8)], zeros(2**24)),
    )
    for colour, depth, width in ((0, 16, 2), (2, 8, 3), (6, 8, 4), (6, 16, 8), (4, 16, 4)):
        data = zeros((7000 * width + 1) * 7000)
        yield f"png of 49 megapixels, colour {colour}, {depth} bits", png(7000, 7000, depth, colour, data)
    yield "png with less data than it says", png(3000, 3000, data=zlib.compress(b""))
    yield "png with more data than it says", png(10, 10, data=zeros(2**26))
    text = chunk(b"zTXt", b"a\0\0" + zeros(2**27))
    small = png(10, 10, data=zlib.compress(bytes(310)))
    yield "png with 128 MB of text", small[:33] + text + small[33:]
    yield "png with 5,000 chunks of text", small[:33] + chunk(b"tEXt", b"a\0b") * 5000 + small[33:]
    yield "tiff whose directory follows itself", tiff([plain_tiff(following=0)], bytes(30_000))
    yield (
        "tiff whose directories follow each other",
        tiff([plain_tiff(following=1), plain_tiff(following=0)], bytes(30_000)),
    )
    many = [plain_tiff(10, 10, following=number + 1 if number < 4999 else -1) for number in range(4999)] + [
        plain_tiff(10, 10)
    ]
    yield "tiff of 5,000 frames", tiff(many)
    yield "tiff of flat floats", saved(Image.new("F", (50, 50), 3e38), "TIFF")
    yield "tiff of flat integers", saved(Image.new("I", (50, 50), -(2**31)), "TIFF")
    for samples, bits in ((0, 8), (3, 0), (65_535, 8), (3, 65_535), (1, 64)):
        yield f"tiff of {samples} samples of {bits} bits", tiff([plain_tiff(samples=samples, bits=bits)], bytes(30_000))
    yield from scans()


def scans():
    """Progressive JPEGs whose last scan comes again and again."""
    image = Image.effect_noise((1600, 1600), 5).convert("RGB")
    data = saved(image, "JPEG", progressive=True, quality=1)
    begins = [at for at in range(len(data) - 1) if data[at : at + 2] == b"\xff\xda"]
    last = data[begins[-1] : -2]
    for count in (100, max(900_000 // max(len(last), 1), 1)):
        yield f"jpeg of {count} scans", data[:-2] + last[:2000] * count + data[-2:]


def pdf(*objects):
    """A PDF of a page whose contents are object 4 and whose further objects are numbered from 5 on."""
    body = b"%PDF-1.7\n"
    numbered = [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>", *objects]
    for number, text in enumerate(numbered, 1):
        body += b"%d 0 obj\n%s\nendobj\n" % (number, text)
    return body + b"trailer<</Root 1 0 R>>\n%%EOF\n"


def page(resources=b"", box=b"0 0 200 200", more=b""):
    return b"<</Type/Page/Parent 2 0 R/MediaBox[%s]/Contents 4 0 R/Resources<<%s>>%s>>" % (box, resources, more)


def stream(data, entries=b""):
    return b"<<%s/Length %d>>stream\n%s\nendstream" % (entries, len(data), data)


def pdfs():
    """PDFs that draw themselves, unpack to gigabytes, or are much of anything."""
    for step in (b"0.001", b"0.00001", b"0", b"-1", b"1e30"):
        pattern = (
            b"/Type/Pattern/PatternType 1/PaintType 1/TilingType 1/BBox[0 0 10 10]/XStep %s/YStep %s/Resources<<>>"
        )
        paint = stream(b"/Pattern cs /P scn 0 0 200 200 re f")
        yield (
            f"pdf with a pattern of steps of {step.decode()}",
            pdf(page(b"/Pattern<</P 5 0 R>>"), paint, stream(b"0 0 1 1 re f", pattern % (step, step))),
        )
    for depth, width in ((1, 1), (5, 10), (10, 10), (30, 2), (60, 4)):
        forms = []
        for number in range(depth):
            following = 5 + (number + 1) % depth
            entries = b"/Type/XObject/Subtype/Form/BBox[0 0 200 200]/Resources<</XObject<</F %d 0 R>>>>" % following
            forms.append(stream(b"/F Do " * width, entries))
        yield (
            f"pdf of {depth} forms that draw the next {width} times",
            pdf(page(b"/XObject<</F 5 0 R>>"), stream(b"/F Do"), *forms),
        )
    for times in (1, 2, 3):
        data, filters = bytes(2**26) if times < 3 else bytes(2**27), b"/FlateDecode " * times
        for _ in range(times):
            data = zlib.compress(data, 9)
        yield f"pdf deflated {times} times", pdf(page(), stream(data, b"/Filter[%s]" % filters))
    for name in (
        b"ASCIIHexDecode",
        b"ASCII85Decode",
        b"LZWDecode",
        b"RunLengthDecode",
        b"DCTDecode",
        b"JPXDecode",
        b"JBIG2Decode",
        b"CCITTFaxDecode",
    ):
        for times in (1, 50):
            data = stream(b"00" * 5000 + b"~>", b"/Filter[%s]" % ((b"/" + name) * times))
            yield f"pdf with {name.decode()} {times} times", pdf(page(), data)
        entries = (
            b"/Type/XObject/Subtype/Image/Width 30000/Height 30000/BitsPerComponent 8/ColorSpace/DeviceRGB/Filter/%s"
            % name
        )
        yield (
            f"pdf with a picture of 30,000 by 30,000 in {name.decode()}",
            pdf(page(b"/XObject<</I 5 0 R>>"), stream(b"200 0 0 200 0 0 cm /I Do"), stream(b"\0" * 1000, entries)),
        )
    font = b"/Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>"
    for rows, text in (
        (40_000, b"(a) Tj 0 -0.004 Td "),
        (20_000, b"(ab) Tj 3 -1 Td "),
        (200, b"(" + b"word " * 800 + b") Tj T* "),
    ):
        yield f"pdf of {rows} rows of text", pdf(page(font), stream(b"BT /F 1 Tf 1 TL 0 199 Td " + text * rows + b"ET"))
    boxes = (
        b"0 0 1e9 1e9",
        b"0 0 0 0",
        b"0 0 -5 -5",
        b"0 0 1 1000000",
        b"a b c d",
        b"0 0 1e308 1e308",
        b"0 0 .0001 .0001",
    )
    for box in boxes:
        yield f"pdf of a page of {box.decode()}", pdf(page(box=box), stream(b"0 0 9 9 re f"))
    yield "pdf of two million strokes", pdf(page(), stream(b"0 0 m 200 200 l S " * 50_000))
    yield "pdf of nested states", pdf(page(), stream(b"q " * 300_000))
    yield "pdf of nested arrays", pdf(page(more=b"/A" + b"[" * 100_000), stream(b""))
    yield "pdf of nested dictionaries", pdf(page(more=b"/A" + b"<</A" * 50_000), stream(b""))
    yield "pdf of a million pages", pdf(page(), stream(b"")).replace(b"/Count 1", b"/Count 1000000")
    yield "pdf whose page tree is a circle", pdf(page(), stream(b"")).replace(b"/Kids[3 0 R]", b"/Kids[2 0 R 2 0 R]")
    yield "pdf whose page is its own contents", pdf(page().replace(b"4 0 R", b"3 0 R"), stream(b""))
    yield "pdf whose length is its own stream's", pdf(page(), b"<</Length 4 0 R>>stream\nq\nendstream")
    for count in (10, 100):
        annotation = b"<</Type/Annot/Subtype/Stamp/Rect[0 0 200 200]/AP<</N 5 0 R>>>>" * count
        appearance = stream(b"0 0 1 1 re f " * 5000, b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]")
        yield f"pdf of {count} annotations", pdf(page(more=b"/Annots[%s]" % annotation), stream(b""), appearance)
    glyph = b"<</Type/Font/Subtype/Type3/FontBBox[0 0 1 1]/FontMatrix[1 0 0 1 0 0]/FirstChar 97/LastChar 97/Widths[1]"
    glyph += b"/Encoding<</Differences[97/a]>>/CharProcs<</a 6 0 R>>/Resources<</Font<</F 5 0 R>>>>>>"
    drawn = stream(b"1 0 d0 BT /F 1 Tf (aaaa) Tj ET")
    yield (
        "pdf of a font that writes with itself",
        pdf(page(b"/Font<</F 5 0 R>>"), stream(b"BT /F 9 Tf (a) Tj ET"), glyph, drawn),
    )
    shading = b"/ShadingType 1/ColorSpace/DeviceRGB/Domain[0 1e6 0 1e6]"
    shading += b"/Function<</FunctionType 4/Domain[0 1 0 1]/Range[0 1 0 1 0 1]>>"
    yield "pdf of a shading by a program", pdf(page(b"/Shading<</S<<%s>>>>" % shading), stream(b"/S sh " * 2000))


@pytest.fixture(scope="session")
def documents():
    """Names and bytes, each name once and each under a megabyte."""
    found = {}
    for made in (mutated(), pictures(), pdfs()):
        for name, data in made:
            assert name not in found and len(data) < 2**20, (name, len(data))
            found[name] = data
    assert len(found) >= 300, len(found)
    return found
