//! Sorted names in pages that lists share: a list of thousands that differs from the one before by
//! a name costs a page, and a pointer for each of the others.

use std::collections::BTreeSet;
use std::sync::Arc;

use enlace_identity::names::DeviceName;

use super::{ListChange, ListError};

/// The most names on a page.
pub(super) const PAGE: usize = 64;

type Page = Arc<[DeviceName]>;

/// The names, none twice. No page is empty.
#[derive(Clone, Debug, Default)]
pub(super) struct Pages {
    pages: Arc<[Page]>,
    len: usize,
}

impl Pages {
    pub(super) fn of(names: &BTreeSet<DeviceName>) -> Self {
        let names: Vec<DeviceName> = names.iter().cloned().collect();
        let mut pages = Vec::new();
        split(&names, &mut pages);
        Self::with(pages)
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &DeviceName> {
        self.pages.iter().flat_map(|page| page.iter())
    }

    pub(super) fn contains(&self, device: &DeviceName) -> bool {
        let after = self.pages.partition_point(|page| page[0] <= *device);
        let page = after.checked_sub(1).map(|page| &self.pages[page]);
        page.is_some_and(|page| page.binary_search(device).is_ok())
    }

    /// How many names stand on pages that `other` has not.
    pub(super) fn names_beside(&self, other: &Self) -> usize {
        let shared: BTreeSet<_> = other.pages.iter().map(address).collect();
        let own = self.pages.iter().filter(|page| !shared.contains(&address(page)));
        own.map(|page| page.len()).sum()
    }

    pub(super) fn apply(&self, change: &ListChange) -> Result<Self, ListError> {
        let mut pages: Vec<Page> = Vec::with_capacity(self.pages.len() + 1);
        let (mut removed, mut added) = (change.removed.iter(), change.added.iter());
        let (mut next_removed, mut next_added) = (removed.next(), added.next());
        let empty: [Page; 1] = [Arc::new([])];
        let old = if self.pages.is_empty() { &empty[..] } else { &self.pages[..] };
        for (index, page) in old.iter().enumerate() {
            let end = old.get(index + 1).map(|next| &next[0]);
            let is_here = |name: &&DeviceName| end.is_none_or(|end| *name < end);
            if next_removed.filter(is_here).is_none() && next_added.filter(is_here).is_none() {
                pages.push(page.clone());
                continue;
            }
            let mut names: Vec<DeviceName> = page.to_vec();
            while let Some(name) = next_removed.filter(is_here) {
                let at = names.binary_search(name);
                names.remove(at.map_err(|_| ListError::DoesNotFit(name.clone()))?);
                next_removed = removed.next();
            }
            while let Some(name) = next_added.filter(is_here) {
                match names.binary_search(name) {
                    Ok(_) => return Err(ListError::DoesNotFit(name.clone())),
                    Err(at) => names.insert(at, name.clone()),
                }
                next_added = added.next();
            }
            // A page that has become short is put to the one before it.
            if let Some(before) = pages.pop_if(|before| before.len() + names.len() <= PAGE / 2) {
                names.splice(0..0, before.iter().cloned());
            }
            split(&names, &mut pages);
        }
        Ok(Self::with(pages))
    }

    fn with(mut pages: Vec<Page>) -> Self {
        pages.retain(|page| !page.is_empty());
        let len = pages.iter().map(|page| page.len()).sum();
        Self { pages: pages.into(), len }
    }
}

/// Puts names on as few pages as hold them, of about one length.
fn split(names: &[DeviceName], pages: &mut Vec<Page>) {
    if names.is_empty() {
        return;
    }
    let count = names.len().div_ceil(PAGE);
    pages.extend(names.chunks(names.len().div_ceil(count)).map(Arc::from));
}

fn address(page: &Page) -> *const DeviceName {
    page.as_ptr()
}
