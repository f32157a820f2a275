"""What auth keeps beside its accounts."""

from datetime import datetime
from uuid import UUID

from streams import App, Record

app = App("auth")


class Welcome(Record):
    """A new user whom the other services have been told of."""

    user_id: UUID
    registered_at: datetime


welcomes = app.documents("welcomes", Welcome)
