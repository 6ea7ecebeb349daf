"""Whether a workload runs under every model and gives the same results: its first items only, no times."""

import json

import measure
from settings import SEQUENTIAL, Setting

ITEMS = 8
SETTINGS = [
    Setting("threads", 4),
    Setting("threads", 2, 4),
    Setting("processes", 2, 4, "fork"),
    Setting("processes", 2, 1, "forkserver"),
    Setting("processes", 2, 1, "spawn"),
    Setting("asyncio", 4),
    Setting("asyncio+threads", 4),
    Setting("asyncio+processes", 2, 1, "fork"),
    Setting("asyncio+processes", 2, 4, "spawn"),
    Setting("joblib", -1),
]


def check(name: str, environment: dict) -> list:
    """What is wrong, a sentence each."""
    measure.ask("setup", name, environment)
    about = measure.ask("describe", name, environment)

    def results(setting: Setting) -> str:
        return measure.ask("measure", name, environment, json.dumps(setting.told() | {"items": ITEMS}))["results"]

    expected, wrong = results(SEQUENTIAL), []
    for setting in SETTINGS:
        if setting.model == "asyncio" and not about["atask"]:
            continue
        try:
            if results(setting) != expected:
                wrong.append(f"{setting.name} gives other results than sequential")
        except measure.Failed as error:
            wrong.append(str(error))
    return wrong
