"""From a checked network to the text of one readable PyTorch file.

groups -> classes (forms, rows) -> slots (origins, terms, tables) -> constructor -> text (writer, sequential, modules,
initialise; liveness, expressions, body, forward, comments; guards) -> verify. `emit` has the order.
"""
