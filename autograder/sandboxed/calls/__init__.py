"""Making the calls that the host asks for."""
