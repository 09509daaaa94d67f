//! The mechanisms that can be taken out, and where each of them lives.

/// A mechanism, and what it takes to be without it.
#[derive(Debug)]
pub(super) struct Mutant {
    pub(super) name: &'static str,
    pub(super) mechanism: &'static str,
    pub(super) edits: &'static [Edit],
}

/// One change of the source. `from` stands there exactly once.
#[derive(Debug)]
pub(super) struct Edit {
    pub(super) file: &'static str,
    pub(super) from: &'static str,
    pub(super) to: &'static str,
}

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "sync",
        mechanism: "the sync before the acknowledgement",
        edits: &[Edit {
            file: "crates/relay/src/hub/sequencer/round.rs",
            from: "None => storage.commit(&writes).map_err(|error| unavailable(&error)),",
            to: "None => storage.commit(&writes).or(Ok(())),",
        }],
    },
    Mutant {
        name: "transaction",
        mechanism: "the one transaction for MLS state and what the officer sees",
        edits: &[Edit {
            file: "crates/client/src/store/sqlcipher/entries.rs",
            from: "    fn put_entry(&self, row: &EntryRow) -> Result<bool, StoreError> {\n",
            to: "    fn put_entry(&self, row: &EntryRow) -> Result<bool, StoreError> {\n        \
                 self.sql.execute_batch(\"COMMIT; BEGIN IMMEDIATE\")?;\n",
        }],
    },
    Mutant {
        name: "fence",
        mechanism: "the fence",
        edits: &[Edit {
            file: "crates/relay/src/hub/core.rs",
            from: "|| envelope.fence != self.membership.fence();",
            to: "|| envelope.fence != envelope.fence;",
        }],
    },
    Mutant {
        name: "chain",
        mechanism: "the chain check",
        edits: &[Edit {
            file: "crates/log/src/replica.rs",
            from: "if chain != signed.chain {",
            to: "if chain != chain {",
        }],
    },
    Mutant {
        name: "idempotency",
        mechanism: "the idempotency key",
        edits: &[Edit {
            file: "crates/relay/src/hub/core.rs",
            from: "if let Some(accepted) = remembered {",
            to: "if let Some(accepted) = remembered.filter(|_| false) {",
        }],
    },
    Mutant {
        name: "device-list",
        mechanism: "the check of the device list in envelope and AAD against the tree",
        edits: &[
            Edit {
                file: "crates/channel/src/channel/receive/commit.rs",
                from: "if after.is_none_or(|after| after.list().hash() != envelope.list_hash) {",
                to: "if after.is_none() {",
            },
            Edit {
                file: "crates/channel/src/rules/change.rs",
                from: "if self.after.devices().hash() == self.list_hash {",
                to: "if self.after.devices().hash() == self.after.devices().hash() {",
            },
        ],
    },
    Mutant {
        name: "sweep",
        mechanism: "the removal of revoked devices by whoever learns of it",
        edits: &[Edit {
            file: "crates/client/src/engine/plan.rs",
            from: "self.remove_revoked()?;",
            to: "let _ = Self::remove_revoked;",
        }],
    },
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;

    use super::MUTANTS;
    use crate::workspace::Workspace;

    #[test]
    fn every_mechanism_stands_where_it_is_taken_out() {
        let workspace = Workspace::of_this_build();
        for edit in MUTANTS.iter().flat_map(|mutant| mutant.edits) {
            let text = fs::read_to_string(workspace.root().join(edit.file)).unwrap();
            edit.applied_to(&text).unwrap();
        }
    }
}
