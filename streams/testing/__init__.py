"""For tests of agents: virtual time."""
