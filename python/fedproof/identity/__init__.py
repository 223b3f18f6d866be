"""Who is who: keys, signed messages, rosters, and whom a verifier trusts."""
