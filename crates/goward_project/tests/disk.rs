//! What only a real file system can show: links, rights, pipes, huge files.

#![cfg(unix)]
#![expect(
    clippy::disallowed_methods,
    reason = "the test makes the files that the loader meets"
)]

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use goward_project::{Environment, LoadOptions, OsFileSystem, Severity, Workspace, load};

fn load_folder(folder: &Path) -> Workspace {
    let home = folder.display().to_string();
    let environment = Environment::new(
        [
            ("HOME", home.as_str()),
            ("GOROOT", "off"),
            ("PATH", ""),
            ("GOWORK", "off"),
        ],
        &OsFileSystem,
    );
    load(&LoadOptions::new(folder), &environment, &OsFileSystem)
}

/// Warnings and errors, with the temporary folder's name taken out.
fn diagnostics(workspace: &Workspace, folder: &Path) -> Vec<String> {
    let prefix = format!("{}/", folder.display());
    workspace
        .diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.severity > Severity::Note)
        .map(|diagnostic| diagnostic.to_string().replace(&prefix, ""))
        .collect()
}

fn module() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("go.mod"), "module m\ngo 1.24\n").unwrap();
    std::fs::write(folder.path().join("a.go"), "package m\n").unwrap();
    folder
}

#[test]
fn links_in_a_circle_end() {
    let folder = module();
    let path = folder.path();
    std::fs::create_dir(path.join("sub")).unwrap();
    std::fs::write(path.join("sub/s.go"), "package sub\n").unwrap();
    symlink(path, path.join("sub/up")).unwrap();
    symlink(path.join("loop.go"), path.join("loop.go")).unwrap();
    symlink(path.join("sub"), path.join("folder.go")).unwrap();
    symlink(path.join("a.go"), path.join("sub/linked.go")).unwrap();
    let workspace = load_folder(path);
    let names: Vec<&str> = workspace
        .packages
        .iter()
        .map(|package| &*package.import_path)
        .collect();
    assert_eq!(names, ["m", "m/sub"]);
    let found = diagnostics(&workspace, path);
    assert_eq!(found.len(), 2, "{found:?}");
    // The linked file says `package m`, and the link to itself cannot be followed.
    assert!(
        found[0].starts_with("loop.go: error: the file is left out: "),
        "{found:?}"
    );
    assert!(
        found[1].contains("this file is of package sub, but linked.go beside it of package m"),
        "{found:?}"
    );
}

#[test]
fn pipes_are_never_opened() {
    let folder = module();
    let status = std::process::Command::new("mkfifo")
        .args([folder.path().join("pipe.go"), folder.path().join("pipe")])
        .status()
        .unwrap();
    assert!(status.success());
    symlink(folder.path().join("pipe"), folder.path().join("link.go")).unwrap();
    let workspace = load_folder(folder.path());
    assert_eq!(workspace.packages[0].files.len(), 1);
    assert_eq!(
        diagnostics(&workspace, folder.path()),
        ["link.go: error: the file is left out: it is not a regular file [file-not-read]"]
    );
}

#[test]
fn a_huge_file_is_refused_unread() {
    let folder = module();
    let file = std::fs::File::create(folder.path().join("huge.go")).unwrap();
    file.set_len(1 << 30).unwrap();
    let workspace = load_folder(folder.path());
    assert_eq!(workspace.packages[0].files.len(), 1);
    assert_eq!(
        diagnostics(&workspace, folder.path()),
        [
            "huge.go: error: the file is left out: the file has 1073741824 bytes, more than the limit of 33554432 [file-not-read]"
        ]
    );
}

#[test]
fn folders_and_files_without_rights_are_left_out() {
    let folder = module();
    let path = folder.path();
    std::fs::create_dir(path.join("closed")).unwrap();
    std::fs::write(path.join("closed/c.go"), "package closed\n").unwrap();
    std::fs::write(path.join("closed.go"), "package m\n").unwrap();
    let close = |name: &str, mode: u32| {
        std::fs::set_permissions(path.join(name), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    close("closed", 0);
    close("closed.go", 0);
    // The superuser may read everything, and then there is nothing to show.
    let refused = std::fs::read_dir(path.join("closed")).is_err();
    let workspace = load_folder(path);
    close("closed", 0o755);
    if refused {
        let found = diagnostics(&workspace, path);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(
            found[0].starts_with("closed: error: the folder is left out: "),
            "{found:?}"
        );
        assert!(
            found[1].starts_with("closed.go: error: the file is left out: "),
            "{found:?}"
        );
    } else {
        assert_eq!(workspace.packages.len(), 2);
    }
}
