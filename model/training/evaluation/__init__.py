"""How right a model is: ``scoring`` decodes as the service does, ``metrics`` has the figures' definitions."""
