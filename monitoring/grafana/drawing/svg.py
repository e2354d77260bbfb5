# SPDX-License-Identifier: Apache-2.0
"""Shapes and words."""

from xml.sax.saxutils import escape

BACK, PANEL, FRAME, TEXT, DIM, GRID = "#111217", "#181b1f", "#2b2e36", "#d0d1dc", "#9b9ca9", "#2a2d34"
NARROW, WIDE = "fijltrI.,:;'|()[]{}! -", "mwMW%@"


def width(words, size):
    """About: of a face like Helvetica."""
    return sum(0.3 if letter in NARROW else 0.86 if letter in WIDE else 0.66 if letter.isupper() else 0.54 for letter in words) * size


def cut(words, room, size):
    if width(words, size) <= room:
        return words
    while words and width(words + "…", size) > room:
        words = words[:-1]
    return words + "…"


def ink(background):
    """What is legible on it."""
    red, green, blue = (int(background[at:at + 2], 16) for at in (1, 3, 5))
    return "#111217" if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else "#ffffff"


def short(value):
    return f"{value:.1f}".removesuffix(".0")


class Drawing:
    def __init__(self):
        self.parts = []

    def rect(self, x, y, w, h, fill, radius=0, stroke=None, opacity=None):
        more = (f' rx="{radius}"' if radius else "") + (f' stroke="{stroke}"' if stroke else "") + (f' fill-opacity="{opacity}"' if opacity else "")
        self.parts.append(f'<rect x="{short(x)}" y="{short(y)}" width="{short(max(0, w))}" height="{short(max(0, h))}" fill="{fill}"{more}/>')

    def text(self, x, y, words, size=12, fill=TEXT, anchor="start", bold=False):
        more = ("" if anchor == "start" else f' text-anchor="{anchor}"') + (' font-weight="600"' if bold else "") + ("" if size == 12 else f' font-size="{short(size)}"')
        self.parts.append(f'<text x="{short(x)}" y="{short(y)}" fill="{fill}"{more}>{escape(words)}</text>')

    def line(self, x1, y1, x2, y2, stroke=GRID, dashed=False):
        self.path(f"M{short(x1)} {short(y1)}L{short(x2)} {short(y2)}", stroke, dashed=dashed)

    def path(self, data, stroke="none", fill="none", opacity=None, dashed=False):
        more = (f' stroke="{stroke}"' if stroke != "none" else "") + (f' fill-opacity="{opacity}"' if opacity else "") + (' stroke-dasharray="6 4"' if dashed else "")
        self.parts.append(f'<path d="{data}" fill="{fill}"{more}/>')

    def circle(self, x, y, radius, fill, opacity=None):
        more = f' fill-opacity="{opacity}"' if opacity else ""
        self.parts.append(f'<circle cx="{short(x)}" cy="{short(y)}" r="{short(radius)}" fill="{fill}"{more}/>')

    def svg(self, w, h, title):
        return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w} {short(h)}" role="img"><title>{escape(title)}</title>\n'
                f'<rect width="{w}" height="{short(h)}" fill="{BACK}"/>\n<g font-family="Inter,Roboto,Helvetica Neue,Arial,DejaVu Sans,sans-serif" font-size="12" stroke-width="1.3">\n'
                + "\n".join(self.parts) + "\n</g>\n</svg>\n")
