"""The errors of this package. An error's docstring is its default message."""


class SettingsError(Exception):
    """The settings are wrong."""


class OutdatedTopology(Exception):
    """A log has another number of partitions than this process knows: start it again, with the topology in force."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)
