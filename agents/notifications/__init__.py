"""Notifications: what users are told, each thing once."""
