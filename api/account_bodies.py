"""Accounts, as requests and answers have them."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, SecretStr, StrictBool, StringConstraints

from agents.auth.events import Channels, Profile
from agents.auth.models import User
from agents.auth.roles import GIVEN, Role
from agents.auth.tokens import Pair
from agents.auth.users import profile_of
from api.bodies import Body, Text
from streams.event import moment

Email = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, max_length=254, pattern=r"^[^\s@\x00-\x1f\x7f]{1,64}@[^\s@\x00-\x1f\x7f]+$"
    ),
]


def _of_characters(secret: SecretStr) -> SecretStr:
    """JSON can spell half a character ("\\ud800"), which nothing can hash. Of other texts, pydantic sees to it."""
    try:
        secret.get_secret_value().encode()
    except UnicodeEncodeError:
        raise ValueError("this holds half a character: send whole ones") from None
    return secret


Secret = Annotated[SecretStr, Field(max_length=200), AfterValidator(_of_characters)]
NewPassword = Annotated[Secret, Field(min_length=10)]


class ProfileBody(Body):
    """What a user says of themselves."""

    first_name: Text | None = None
    last_name: Text | None = None
    phone: Text | None = None


class Registration(Body):
    """A request for an account. Roles are given by administrators alone."""

    email: Email
    password: NewPassword
    profile: ProfileBody = ProfileBody()

    def profile_record(self) -> Profile:
        """The profile as it is kept."""
        return Profile(**self.profile.model_dump())


class Credentials(Body):
    """What a user logs in with."""

    email: Annotated[str, Field(max_length=254)]
    password: Secret


class Refresh(Body):
    """A refresh token, to be spent for new tokens."""

    refresh_token: Secret


class Tokens(Body):
    """An access token, for `Authorization: Bearer …`, and a refresh token, which can be used once."""

    access_token: str
    refresh_token: str
    token_type: Literal["Bearer"] = "Bearer"
    expires_in: int
    """Seconds."""

    @classmethod
    def of(cls, pair: Pair) -> "Tokens":
        """The body of a pair."""
        return cls(access_token=pair.access_token, refresh_token=pair.refresh_token, expires_in=pair.expires_in)


class PublicKeys(Body):
    """JSON Web Keys (RFC 7517): what proves access tokens."""

    keys: list[dict[str, str]]


class ProfileChange(Body):
    """Parts of a profile that are to be replaced; null removes one, what is missing stays."""

    profile: ProfileBody


class PasswordChange(Body):
    """The password that there is, and the one that there shall be."""

    current_password: Secret
    new_password: NewPassword


class ChannelsBody(Body):
    """By which ways to be told things."""

    email: StrictBool
    sms: StrictBool
    push: StrictBool


class Preferences(Body):
    """How a user wants to be told things. Security alerts do not ask."""

    channels: ChannelsBody

    def record(self) -> Channels:
        """The channels as they are kept."""
        return Channels(**self.channels.model_dump())


def _given(role: Role) -> Role:
    if role not in GIVEN:
        raise ValueError(f"{role} is the role of processes: users have {', '.join(sorted(GIVEN))}")
    return role


GivenRole = Annotated[Role, AfterValidator(_given)]


class Roles(Body):
    """The roles that a user shall have, instead of those there are."""

    roles: Annotated[list[GivenRole], Field(max_length=len(GIVEN))]


class UserBody(Body):
    """A user."""

    id: UUID
    email: str
    roles: list[str]
    profile: ProfileBody
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, user: User) -> "UserBody":
        """The body of a user as they are kept."""
        return cls(
            id=user.id,
            email=user.email,
            roles=user.roles,
            profile=ProfileBody.model_validate(profile_of(user)),
            created_at=moment(user.created_at),
            updated_at=moment(user.updated_at),
        )
