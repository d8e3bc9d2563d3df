"""What tests of all parts share: waiting, servers and a relay on loopback."""
