"""Over before anything can be told: an interpreter that starts, adds, and ends.

Right advice: stay sequential; any executor costs more to start than this takes to run.
"""

print(sum(range(1000)))
