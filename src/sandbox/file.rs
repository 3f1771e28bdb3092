//! The file that a stand-in keeps everything in.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use entity::private;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What an earlier run kept, or nothing yet.
///
/// # Errors
///
/// When the file cannot be read, or is not a stand-in's.
pub fn load<T: DeserializeOwned + Default>(path: &Path) -> io::Result<T> {
    match fs::read(path) {
        Ok(json) => serde_json::from_slice(&json).map_err(|error| {
            let problem = format!("{} is not the sandbox's: {error}. Delete it to start anew.", path.display());
            io::Error::new(io::ErrorKind::InvalidData, problem)
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(T::default()),
        Err(error) => Err(error),
    }
}

/// Puts the file in place whole: a process that dies on the way leaves the one before.
///
/// # Errors
///
/// When it cannot be written.
pub fn save(path: &Path, state: &impl Serialize) -> io::Result<()> {
    private::make_parent(path)?;
    let draft = path.with_extension("json.tmp");
    private::to_write().truncate(true).open(&draft)?.write_all(&serde_json::to_vec(state)?)?;
    fs::rename(&draft, path)
}
