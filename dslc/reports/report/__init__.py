"""`dslc report`: networks as one page, which recomputes its numbers at other sizes without a network or a server."""
