"""A whole federation on one machine: seven hospitals, real data, one of them dishonest. Needs the extra `demo`."""
