"""The payment provider: the port, a client over HTTP, and a simulator of one."""
