"""Runs one synthetic workload under one executor model, inside the interpreter that is to be measured.

Standard library only, CPython 3.8 and newer, with or without a GIL. `protocol` speaks with the Rust side, `demand` is
one task, `executors` are the models, `calibrate` finds how much work a second holds. Children import `demand` alone,
so it stays cheap to import: what it costs would be counted as the start of a worker.
"""
