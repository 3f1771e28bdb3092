//! The stand-in as callers and people see it.
