"""The texts that come with the service, and how texts are filled: Jinja2, in a sandbox, compiled once."""
