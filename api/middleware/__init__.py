"""What requests pass: `app.py` says in which order."""
