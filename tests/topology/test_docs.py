import re
from pathlib import Path

from topology.load import read

_DOCS = Path(__file__).parents[2] / "docs/topology.md"


def test_the_example_in_the_documentation_has_no_faults(tmp_path: Path) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", _DOCS.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "shipping.yaml").write_text(example, encoding="utf-8")
    assert not read(tmp_path).faults
