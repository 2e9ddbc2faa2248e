"""A local Dynamics 365 tenant that speaks the real protocols under the real host names."""
