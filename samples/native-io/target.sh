#!/bin/sh
# Native waiting, one thing after another: the shell waits for a child, the child for a timer.
# Right advice: many of these at once, as processes (xargs -P), which is all the concurrency a shell has; CPUs do not
# bound them.
set -eu
i=0
while [ $i -lt 12 ]; do
    sleep 0.15
    i=$((i + 1))
done
echo $i waits
