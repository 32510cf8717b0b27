"""The HTTP surface: Falcon on Waitress."""
