"""`python -m tests.prove.checker AMQP POSTGRES SCHEMA LEDGER`: the judge, in a process of its own.

It knows the ledger and what the subject is meant to do, and imports nothing of Warren. It writes its verdict to stdout
as JSON and ends with status 0 where nothing is wrong.
"""

import asyncio
import json
import sys
from dataclasses import asdict
from pathlib import Path

from tests.prove import ledger
from tests.prove.evidence import collect
from tests.prove.verdict import judge


def main() -> int:
    """Returns the exit status."""
    amqp, postgres, schema, path = sys.argv[1:]
    verdict = judge(list(ledger.read(Path(path))), asyncio.run(collect(amqp, postgres, schema)))
    sys.stdout.write(json.dumps(asdict(verdict)) + "\n")
    return 0 if verdict.clean else 1


if __name__ == "__main__":
    sys.exit(main())
