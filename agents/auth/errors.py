"""The errors of accounts: an error's docstring is its default message; drivers' errors are kept as `__cause__`."""


class AccountError(Exception):
    """What was asked of an account cannot be done."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or type(self).__doc__)


class AccountsUnavailable(AccountError):
    """The database of accounts cannot be used now: try again."""


class AccountsRefused(AccountError):
    """Accounts cannot be kept there."""


class AccountsMissing(AccountError):
    """The database of accounts lacks tables: run `warren stores apply`."""


class EmailTaken(AccountError):
    """There is an account with this e-mail address already: log in."""


class WrongCredentials(AccountError):
    """The e-mail address or the password is wrong."""


class WrongPassword(AccountError):
    """The current password is another: send the one that you log in with."""


class TokenRefused(AccountError):
    """The token does not count: log in again."""


class Stale(AccountError):
    """The account has changed since it was read: read it again."""


class NoSuchUser(AccountError):
    """There is no such user."""
