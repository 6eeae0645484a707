"""Who is who in the bodies of a program, and checks that need no sizes: once a text, expanded or not."""
