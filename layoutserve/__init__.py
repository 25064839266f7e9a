"""The import package of LayoutServe: ``layoutserve.model`` reads documents, ``layoutserve.service`` answers over HTTP.

Both folders stand at the top of the repository, where people look for them; the links here give them their names.
"""
