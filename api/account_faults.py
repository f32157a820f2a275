"""Which problem an error of accounts is to the client."""

from agents.auth.errors import (
    AccountError,
    EmailTaken,
    NoSuchUser,
    Stale,
    TokenRefused,
    WrongCredentials,
    WrongPassword,
)
from api.problems import Problem, unavailable

_CHALLENGE = {"WWW-Authenticate": "Bearer"}
_INVALID = {"WWW-Authenticate": 'Bearer error="invalid_token"'}


def problem_of(error: Exception) -> Problem:
    """The answer; what is no fault of the request is 503."""
    match error:
        case WrongCredentials():
            return Problem(401, "wrong_credentials", str(error), headers=_CHALLENGE)
        case TokenRefused():
            return Problem(401, "token_refused", str(error), headers=_INVALID)
        case WrongPassword():
            return Problem(403, "wrong_password", str(error))
        case NoSuchUser():
            return Problem(404, "user_not_found", str(error))
        case EmailTaken():
            return Problem(409, "email_taken", str(error))
        case Stale():
            return Problem(412, "stale", str(error))
        case AccountError():
            return unavailable("accounts_unavailable", str(error))
        case _:
            raise error
