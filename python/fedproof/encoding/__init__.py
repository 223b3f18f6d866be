"""Bytes and text: deterministic CBOR, digests, messages, files, and strings that are safe to print."""
