"""An order as peers read it: the type that the messages' bodies have."""

import msgspec


class PeerOrder(msgspec.Struct, rename="camel"):
    """The fields of an order."""

    order_id: str
    user_id: str
    total_cents: int
    currency: str
    items: int


decode = msgspec.json.Decoder(PeerOrder).decode
