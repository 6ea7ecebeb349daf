#!/usr/bin/env bash
# The second step of action.yml: runs the gate, and says what came of it as annotations, in the log, in the job's summary
# and as outputs. Inputs come in variables and are data: each becomes one word of concadvise's command line.
set -euo pipefail

# The target's environment is its own: it gets none of ours.
for name in "${!CONCADVISE_INPUT_@}"; do
    export -n "${name?}"
done

# Ends the step: with a status, a verdict where there is one, and the pages that were written.
end() {
    printf 'verdict=%s\nstatus=%s\n' "$2" "$1" >>"$GITHUB_OUTPUT"
    exit "$1"
}

# Ends it where there is no verdict.
refuse() {
    printf '::error title=concadvise gate::%s\n' "$2"
    printf '### concadvise gate: nothing could be judged\n\nThe log of its step says why.\n' >>"$GITHUB_STEP_SUMMARY"
    end "$1" ''
}

options=()
# An option with the value of an input, where it has one. As one word, so that no value is taken for an option.
option() {
    local variable=CONCADVISE_INPUT_$2
    [ -z "${!variable-}" ] || options+=("$1=${!variable}")
}
option --name NAME
option --baseline BASELINE
option --config CONFIG
option --policy POLICY
option --budget BUDGET
[ "${CONCADVISE_INPUT_FAIL_ON_INCONCLUSIVE-}" != true ] || options+=(--fail-on-inconclusive)

reports=()
while IFS= read -r line; do
    line=${line%$'\r'}
    case $line in
        '') ;;
        -*) reports+=("./$line") ;;
        *) reports+=("$line") ;;
    esac
done <<<"${CONCADVISE_INPUT_REPORTS-}"

# The command's words: of one line what spaces divide, of several a word in each.
command=()
typed=$(printf '%s' "${CONCADVISE_INPUT_COMMAND-}" | tr -d '\r')
case $typed in
    *$'\n'*) while IFS= read -r line; do command+=("$line"); done <<<"$typed" ;;
    *) read -ra command <<<"$typed" ;;
esac
[ ${#command[@]} -eq 0 ] || command=(-- "${command[@]}")

pages=$(mktemp -d "${RUNNER_TEMP:-/tmp}/concadvise-gate.XXXXXX")
for format in human markdown json junit sarif; do
    options+=("--output=$format=$pages/gate.$format")
done

cd -- "${CONCADVISE_INPUT_WORKING_DIRECTORY:-.}" 2>/dev/null || refuse 2 "the input working-directory names no folder"
status=0
"$CONCADVISE_INPUT_PROGRAM" gate --format=github "${options[@]}" "${reports[@]}" "${command[@]}" || status=$?
[ -f "$pages/gate.sarif" ] || refuse $((status ? status : 2)) "nothing could be judged; the log of this step says why"

# The annotations end after ten of a level; the log has all.
cat "$pages/gate.human"
cat "$pages/gate.markdown" >>"$GITHUB_STEP_SUMMARY"
for format in markdown junit sarif; do
    printf '%s=%s\n' "$format" "$pages/gate.$format" >>"$GITHUB_OUTPUT"
done
# Two spaces are before the keys of the document itself, and no value has a line of its own.
end "$status" "$(sed -n 's/^  "verdict": "\([a-z]*\)",\{0,1\}$/\1/p' "$pages/gate.json")"
