"""`dslc lsp`: the language server. It alone imports pygls and lsprotocol (extra `lsp`)."""
