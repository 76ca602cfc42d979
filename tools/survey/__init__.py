"""What the static checks say of real series that were merged and never followed by a fix."""
