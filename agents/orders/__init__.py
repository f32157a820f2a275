"""Orders, and the way each of them takes from placed to paid."""
