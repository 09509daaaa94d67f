//! Finding a text in files, however it may have been written down: what shows that a relay's
//! directory holds nothing of what officers said.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use aho_corasick::AhoCorasick;
use data_encoding::{BASE64, BASE64URL};

/// How a text may stand in a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Writing {
    charset: Charset,
    form: Form,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Charset {
    Utf8,
    Utf16Le,
    Utf16Be,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Form {
    Plain,
    HexLower,
    HexUpper,
    /// With so many bytes of something else in the first group of three.
    Base64(usize),
    Base64Url(usize),
}

/// A text that was found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Found {
    /// Which of the texts.
    pub text: usize,
    /// How it was written.
    pub writing: Writing,
    /// Where.
    pub file: PathBuf,
}

/// Looks for texts in every writing at once.
#[derive(Debug)]
pub struct Searcher {
    patterns: AhoCorasick,
    /// What each pattern stands for.
    meanings: Vec<(usize, Writing)>,
}

impl Writing {
    /// Every writing that is looked for.
    pub fn all() -> impl Iterator<Item = Self> {
        let aligned = |form: fn(usize) -> Form| (0..3).map(form);
        let forms: Vec<Form> = [Form::Plain, Form::HexLower, Form::HexUpper]
            .into_iter()
            .chain(aligned(Form::Base64))
            .chain(aligned(Form::Base64Url))
            .collect();
        [Charset::Utf8, Charset::Utf16Le, Charset::Utf16Be].into_iter().flat_map(move |charset| {
            let forms = forms.clone();
            forms.into_iter().map(move |form| Self { charset, form })
        })
    }

    /// The bytes that a text leaves in a file.
    #[must_use]
    pub fn of(self, text: &str) -> Vec<u8> {
        let bytes = match self.charset {
            Charset::Utf8 => text.as_bytes().to_vec(),
            Charset::Utf16Le => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            Charset::Utf16Be => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        };
        match self.form {
            Form::Plain => bytes,
            Form::HexLower => hex::encode(bytes).into_bytes(),
            Form::HexUpper => hex::encode_upper(bytes).into_bytes(),
            Form::Base64(before) => inner_digits(&BASE64, &bytes, before),
            Form::Base64Url(before) => inner_digits(&BASE64URL, &bytes, before),
        }
    }
}

/// The digits that depend on these bytes alone, when `before` others share their first group.
fn inner_digits(base64: &data_encoding::Encoding, bytes: &[u8], before: usize) -> Vec<u8> {
    let mut all = vec![0; before];
    all.extend_from_slice(bytes);
    let whole_groups = all.len() / 3 * 4;
    let shared = if before == 0 { 0 } else { before + 1 };
    let digits = base64.encode(&all);
    digits.as_bytes()[shared..whole_groups].to_vec()
}

impl Searcher {
    /// For these texts, of which none may be shorter than a word.
    ///
    /// # Errors
    /// When they are too many to be searched for at once.
    pub fn new(texts: &[String]) -> Result<Self, aho_corasick::BuildError> {
        let (mut patterns, mut meanings) = (Vec::new(), Vec::new());
        for (index, text) in texts.iter().enumerate() {
            for writing in Writing::all() {
                patterns.push(writing.of(text));
                meanings.push((index, writing));
            }
        }
        Ok(Self { patterns: AhoCorasick::new(&patterns)?, meanings })
    }

    /// What is found in the files of a directory and of those below it, and how many files were
    /// looked at.
    ///
    /// # Errors
    /// When something can't be read.
    pub fn search(&self, dir: &Path) -> io::Result<(Vec<Found>, usize)> {
        let (mut found, mut files) = (Vec::new(), 0);
        let mut left = vec![dir.to_owned()];
        while let Some(path) = left.pop() {
            if path.is_dir() {
                for entry in fs::read_dir(&path)? {
                    left.push(entry?.path());
                }
                continue;
            }
            files += 1;
            found.extend(self.search_file(&path)?);
        }
        Ok((found, files))
    }

    fn search_file(&self, file: &Path) -> io::Result<Option<Found>> {
        let bytes = fs::read(file)?;
        let found = self.patterns.find(&bytes).map(|found| {
            let (text, writing) = self.meanings[found.pattern().as_usize()];
            Found { text, writing, file: file.to_owned() }
        });
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXTS: [&str; 2] = ["La testigo V-07 llega el jueves", "Proteção à criança"];

    fn searcher() -> Searcher {
        Searcher::new(&TEXTS.map(ToOwned::to_owned)).unwrap()
    }

    fn found_in(content: &[u8]) -> Option<usize> {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("below")).unwrap();
        fs::write(dir.path().join("below").join("file-wal"), content).unwrap();
        let (found, files) = searcher().search(dir.path()).unwrap();
        assert_eq!(files, 1);
        found.first().map(|found| found.text)
    }

    #[test]
    fn every_writing_is_found_in_the_midst_of_others() {
        for (index, text) in TEXTS.iter().enumerate() {
            for writing in Writing::all() {
                let mut content = vec![0xe3; 5000];
                content.extend(writing.of(text));
                content.extend([0x7f; 3000]);
                assert_eq!(found_in(&content), Some(index), "{writing:?}");
            }
        }
    }

    #[test]
    fn base64_is_found_whatever_stands_before_and_after() {
        for text in TEXTS {
            for before in 0..7 {
                for after in 0..4 {
                    let all = [&b"prefix!"[..before], text.as_bytes(), &b"then"[..after]].concat();
                    for encoding in [BASE64, BASE64URL, data_encoding::BASE64_NOPAD] {
                        let content = encoding.encode(&all);
                        assert!(found_in(content.as_bytes()).is_some(), "{before} {after}");
                    }
                }
            }
        }
    }

    #[test]
    fn other_texts_are_not_found() {
        let other = "La testigo V-08 llega el viernes";
        for writing in Writing::all() {
            assert_eq!(found_in(&writing.of(other)), None, "{writing:?}");
        }
        assert_eq!(found_in(b""), None);
    }
}
