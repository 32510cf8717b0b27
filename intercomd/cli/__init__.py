"""The intercomd command line."""
