"""The errors of this package."""


class SettingsError(Exception):
    """The settings are wrong."""
