"""Auth: accounts, tokens and roles."""
