"""What other libraries and languages call things, read from grammar/vocabulary.toml when a mistake is explained.

Only data and its look-up: `dslc.foreign` writes an expression of another library as one of this language.
"""
