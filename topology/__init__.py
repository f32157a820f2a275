"""Declarations of exchanges, queues and logs, and the tool that applies them to a broker."""
