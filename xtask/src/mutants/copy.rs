//! A copy of the tree under the build directory, kept between runs so that little is built anew.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use super::list::Mutant;
use crate::process;
use crate::workspace::Workspace;

/// Where a mechanism may be taken out.
#[derive(Debug)]
pub(super) struct Copy {
    source: PathBuf,
    files: Vec<PathBuf>,
    place: PathBuf,
}

impl Copy {
    /// Of what git tracks, as it lies in the working tree.
    pub(super) fn of(workspace: &Workspace) -> Result<Self> {
        let list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
        let names = process::output(process::command(workspace, "git").args(list))?;
        let files = names.split_terminator('\0').map(PathBuf::from).collect();
        let place = workspace.target().join("mutants");
        Ok(Self { source: workspace.root().to_owned(), files, place })
    }

    pub(super) fn tree(&self) -> PathBuf {
        self.place.join("tree")
    }

    pub(super) fn target(&self) -> PathBuf {
        self.place.join("target")
    }

    /// Makes the copy equal to its source again; what is equal already isn't touched.
    pub(super) fn refresh(&self) -> Result<()> {
        for file in &self.files {
            // Listed, but deleted and not yet committed; or a link to a directory.
            let Ok(bytes) = fs::read(self.source.join(file)) else { continue };
            self.write(file, &bytes)?;
        }
        Ok(())
    }

    /// Takes the mechanism out of the copy.
    pub(super) fn apply(&self, mutant: &Mutant) -> Result<()> {
        for edit in mutant.edits {
            let file = Path::new(edit.file);
            let text = fs::read_to_string(self.tree().join(file))
                .with_context(|| format!("cannot read {}", edit.file))?;
            self.write(file, edit.applied_to(&text)?.as_bytes())?;
        }
        Ok(())
    }

    fn write(&self, file: &Path, bytes: &[u8]) -> Result<()> {
        let path = self.tree().join(file);
        if fs::read(&path).is_ok_and(|present| present == bytes) {
            return Ok(());
        }
        let parent = path.parent().unwrap_or(&path);
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&path, bytes))
            .with_context(|| format!("cannot write {}", path.display()))
    }
}

impl super::list::Edit {
    /// The text with the mechanism taken out.
    pub(super) fn applied_to(&self, text: &str) -> Result<String> {
        let found = text.matches(self.from).count();
        ensure!(found == 1, "`{}` stands {found} times in {}", self.from, self.file);
        Ok(text.replacen(self.from, self.to, 1))
    }
}
