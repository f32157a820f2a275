"""The engine: agents, tables, and the brokers they run on."""
