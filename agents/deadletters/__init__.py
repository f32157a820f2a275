"""Dead letters: what no agent could handle, kept to be looked at and replayed."""
