"""Reads tables by BeautifulSoup: pure Python."""

from bs4 import BeautifulSoup

LABEL = {"class": "cpu-bound", "about": "BeautifulSoup"}
ITEMS = range(90)
PAGE = "<table>" + "".join(
    f"<tr><td>{i}</td><td><a href='/item/{i}'>item {i}</a></td></tr>" for i in range(220)
) + "</table>"


def task(item):
    page = BeautifulSoup(PAGE, "html.parser")
    return [link["href"] for link in page.find_all("a")][item % 200]


if __name__ == "__main__":
    results = [task(item) for item in ITEMS]
