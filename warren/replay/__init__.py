"""Real orders through the whole pipeline, and the figures held against the data they came from."""
