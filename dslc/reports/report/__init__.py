"""`dslc report`: a network as one page that needs no network and no server, and recomputes its numbers at other sizes."""
