//! Reading and writing files whole; what is written appears at once or not at all.

#![expect(
    clippy::disallowed_methods,
    reason = "the one place of this crate that touches files"
)]

use std::io::{self, Write};
use std::path::Path;

/// The bytes of a file.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    std::fs::read(path)
}

/// Writes a file through a temporary one beside it. Permissions stay as they were, and what a link
/// points to is replaced, not the link.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let target = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut file = tempfile::Builder::new()
        .prefix(".goward-")
        .tempfile_in(folder)?;
    file.write_all(bytes)?;
    let permissions = match std::fs::metadata(&target) {
        Ok(metadata) => Some(metadata.permissions()),
        Err(_) => new_file_permissions(),
    };
    if let Some(permissions) = permissions {
        file.as_file().set_permissions(permissions)?;
    }
    file.persist(&target).map_err(|error| error.error)?;
    Ok(())
}

/// Gives temporary files the permissions that a new file of the user's has.
pub(crate) fn readable<'b>(
    builder: &'b mut tempfile::Builder<'static, 'static>,
) -> &'b mut tempfile::Builder<'static, 'static> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // What the user's mask forbids is taken off by the system.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder
}

/// A temporary file is private; a new file of the user's should be as readable as others.
#[cfg(unix)]
fn new_file_permissions() -> Option<std::fs::Permissions> {
    use std::os::unix::fs::PermissionsExt;
    Some(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn new_file_permissions() -> Option<std::fs::Permissions> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_with_its_permissions_and_through_links() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.go");
        write(&file, b"one").unwrap();
        assert_eq!(read(&file).unwrap(), b"one");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode(&file), 0o644);
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
            let link = folder.path().join("link.go");
            std::os::unix::fs::symlink(&file, &link).unwrap();
            write(&link, b"two").unwrap();
            assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
            assert_eq!(mode(&file), 0o600);
            assert_eq!(read(&file).unwrap(), b"two");
        }
        let left = std::fs::read_dir(folder.path()).unwrap().filter(|entry| {
            let name = entry.as_ref().unwrap().file_name();
            name.to_string_lossy().starts_with(".goward-")
        });
        assert_eq!(left.count(), 0);
    }
}
