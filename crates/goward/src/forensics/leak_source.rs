//! The source tree as the blocking graph needs it.

#![expect(
    clippy::disallowed_methods,
    reason = "the sources that the user named are read here"
)]

use std::path::PathBuf;

use goward_trace::dump::Frame;
use goward_trace::leaks::Site;
use goward_trace::leaks::graph::{Mention, Source, roles};

use super::source::Sources;

/// So many lines are named per object.
const MOST: usize = 24;

impl Source for Sources {
    fn line(&self, site: &Site) -> Option<String> {
        Sources::line(self, &frame(site))
    }

    fn mentions(&self, site: &Site, name: &str) -> Vec<Mention> {
        let Some(path) = self.path(&frame(site)) else {
            return Vec::new();
        };
        let mut files: Vec<PathBuf> = path
            .parent()
            .and_then(|folder| std::fs::read_dir(folder).ok())
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|file| file.extension().is_some_and(|end| end == "go"))
            .collect();
        files.sort();
        let mut found = Vec::new();
        for file in files {
            let Ok(bytes) = std::fs::read(&file) else {
                continue;
            };
            for (number, text) in String::from_utf8_lossy(&bytes).lines().enumerate() {
                for role in roles(text, name) {
                    if found.len() < MOST {
                        found.push(Mention {
                            file: self.shown(&file),
                            line: u32::try_from(number + 1).unwrap_or(0),
                            text: text.trim().to_owned(),
                            role,
                        });
                    }
                }
            }
        }
        found
    }
}

/// A place of a profile as a frame.
pub(crate) fn frame(site: &Site) -> Frame<'_> {
    Frame {
        function: &site.function,
        file: &site.file,
        line: site.line,
        runtime: false,
    }
}
