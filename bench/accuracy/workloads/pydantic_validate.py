"""Validates and writes out 300 nested records per task by pydantic: native code that holds the GIL."""

from datetime import datetime

from pydantic import BaseModel, TypeAdapter

LABEL = {"class": "cpu-bound", "about": "pydantic"}
ITEMS = range(250)


class Line(BaseModel):
    sku: str
    count: int
    price: float


class Order(BaseModel):
    id: int
    at: datetime
    lines: list[Line]


ORDERS = TypeAdapter(list[Order])
RAW = [
    {"id": str(i), "at": f"2026-01-{i % 28 + 1:02}T10:00:00",
     "lines": [{"sku": f"s{j}", "count": str(j), "price": j * 0.5} for j in range(8)]}
    for i in range(600)
]


def task(item):
    orders = ORDERS.validate_python(RAW)
    return len(ORDERS.dump_json(orders)) + item


if __name__ == "__main__":
    results = [task(item) for item in ITEMS]
