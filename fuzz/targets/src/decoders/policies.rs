//! The policy in a group's context.

use enlace_channel::policy::Policy;

use crate::Outcome;

/// Reads a policy: it is written as it stood, and its lists keep their limits.
pub fn run(data: &[u8]) -> Outcome {
    let policy = Policy::decode(data);
    if let Ok(policy) = &policy {
        assert_eq!(policy.encode(), data, "a policy is copied as it was");
        assert!((1..=Policy::MAX_ROLES).contains(&policy.roles().len()));
        assert!(policy.case_references().len() <= Policy::MAX_PER_AUTHORITY);
        assert!(policy.retention().len() <= Policy::MAX_PER_AUTHORITY);
        assert!(policy.title().chars().count() <= Policy::MAX_TITLE_CHARS);
        edit(policy);
    }
    Outcome::of(&policy)
}

/// What this version knows whole, it can change and read again.
fn edit(policy: &Policy) {
    let newcomer = "zoe@z.example".parse().unwrap();
    let edited = policy.edit().map(|edit| edit.role(&newcomer, enlace_channel::policy::Role::Lead));
    match edited {
        Err(_) => {
            assert!(policy.has_unknown_fields(), "a policy that is known whole can be changed");
        }
        Ok(edit) => {
            if let Ok(edited) = edit.finish() {
                assert_eq!(Policy::decode(&edited.encode()).as_ref(), Ok(&edited));
            }
        }
    }
}
