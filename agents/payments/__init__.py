"""Payments: asks the provider for money, once for each order."""
