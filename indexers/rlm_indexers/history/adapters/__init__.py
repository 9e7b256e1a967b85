"""One module per agent: its records to events. What a record of an unknown kind says is kept and counted."""
