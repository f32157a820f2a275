"""What auth tells of accounts. Passwords and tokens are in none of it."""

from uuid import UUID

from streams import Record


class Profile(Record):
    """What a user says of themselves; each part is None where they have not said it."""

    first_name: str | None = None
    last_name: str | None = None
    phone: str | None = None


class Channels(Record):
    """By which ways a user wants to be told things. Security alerts do not ask."""

    email: bool = True
    sms: bool = False
    push: bool = False


class UserCreated(Record, event="user.created"):
    """An account was made."""

    user_id: UUID
    email: str
    profile: Profile
    roles: list[str]


class UserUpdated(Record, event="user.updated"):
    """An account is not as it was. `changed` names what differs; the rest is as it stands now."""

    user_id: UUID
    email: str
    profile: Profile
    roles: list[str]
    changed: list[str]


class UserPreferencesChanged(Record, event="user.preferences_changed"):
    """A user has chosen by which ways to be told things."""

    user_id: UUID
    channels: Channels


class UserTokenReuseDetected(Record, event="user.token_reuse_detected"):
    """A refresh token was used a second time: stolen, or sent twice by its owner's client. The session has ended."""

    user_id: UUID
    family_id: UUID
    ip: str
