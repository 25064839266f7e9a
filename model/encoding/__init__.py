"""A page becomes the encoder's arrays: ``tensors`` defines them, ``encoder`` makes them, ``windows`` joins them."""
