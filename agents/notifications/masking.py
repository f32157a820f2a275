"""Addresses as logs and views may show them."""


def masked(address: str) -> str:
    """`hazel@example.org` -> `h***@example.org`; of a telephone number the last two digits; of the rest nothing."""
    name, at, domain = address.rpartition("@")
    if at:
        return f"{name[:1]}***@{domain}"
    return f"***{address[-2:]}" if address.lstrip("+").replace(" ", "").isdigit() else "***"
