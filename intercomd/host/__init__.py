"""`intercomd host`: the process that owns channels and the callback server through which others reach them."""
