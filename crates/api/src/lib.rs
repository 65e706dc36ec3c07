//! HTTP resources of /api/v1, served on the control socket.
