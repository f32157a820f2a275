"""What is measured: one system under one load in each module."""
