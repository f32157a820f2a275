"""Table stores: keyed state and checkpoints that change together, in one commit."""
