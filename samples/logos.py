#!/usr/bin/env python3
"""Draws the logos of the sample offers: flat glyphs on one colour, no text, no gradient.

    python3 samples/logos.py            writes samples/offers/*/logos/*.png and samples/python/offer/logos/*.png
    python3 samples/logos.py --check    fails when a committed logo has other pixels than the script draws

Only the standard library is used. Shapes are signed distances in a square from -1 to 1 (y down), so that every
size is drawn from the same few lines, with smooth edges.
"""
import math
import pathlib
import struct
import sys
import zlib

OFFERS = pathlib.Path(__file__).resolve().parent / "offers"
PYTHON = OFFERS.parent / "python" / "offer"
SIZES = [(40, 40), (90, 90), (115, 115), (255, 115)]
LIGHT = (245, 247, 250)


def circle(x, y, radius):
    return lambda px, py: math.hypot(px - x, py - y) - radius


def box(x, y, half_width, half_height, corner=0.0):
    def distance(px, py):
        dx = abs(px - x) - half_width + corner
        dy = abs(py - y) - half_height + corner
        return math.hypot(max(dx, 0), max(dy, 0)) + min(max(dx, dy), 0) - corner
    return distance


def line(x1, y1, x2, y2, width):
    dx, dy = x2 - x1, y2 - y1
    length = dx * dx + dy * dy or 1

    def distance(px, py):
        along = min(1, max(0, ((px - x1) * dx + (py - y1) * dy) / length))
        return math.hypot(px - x1 - along * dx, py - y1 - along * dy) - width / 2
    return distance


def path(points, width):
    return union(*(line(*a, *b, width) for a, b in zip(points, points[1:])))


def ring(x, y, radius, width):
    return lambda px, py: abs(math.hypot(px - x, py - y) - radius) - width / 2


def frame(x, y, half_width, half_height, corner, width):
    inner = box(x, y, half_width, half_height, corner)
    return lambda px, py: abs(inner(px, py)) - width / 2


def union(*shapes):
    return lambda px, py: min(shape(px, py) for shape in shapes)


def without(shape, hole):
    return lambda px, py: max(shape(px, py), -hole(px, py))


def thermometer(accent):
    tube = union(line(-0.16, -0.62, -0.16, 0.3, 0.46), circle(-0.16, 0.48, 0.42))
    bore = union(line(-0.16, -0.62, -0.16, 0.3, 0.22), circle(-0.16, 0.48, 0.29))
    ticks = union(*(line(0.3, y, 0.3 + w, y, 0.11) for y, w in [(-0.6, 0.34), (-0.3, 0.2), (0.0, 0.34)]))
    mercury = union(line(-0.16, -0.22, -0.16, 0.3, 0.22), circle(-0.16, 0.48, 0.29))
    return [(LIGHT, without(tube, bore)), (accent, mercury), (LIGHT, ticks)]


def threshold(accent):
    heights = [0.55, 0.95, 0.7, 1.5, 1.2]
    low, high = [], []
    for index, height in enumerate(heights):
        x, foot, limit = -0.72 + index * 0.36, 0.78, -0.2
        top = foot - height
        if top < limit:
            high.append(box(x, (top + limit - 0.1) / 2, 0.12, (limit - 0.1 - top) / 2, 0.03))
            top = limit + 0.1
        low.append(box(x, (top + foot) / 2, 0.12, (foot - top) / 2, 0.03))
    return [(LIGHT, union(*low)), (accent, union(*high)), (accent, line(-0.9, -0.2, 0.9, -0.2, 0.08))]


def pulse(accent):
    points = [(-0.92, 0.12), (-0.5, 0.12), (-0.3, -0.2), (-0.02, 0.68), (0.26, -0.72), (0.46, 0.12), (0.66, 0.12)]
    return [(LIGHT, path(points, 0.15)), (accent, circle(0.78, 0.12, 0.2))]


def window(accent):
    left = path([(-0.58, -0.78), (-0.86, -0.78), (-0.86, 0.78), (-0.58, 0.78)], 0.14)
    right = path([(0.58, -0.78), (0.86, -0.78), (0.86, 0.78), (0.58, 0.78)], 0.14)
    dots = [circle(x, y, 0.1) for x, y in
            [(-0.5, -0.42), (-0.16, -0.18), (0.2, -0.5), (0.5, -0.22), (-0.36, 0.02), (0.34, 0.1)]]
    return [(LIGHT, union(left, right)), (LIGHT, union(*dots)), (accent, line(-0.46, 0.5, 0.46, 0.5, 0.2))]


def forward(accent):
    shell = without(frame(-0.3, 0, 0.56, 0.72, 0.14, 0.15), box(0.26, 0, 0.2, 0.34))
    arrow = union(line(-0.36, 0, 0.8, 0, 0.16), path([(0.5, -0.32), (0.84, 0), (0.5, 0.32)], 0.16))
    return [(LIGHT, shell), (accent, arrow)]


def registers(accent):
    cells, lit = [], []
    for row in range(3):
        for column in range(3):
            cell = box(-0.5 + column * 0.5, -0.5 + row * 0.5, 0.18, 0.18, 0.05)
            (lit if (row, column) in [(0, 0), (1, 2), (2, 1)] else cells).append(cell)
    pins = [line(side * 0.84, y, side * 0.98, y, 0.11) for side in (-1, 1) for y in (-0.5, 0, 0.5)]
    outline = frame(0, 0, 0.8, 0.8, 0.14, 0.12)
    return [(LIGHT, union(outline, *pins)), (LIGHT, union(*cells)), (accent, union(*lit))]


