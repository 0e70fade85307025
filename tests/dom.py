"""HTML as a tree, for tests that ask what a page says and how it is built."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "br", "img", "input", "hr"}


@dataclass
class Node:
    """An element; `children` are elements and texts."""

    tag: str
    attrs: dict[str, str]
    children: list[Node | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All that is said in it, spaces as a reader sees them."""
        return " ".join("".join(self._texts()).split())

    def _texts(self) -> Iterator[str]:
        for child in self.children:
            yield from [child] if isinstance(child, str) else child._texts()

    def all(self, tag: str = "", css: str = "", **attrs: str) -> list[Node]:
        """Every element below that has the tag, the class and the attributes."""
        return [node for node in self._below() if node.fits(tag, css, attrs)]

    def one(self, tag: str = "", css: str = "", **attrs: str) -> Node:
        """The only such element."""
        (found,) = self.all(tag, css, **attrs)
        return found

    def fits(self, tag: str, css: str, attrs: dict[str, str]) -> bool:
        has_class = not css or css in self.attrs.get("class", "").split()
        wanted = {name.strip("_"): value for name, value in attrs.items()}
        return (
            tag in ("", self.tag)
            and has_class
            and all(self.attrs.get(name) == value for name, value in wanted.items())
        )

    def _below(self) -> Iterator[Node]:
        for child in self.children:
            if isinstance(child, Node):
                yield child
                yield from child._below()


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = Node("", {})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].children.append(Node(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def parse(html: str) -> Node:
    """The tree. Fails for tags that do not close in their order."""
    builder = _Builder()
    builder.feed(html)
    builder.close()
    assert builder.open == [builder.root], f"never closed: {builder.open[-1].tag}"
    return builder.root
