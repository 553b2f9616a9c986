"""What the figures must be: profile and journal in, expected rows out (JSON lines)."""

import argparse
import json
from pathlib import Path

import profile_text
from admission import Admission, read_journal
from figures import figures


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--profile", type=Path, required=True)
    arguments.add_argument("--journal", type=Path, required=True, action="append")
    arguments.add_argument("--out", type=Path, required=True)
    arguments.add_argument("--ledger", type=Path)
    given = arguments.parse_args()
    admission = Admission(profile_text.load(given.profile))
    for journal in given.journal:
        read_journal(journal, admission)
    rows = figures(admission.profile, admission.values)
    with given.out.open("w", encoding="utf-8") as out:
        for row in rows:
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
    if given.ledger:
        counts = {
            source: dict(sorted(counts.items())) for source, counts in sorted(admission.ledger.items())
        }
        given.ledger.write_text(json.dumps(counts, indent=1, ensure_ascii=False), "utf-8")
    print(f"{len(rows)} figures from {len(admission.values)} values")


if __name__ == "__main__":
    main()
