"""Runs one workload under one executor model, inside the interpreter that is to be measured.

Standard library only, CPython 3.8 and newer, with or without a GIL. `protocol` speaks with the Rust side, `executors`
are the models. What they run is a twin (`twin`, of which `demand` is one task and `calibrate` finds how much work a
second holds) or the user's own function (`task`, which `load` finds, `user` calls, `answers` compares, `watch` guards
against hanging, and `sequence` runs one item after another). `cluster` hands tasks to a Dask scheduler, whose workers
run `remote`. Children import `demand` or `user` alone, so these stay
cheap to import: what it costs would be counted as the start of a worker.
"""
