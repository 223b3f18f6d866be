"""One way to write each thing: deterministic CBOR, messages and their digests, safe text, whole files.

Two encodings of one message would give it two digests, and a digest is how everything here is named; so every
reader re-encodes what it read and compares. `spec/encoding.md` is the normative text.
"""
