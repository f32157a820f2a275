"""What the HTTP edge keeps for itself."""
