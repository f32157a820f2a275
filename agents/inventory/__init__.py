"""Products, their stock, and what of it is reserved for orders."""
