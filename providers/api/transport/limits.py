"""Every bound on what one call may take, in one place. Seconds unless the name says otherwise."""

READ_SECONDS = 100.0
CONNECT_SECONDS = 15.0
