import pytest

from pipeline.core.report.svg import inline_svg

DOCUMENT = """<?xml version="1.0" encoding="utf-8" standalone="no"?>
<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">
<svg xmlns:xlink="http://www.w3.org/1999/xlink" width="345.6pt" height="252pt" \
viewBox="0 0 345.6 252" xmlns="http://www.w3.org/2000/svg" version="1.1">
 <metadata><date>2013-07-02</date></metadata>
 <defs><style type="text/css">*{stroke-linejoin: round}</style></defs>
 <g id="figure_1"><path id="m1" d="M 38.608951 218.999018
L 1.5 2
" clip-path="url(#p1)" style="fill: none; stroke: #1d5fd1"/></g>
 <use xlink:href="#m1" x="41.543969"/>
 <text style="font-size: 9.5px; font-family: 'DejaVu Sans'; text-anchor: middle" \
transform="rotate(-0 41.5 233.2)">0.123456 #1d5fd1</text>
 <defs><clipPath id="p1"><rect/></clipPath></defs>
</svg>
"""


def test_a_drawing_takes_the_colours_and_the_font_of_the_page():
    svg = inline_svg(DOCUMENT, "roc", {"#1d5fd1": "--challenger"})
    assert "stroke: var(--challenger)" in svg
    assert "font-family" not in svg
    assert "font-size: 9.5px; text-anchor: middle" in svg


def test_a_drawing_refers_to_nothing_outside():
    svg = inline_svg(DOCUMENT, "roc", {})
    assert svg.startswith('<svg viewBox="0 0 345.6 252" aria-hidden="true"')
    for part in ("http", "xmlns", "<?xml", "<!DOCTYPE", "metadata", "<style", "date"):
        assert part not in svg


def test_names_inside_a_drawing_cannot_clash_with_those_of_another():
    svg = inline_svg(DOCUMENT, "roc", {})
    assert 'id="roc-m1"' in svg
    assert 'href="#roc-m1"' in svg
    assert 'id="roc-p1"' in svg
    assert "url(#roc-p1)" in svg
    assert "figure_1" not in svg


def test_coordinates_are_rounded_and_text_is_left_alone():
    svg = inline_svg(DOCUMENT, "roc", {"#1d5fd1": "--challenger"})
    assert 'd="M 38.61 219.00 L 1.5 2 "' in svg
    assert ">0.123456 #1d5fd1</text>" in svg
    assert "rotate(-0" not in svg


def test_what_is_no_drawing_is_refused():
    with pytest.raises(ValueError, match="viewBox"):
        inline_svg("<html></html>", "roc", {})
