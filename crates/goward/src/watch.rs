//! `--watch`: waits for changes of Go files.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use anyhow::Context;
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};

/// Editors write a file in several steps; a change counts when nothing followed it for so long.
const QUIET: Duration = Duration::from_millis(100);

/// Watches folders, and everything under them.
pub(crate) struct Watch {
    /// Kept because dropping it ends the watch.
    _watcher: RecommendedWatcher,
    changes: Receiver<()>,
}

impl Watch {
    /// Starts to watch.
    pub(crate) fn new(folders: &[PathBuf]) -> anyhow::Result<Watch> {
        let (sender, changes) = channel();
        let mut watcher =
            notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
                let relevant = match event {
                    Ok(event) => {
                        !matches!(event.kind, EventKind::Access(_))
                            && event.paths.iter().any(|path| matters(path))
                    }
                    // Events were lost: better one check too many.
                    Err(_) => true,
                };
                if relevant {
                    // The receiver is gone only when the program ends.
                    let _ = sender.send(());
                }
            })
            .context("cannot watch for changes")?;
        for folder in folders {
            watcher
                .watch(folder, RecursiveMode::Recursive)
                .with_context(|| {
                    format!(
                        "cannot watch {} (fs.inotify.max_user_watches?)",
                        folder.display()
                    )
                })?;
        }
        Ok(Watch {
            _watcher: watcher,
            changes,
        })
    }

    /// Returns after the next change, when it has been quiet for a moment.
    pub(crate) fn wait(&self) {
        // An error means that the watcher is gone, and it lives as long as `self`.
        let _ = self.changes.recv();
        while self.changes.recv_timeout(QUIET).is_ok() {}
    }
}

/// Whether a check can come out differently when this file changes.
fn matters(path: &Path) -> bool {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let go = path.extension().is_some_and(|extension| extension == "go");
    go || ["go.mod", "go.work", "modules.txt", "goward.toml"].contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test writes files")]
    fn a_change_of_a_go_file_is_noticed_and_of_others_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let watch = Watch::new(&[folder.path().to_owned()]).unwrap();
        std::fs::write(folder.path().join("notes.txt"), "x").unwrap();
        let early = watch.changes.recv_timeout(Duration::from_millis(300));
        assert!(early.is_err());
        std::fs::write(folder.path().join("a.go"), "package a\n").unwrap();
        watch.wait();
        assert!(watch.changes.try_recv().is_err());
    }

    #[test]
    fn what_matters() {
        for path in ["a.go", "x/go.mod", "vendor/modules.txt", "goward.toml"] {
            assert!(matters(Path::new(path)), "{path}");
        }
        for path in ["a.go~", ".goward-x1", "README.md"] {
            assert!(!matters(Path::new(path)), "{path}");
        }
    }
}
