"""The rules of intercomd as functions over values: no clock, thread, socket, driver or process."""
