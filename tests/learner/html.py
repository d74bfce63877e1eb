"""A page as its reader sees it."""

from __future__ import annotations

from html.parser import HTMLParser


class Page(HTMLParser):
    """Tags with their attributes, the values of <data>, and the visible text of a report."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.hidden = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.hidden = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self.hidden = False

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def assert_alone(html: str) -> None:
    """Nothing is loaded from elsewhere, and nothing runs."""
    page = Page(html)
    names = {"src", "href", "xlink:href", "srcset", "data", "action", "poster"}
    links = [value or "" for _, attributes in page.tags for name, value in attributes.items() if name in names]
    assert all(link.startswith(("data:image/png;base64,", "data:image/jpeg;base64,", "#")) for link in links)
    assert "http://" not in html
    assert "https://" not in html
    assert html.count("url(") == html.count("url(#")
    assert "@import" not in html
    assert not {"script", "link", "iframe", "object", "base"} & {tag for tag, _ in page.tags}
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
