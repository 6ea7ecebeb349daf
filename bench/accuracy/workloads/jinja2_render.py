"""Renders a page with a table of 400 rows by Jinja2."""

from jinja2 import Environment

LABEL = {"class": "cpu-bound", "about": "Jinja2"}
ITEMS = range(170)
PAGE = Environment(autoescape=True).from_string(
    "<h1>{{ title }}</h1><table>{% for row in rows %}<tr class='{{ loop.cycle('a', 'b') }}'>"
    "<td>{{ row.name | upper }}</td><td>{{ '%.2f' | format(row.price) }}</td></tr>{% endfor %}</table>"
)
ROWS = [{"name": f"item <{i}>", "price": i * 1.5} for i in range(1500)]


def task(item):
    return len(PAGE.render(title=item, rows=ROWS))


if __name__ == "__main__":
    results = [task(item) for item in ITEMS]
