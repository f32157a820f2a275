"""Benchmarks: Warren next to its peers, on the same messages, the same servers and the same machine."""
