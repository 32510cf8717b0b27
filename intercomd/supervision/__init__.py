"""A small supervision kit over Pykka; it knows nothing of chats."""
