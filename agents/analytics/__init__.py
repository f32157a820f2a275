"""Analytics: what the shop earns, counted once, by the time things happened."""
