#!/bin/sh
# Six hundred commands that end at once: what is paid for is starting them, and most live between two samples.
# Right advice: few at a time for each CPU (`xargs -P`), or one process that does all of it.
set -eu
i=0
while [ $i -lt 600 ]; do
    ls / >/dev/null
    i=$((i + 1))
done
echo $i children
