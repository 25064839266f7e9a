"""What goes over the wire: its types, the endpoints and their examples, and answers made of results."""
