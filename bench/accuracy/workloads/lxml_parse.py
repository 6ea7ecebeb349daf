"""Parses an XML document of 1 MB and asks it by XPath: lxml releases the GIL while it parses."""

from lxml import etree

LABEL = {"class": "cpu-bound", "about": "lxml parse and XPath"}
ITEMS = range(45)
TEXT = (
    "<list>" + "".join(f"<item id='{i}' kind='k{i % 7}'><name>item {i}</name><price>{i}</price></item>"
                       for i in range(16_000)) + "</list>"
).encode()


def task(item):
    tree = etree.fromstring(TEXT)
    return len(tree.xpath(f"//item[@kind='k{item % 7}']/name")) + int(tree.xpath("sum(//price)"))


if __name__ == "__main__":
    results = [task(item) for item in ITEMS]
