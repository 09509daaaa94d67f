//! Nothing of what the officers said is in the relays' files.

use std::fs;

use super::case::Stage;
use super::checks::Finding;
use crate::failure::{Explain as _, Failure};
use crate::plaintext::{Searcher, Writing};

/// Searches the relays' directories: store, write-ahead log, relay's log and all the rest. A search
/// that would miss a planted text proves nothing, so texts are planted beside them first.
pub(super) fn check(stage: Stage<'_>, secrets: &[String]) -> Result<Finding, Failure> {
    stage.say(stage.words.searching, &[&secrets.len()]);
    let searcher = Searcher::new(secrets)?;
    if let Some(missed) = missed_control(&searcher, secrets)? {
        return Ok(Finding::bad(format!("the search missed a planted text: {missed}")));
    }
    let mut objections = Vec::new();
    for authority in stage.network.authorities() {
        let dir = authority.relay_dir();
        let searched = searcher.search(dir);
        let (found, files) =
            searched.context(|| format!("{} cannot be searched", dir.display()))?;
        if files == 0 {
            objections.push(format!("{} has no files", dir.display()));
        }
        for found in found {
            let (file, writing) = (found.file.display(), found.writing);
            objections.push(format!("text {} is in {file} as {writing:?}", found.text));
        }
    }
    Ok(Finding::unless(&objections))
}

/// Which writing of which text the search doesn't find.
fn missed_control(searcher: &Searcher, secrets: &[String]) -> Result<Option<String>, Failure> {
    let place = tempfile::tempdir().context(|| "nothing can be planted".to_owned())?;
    let file = place.path().join("control");
    for (index, secret) in secrets.iter().enumerate() {
        for writing in Writing::all() {
            let around = [b"\x00SQLite".to_vec(), writing.of(secret), b"\xff\n".to_vec()].concat();
            fs::write(&file, around)?;
            let (found, _) = searcher.search(place.path())?;
            if !found.iter().any(|found| found.text == index) {
                return Ok(Some(format!("text {index} as {writing:?}")));
            }
        }
    }
    Ok(None)
}
