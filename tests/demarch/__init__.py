"""The Demarch tools, with small scripts in their place."""
