"""The parts of a tenant that know no service: store, clock, events, signals, switches, journal, faults, wire types."""
