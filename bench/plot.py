# SPDX-License-Identifier: BSD-3-Clause
"""A plot of cost against the number of sources, as SVG."""
import math

WIDTH, HEIGHT = 860, 520
LEFT, RIGHT, TOP, BOTTOM = 80, 210, 56, 70
COLOURS = ["#0b6e99", "#c2410c", "#7a7a7a", "#4d7c0f"]


def nice_step(most):
    """A step of 1, 2 or 5 times a power of ten that fits `most` about six times."""
    rough = most / 6
    power = 10 ** math.floor(math.log10(rough))
    return next(power * times for times in (1, 2, 5, 10) if power * times >= rough)


def text(x, y, words, anchor="middle", more=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {more}>{words}</text>'


def line(x1, y1, x2, y2, colour="#ddd", more=""):
    return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
            f'stroke="{colour}" {more}/>')


class Axes:
    def __init__(self, xs, most):
        self.low, self.high = math.log10(min(xs)), math.log10(max(xs))
        self.step = nice_step(most)
        self.most = self.step * math.ceil(most / self.step)

    def x(self, value):
        share = (math.log10(value) - self.low) / ((self.high - self.low) or 1)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, value):
        return HEIGHT - BOTTOM - value / self.most * (HEIGHT - TOP - BOTTOM)

    def draw(self, x_label, y_label):
        for i in range(round(self.most / self.step) + 1):
            y = self.y(i * self.step)
            yield line(LEFT, y, WIDTH - RIGHT, y)
            yield text(LEFT - 8, y + 4, f"{i * self.step:g}", "end")
        for power in range(math.ceil(self.low), math.floor(self.high) + 1):
            x = self.x(10 ** power)
            yield line(x, TOP, x, HEIGHT - BOTTOM)
            yield text(x, HEIGHT - BOTTOM + 20, f"{10 ** power:,}")
        yield line(LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM, "#444")
        yield line(LEFT, TOP, LEFT, HEIGHT - BOTTOM, "#444")
        yield text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 24, x_label)
        middle = (TOP + HEIGHT - BOTTOM) / 2
        yield text(24, middle, y_label, more=f'transform="rotate(-90 24 {middle})"')


def draw_curve(axes, points, colour, dashed):
    """Points are (x, low, middle, high): a line through the middles, and what varied."""
    dash = 'stroke-dasharray="6 4"' if dashed else ""
    path = " ".join(f"{axes.x(x):.1f},{axes.y(middle):.1f}" for x, _, middle, _ in points)
    yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2" {dash}/>'
    for x, low, middle, high in points:
        yield line(axes.x(x), axes.y(low), axes.x(x), axes.y(high), colour, 'stroke-width="1.5"')
        yield f'<circle cx="{axes.x(x):.1f}" cy="{axes.y(middle):.1f}" r="3.5" fill="{colour}"/>'


def draw_labels(axes, curves):
    """Each curve's name where it ends, moved apart where two would meet."""
    last = TOP - 20
    for name, points, colour, _ in sorted(curves, key=lambda curve: -curve[1][-1][2]):
        last = max(axes.y(points[-1][2]) + 4, last + 16)
        yield text(WIDTH - RIGHT + 12, last, name, "start", f'fill="{colour}"')


def draw(title, x_label, y_label, curves):
    """The SVG of curves (name, points, colour's number, dashed), with points as above."""
    curves = [(name, points, COLOURS[colour], dashed) for name, points, colour, dashed in curves]
    points = [point for curve in curves for point in curve[1]]
    axes = Axes([x for x, *_ in points], max(high for *_, high in points))
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
             'font-family="sans-serif" font-size="13" fill="#222">',
             f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
             text(LEFT, 28, title, "start", 'font-size="16"'),
             *axes.draw(x_label, y_label)]
    for _, points, colour, dashed in curves:
        parts += draw_curve(axes, points, colour, dashed)
    return "\n".join([*parts, *draw_labels(axes, curves), "</svg>", ""])
