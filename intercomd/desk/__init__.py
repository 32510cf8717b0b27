"""What groups and operators may do: one set of rules above the store, for everybody who asks."""
