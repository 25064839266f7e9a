"""The layouts of every document class, and the till and the desk that write them."""
