"""Ways to get a message to somebody: the port, SMTP, webhooks, and an outbox for where nothing is to be sent."""
