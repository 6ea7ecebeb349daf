#!/bin/sh
# Blocks of zeros copied and sorted by ordinary tools, one after another.
for item in 1 2 3 4 5 6 7 8 9 10; do
    seq 1 8000 | sort -R | tail -n 1 >/dev/null
done
