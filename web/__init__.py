"""Pages for people: plain HTML first, made live by small modules of our own."""