def stack(accent):
    slabs = [box(0, y, 0.82, 0.22, 0.1) for y in (-0.58, 0, 0.58)]
    slots = [line(0.0, y, 0.5, y, 0.09) for y in (-0.58, 0, 0.58)]
    lights = [circle(-0.5, y, 0.1) for y in (-0.58, 0, 0.58)]
    return [(LIGHT, without(union(*slabs), union(*slots, *(circle(-0.5, y, 0.1) for y in (-0.58, 0, 0.58))))),
            (accent, union(*lights))]


def conveyor(accent):
    belt = frame(0, 0.52, 0.86, 0.24, 0.24, 0.13)
    rollers = [circle(x, 0.52, 0.1) for x in (-0.56, 0, 0.56)]
    parts = [box(-0.52, -0.06, 0.22, 0.22, 0.04), box(0.52, -0.06, 0.22, 0.22, 0.04)]
    counted = box(0, -0.06, 0.22, 0.22, 0.04)
    mark = path([(-0.2, -0.66), (0, -0.46), (0.2, -0.66)], 0.13)
    return [(LIGHT, union(belt, *rollers, *parts)), (accent, union(counted, mark))]


def magnifier(accent):
    lens = ring(-0.16, -0.16, 0.58, 0.15)
    handle = line(0.36, 0.36, 0.8, 0.8, 0.22)
    seen = union(box(-0.16, -0.3, 0.3, 0.09, 0.04), box(-0.16, 0.0, 0.3, 0.09, 0.04))
    return [(LIGHT, union(lens, handle)), (accent, seen)]


def clock(accent):
    face = ring(0, 0, 0.78, 0.15)
    hands = path([(0, -0.46), (0, 0), (0.32, 0.2)], 0.15)
    marks = union(*(circle(math.sin(turn) * 0.56, -math.cos(turn) * 0.56, 0.06) for turn in (math.pi / 2, math.pi, 1.5 * math.pi)))
    return [(LIGHT, face), (LIGHT, marks), (accent, hands)]


def outlier(accent):
    usual = [circle(x, y, 0.11) for x, y in
             [(-0.78, 0.32), (-0.48, 0.14), (-0.18, 0.36), (0.12, 0.18), (0.62, 0.3)]]
    band = union(line(-0.9, 0.62, 0.9, 0.62, 0.1), line(-0.9, -0.12, 0.9, -0.12, 0.1))
    return [(LIGHT, union(band, *usual)), (accent, union(circle(0.36, -0.6, 0.17), ring(0.36, -0.6, 0.32, 0.09)))]


def rgb(text):
    return tuple(bytes.fromhex(text))


# offer: background, tint of the pattern on the wide logo, accent, glyph
LOGOS = {
    "temperature-sensor": ("0e7490", "15839f", "ffb454", thermometer),
    "threshold-filter": ("4c3d9e", "594ab0", "ffc857", threshold),
    "heartbeat": ("a8283f", "b83a50", "ffd166", pulse),
    "window-aggregator": ("1f5fa8", "2d6db6", "7fe0c3", window),
    "http-forwarder": ("2a6f4b", "387e59", "f7d154", forward),
    "modbus-simulator": ("a4530f", "b46320", "ffe08a", registers),
    "file-store": ("3d4b5f", "4a596f", "63d8a4", stack),
    "line-counter": ("8a2365", "9a3575", "8be0ea", conveyor),
    "clock-check": ("1d6a72", "2b7880", "ffb4a2", clock),
    "anomaly-score": ("33517d", "41608d", "ff9f80", outlier),
    "gateway-inspector": ("5a5146", "695f53", "ff8a65", magnifier),
}


def draw(width, height, background, tint, glyph):
    """Pixels of one logo: the glyph fills two thirds of the height; on the wide one, its outline repeats in the tint."""
    half = height / 2
    layers = [(shape_colour, shape, half * 0.68, width / 2, half) for shape_colour, shape in glyph]
    if width > height:
        layers = [(shape_colour, shape, scale, height * 0.62, half) for shape_colour, shape, scale, _, _ in layers]
        ghost = union(*(shape for _, shape in glyph))
        layers.insert(0, (tint, ghost, half * 1.5, width - height * 0.45, half))
    rows = bytearray()
    for y in range(height):
        rows.append(0)
        for x in range(width):
            colour = background
            for shape_colour, shape, scale, middle_x, middle_y in layers:
                distance = shape((x + 0.5 - middle_x) / scale, (y + 0.5 - middle_y) / scale) * scale
                cover = min(1.0, max(0.0, 0.5 - distance))
                if cover > 0:
                    colour = tuple(a + (b - a) * cover for a, b in zip(colour, shape_colour))
            rows.extend(int(channel + 0.5) for channel in colour)
    return bytes(rows)


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width, height, rows):
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"sRGB", b"\0")
            + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b""))


def pixels_of(data):
    """The raw rows of a PNG that this script wrote (zlib versions may compress the same rows differently)."""
    start = data.index(b"IDAT") + 4
    (length,) = struct.unpack(">I", data[start - 8:start - 4])
    return zlib.decompress(data[start:start + length])


def folder(offer):
    """The folder of an offer; the Python sample is not among those that travel in the binary."""
    return PYTHON if offer == "anomaly-score" else OFFERS / offer


def main():
    check, wrong = "--check" in sys.argv[1:], []
    for offer, (background, tint, accent, glyph) in LOGOS.items():
        for width, height in SIZES:
            rows = draw(width, height, rgb(background), rgb(tint), glyph(rgb(accent)))
            target = folder(offer) / "logos" / f"{width}x{height}.png"
            if not check:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(png(width, height, rows))
            elif not target.exists() or pixels_of(target.read_bytes()) != rows:
                wrong.append(str(target))
    if wrong:
        sys.exit("logos that differ from what samples/logos.py draws:\n  " + "\n  ".join(wrong))


if __name__ == "__main__":
    main()
