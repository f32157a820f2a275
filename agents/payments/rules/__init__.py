"""What becomes of payments, as functions of values: intents, answers, what is told, and the ledger."""
