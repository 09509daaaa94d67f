//! What leads are asked to consent to, and their answers: statements, which travel as entries and, signed
//! as they are, as evidence in the commit that they allow (PROTOCOL.md §3.15).

mod draft;
mod statement;
#[cfg(test)]
mod tests;

pub use self::draft::StatementDraft;
pub use self::statement::{Answer, Statement, StatementError, Subject};
