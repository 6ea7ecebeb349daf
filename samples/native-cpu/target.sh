#!/bin/sh
# Native computing, one thing after another: compress and hash generated data, keep nothing.
# Right advice: as many of these at once as there are usable CPUs.
set -eu
for round in 1 2; do
    head -c 48000000 /dev/zero | gzip -9 | sha256sum
    head -c 120000000 /dev/zero | sha256sum
done
