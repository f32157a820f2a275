"""The demo's own people: an account with every role, made anew at each start."""

from random import Random

from agents.auth.events import Profile
from agents.auth.roles import GIVEN
from agents.auth.users import NewUser


def new_staff(chance: Random) -> NewUser:
    """Somebody whom nobody knows yet. `chance` makes the password: it cannot be one that can be foretold."""
    name = f"staff-{chance.getrandbits(32):08x}@shop.example"
    return NewUser(name, f"{chance.getrandbits(80):020x}", Profile(), sorted(GIVEN))
