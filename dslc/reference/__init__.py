"""The reference of the language's layers and parts, written from the code: `python -m dslc.reference`."""
