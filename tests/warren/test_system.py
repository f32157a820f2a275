"""Opening a process's broker and stores."""

from pathlib import Path

import pytest

from warren.errors import SettingsError
from warren.settings import embedded_settings
from warren.system import open_system


async def test_a_directory_that_cannot_be_made_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(
        SettingsError, match=r"file/data cannot be the directory of the data \(Not a directory\): name one"
    ):
        async with open_system(embedded_settings(tmp_path / "file" / "data")):
            pass
