//! Numbers from connected platforms.
