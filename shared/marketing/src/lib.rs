//! What a CMO knows.
