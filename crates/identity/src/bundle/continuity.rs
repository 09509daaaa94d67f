//! What a version says of former domains, against the version before it: an authority takes another
//! domain by the signatures of its old and its new root under that very version, and what was once
//! an authority's domain stays its own for as long as it is in the network.

use crate::bundle::{Bundle, BundleContent, BundleError, FormerContent};
use crate::names::Domain;

/// Checks all of it but the signatures.
pub(super) fn check(content: &BundleContent, previous: &Bundle) -> Result<(), BundleError> {
    for former in &previous.content.former {
        check_kept(former, content)?;
    }
    let mut changed = Vec::new();
    for former in newly_former(content, previous) {
        let unfounded = || BundleError::UnfoundedFormer(former.domain.clone());
        let before = previous.authority(&former.domain).ok_or_else(unfounded)?;
        let had_these_roots = before.roots().eq(&former.roots);
        // Two authorities don't become one: their officers' addresses could meet.
        let is_new = !previous.contains(&former.authority) && !changed.contains(&&former.authority);
        if !had_these_roots || !is_new {
            return Err(unfounded());
        }
        changed.push(&former.authority);
    }
    Ok(())
}

/// The domains that stood for authorities in the version before, and are former ones from this on.
/// Each of these authorities must have signed with a root of that domain.
pub(super) fn newly_former<'c>(
    content: &'c BundleContent,
    previous: &'c Bundle,
) -> impl Iterator<Item = &'c FormerContent> {
    let was_former =
        |f: &FormerContent| previous.content.former.iter().any(|p| p.domain == f.domain);
    content.former.iter().filter(move |former| !was_former(former))
}

/// The authorities for which a former domain's end is another one than before. Each must have
/// signed.
pub(super) fn with_another_end<'c>(
    content: &'c BundleContent,
    previous: &'c Bundle,
) -> impl Iterator<Item = &'c FormerContent> {
    let differs = |f: &FormerContent| {
        previous.content.former.iter().any(|p| p.domain == f.domain && p.until != f.until)
    };
    content.former.iter().filter(move |former| differs(former))
}

/// What was a former domain stays one of the same authority, unless that is gone.
fn check_kept(former: &FormerContent, content: &BundleContent) -> Result<(), BundleError> {
    let now = content.former.iter().find(|f| f.domain == former.domain);
    match (goes_on_as(&former.authority, content), now) {
        (None, None) => Ok(()),
        (Some(authority), Some(now))
            if now.authority == *authority && now.roots == former.roots =>
        {
            Ok(())
        }
        (Some(_), None) => Err(BundleError::ForgottenFormer(former.domain.clone())),
        _ => Err(BundleError::UnfoundedFormer(former.domain.clone())),
    }
}

/// The domain that an authority of the version before has in this one.
fn goes_on_as<'c>(domain: &Domain, content: &'c BundleContent) -> Option<&'c Domain> {
    let present = content.authorities.iter().map(|a| &a.domain).find(|d| *d == domain);
    let changed = || content.former.iter().find(|f| f.domain == *domain);
    present.or_else(|| changed().map(|former| &former.authority))
}
