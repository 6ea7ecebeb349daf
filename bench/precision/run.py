#!/usr/bin/env python3
"""How many of `concadvise check`'s findings are right, on mature projects.

    cargo build --release
    python3 bench/precision/run.py [--concadvise FILE] [--into FOLDER] [--project NAME …] [--show CODE …] [--unread]

Installs the projects of `projects.txt` (their code alone, nothing is run and nothing of them is imported), checks each
with the default rules, and compares every finding of level warning or error with `ledger.toml`, which holds what a
person found who read it in its source. For each code it prints how many findings there are, how many of them were
read, how many were true, false and debatable, and the precision: true ones over true and false ones. In brackets is the
precision if all that is debatable were false. Findings of level info claim less, and are counted only.

The status is 1 when a finding was never read, or an entry of the ledger no longer fires: the ledger is then not of
these findings. `--unread` prints such findings as entries to be filled in, with the source around them.
"""

import argparse
import collections
import json
import subprocess
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
VERDICTS = ("true", "false", "debatable")
# So that each machine gets the same files, whatever Python this is: wheels of one platform.
WHEELS = [
    "--only-binary=:all:", "--no-deps", "--no-compile", "--ignore-requires-python", "--python-version=3.12",
    "--implementation=cp", "--abi=cp312", "--abi=abi3", "--abi=none",
    "--platform=manylinux_2_28_x86_64", "--platform=manylinux2014_x86_64", "--platform=any",
]  # fmt: skip


def install(requirement, folder):
    """Installs a project into a folder of its own, unless this version is there."""
    name, version = requirement.split("==")
    distribution = f"{name.replace('-', '_')}-{version}.dist-info"
    if not (folder / distribution).is_dir():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--upgrade", "--root-user-action=ignore"]
        subprocess.run([*pip, *WHEELS, "--target", str(folder), requirement], check=True)


def check(concadvise, folder):
    """Findings in a project, as the report has them, with paths from its folder on."""
    command = [concadvise, "check", "--format", "json", "."]
    ran = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return json.loads(ran.stdout)["findings"]


def line_of(folder, finding):
    """The text of a finding's line. A line's number changes with every version, its text seldom."""
    if finding.get("cell") is not None:
        return ""
    lines = (folder / finding["path"]).read_text(encoding="utf-8", errors="replace").splitlines()
    return lines[finding["line"] - 1].strip()[:100]


def key_of(entry):
    """What tells a finding from the others; two calls on one line share a verdict."""
    return tuple(entry[part] for part in ("project", "code", "path", "qualified_name", "line"))


def entry(finding, project, folder):
    """A finding as the ledger has it, without its verdict."""
    return {
        "project": project,
        "code": finding["code"],
        "path": finding["path"],
        "qualified_name": finding["qualified_name"] or "",
        "line": line_of(folder, finding),
    }


def say_unread(found, finding, folder):
    """Prints a finding that was never read as an entry of the ledger, below its source."""
    if finding.get("cell") is None:
        lines = (folder / finding["path"]).read_text(encoding="utf-8", errors="replace").splitlines()
        for number in range(max(1, finding["line"] - 6), min(len(lines), finding["line"] + 6) + 1):
            print(f"# {number:5} {'>' if number == finding['line'] else ' '} {lines[number - 1]}")
    print(f"# {finding['message']}")
    for step in finding["chain"]:
        print(f"#     {step['path']}:{step['line']} {step['message']}")
    print("[[finding]]")
    for name, value in found.items():
        print(f"{name} = {json.dumps(value, ensure_ascii=False)}")
    print('verdict = ""\nwhy = ""\n')


def share(part, whole):
    """A share as text; nothing is no share."""
    return f"{part / whole:.0%}" if whole else "-"


def table(counts, infos):
    """Prints what each code is worth."""
    print(f"{'code':8}{'findings':>9}{'read':>6}{'true':>6}{'false':>6}{'debatable':>10}  precision   info")
    every = collections.Counter()
    for code in sorted(set(counts) | set(infos)):
        every.update(counts[code])
        row(code, counts[code], infos[code])
    row("all", every, sum(infos.values()))


def row(code, count, info):
    """Prints one line of the table."""
    true, false, debatable = (count[verdict] for verdict in VERDICTS)
    read = true + false + debatable
    precision = f"{share(true, true + false)} ({share(true, read)})"
    print(f"{code:8}{count['findings']:9}{read:6}{true:6}{false:6}{debatable:10}  {precision:11}{info:5}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--concadvise", default="target/release/concadvise")
    parser.add_argument("--into", type=Path, default=Path("target/precision"))
    parser.add_argument("--project", action="append", help="only this one")
    parser.add_argument("--show", action="append", default=[], help="print the findings of this code, with verdicts")
    parser.add_argument("--unread", action="store_true")
    options = parser.parse_args()

    concadvise = str(Path(options.concadvise).resolve())
    with open(HERE / "ledger.toml", "rb") as file:
        ledger = {key_of(read): read for read in tomllib.load(file)["finding"]}
    wrong = [read for read in ledger.values() if read["verdict"] not in VERDICTS or not read["why"]]
    if wrong:
        sys.exit(f"ledger.toml: no verdict, or none that is known: {wrong[0]}")

    counts = collections.defaultdict(collections.Counter)
    infos = collections.Counter()
    unread, fired, projects, lines = [], set(), set(), 0
    for requirement in (HERE / "projects.txt").read_text().splitlines():
        name = requirement.split("==")[0]
        if requirement.startswith("#") or options.project and name not in options.project:
            continue
        folder = options.into / name
        install(requirement, folder)
        projects.add(name)
        lines += sum(path.read_bytes().count(b"\n") for path in folder.rglob("*.py") if path.is_file())
        for finding in check(concadvise, folder):
            if finding["level"] == "info":
                infos[finding["code"]] += 1
                continue
            found = entry(finding, name, folder)
            counts[finding["code"]]["findings"] += 1
            read = ledger.get(key_of(found))
            if read is None:
                unread.append((found, finding, folder))
            else:
                fired.add(key_of(found))
                counts[finding["code"]][read["verdict"]] += 1
            if finding["code"] in options.show:
                verdict = read["verdict"] if read else "unread"
                print(f"{name}/{finding['path']}:{finding['line']}: {verdict}: {finding['message']}")

    gone = [key for key in ledger if key[0] in projects and key not in fired]
    if options.unread:
        for one in unread:
            say_unread(*one)
    else:
        print(f"{len(projects)} projects, {lines:,} lines of Python\n")
        table(counts, infos)
        for found, finding, _ in unread:
            print(f"never read: {found['project']}/{found['path']}:{finding['line']} {found['code']} {found['line']}")
        for key in gone:
            print(f"no longer found: {' '.join(key)}")
    return 1 if unread or gone else 0


if __name__ == "__main__":
    sys.exit(main())
