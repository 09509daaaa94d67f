//! No question that comes with each item goes through a whole channel.

use rusqlite::Connection;

use crate::store::migrations::MIGRATIONS;
use crate::store::sqlcipher::{entries, erasures};

#[test]
fn what_is_asked_with_each_item_is_looked_up_in_an_index_for_it() {
    let sql = Connection::open_in_memory().unwrap();
    MIGRATIONS.iter().for_each(|migration| sql.execute_batch(migration).unwrap());
    for (question, index) in [
        (erasures::COMMITTED, "entries_by_commitment"),
        (erasures::ABOUT, "entries_by_parent"),
        (erasures::HAS_KIND, "entries_by_kind"),
        (erasures::OF_KIND, "entries_by_kind"),
        (entries::OF_KEY, "sqlite_autoindex_entries_2"),
        (entries::STATEMENTS, "entries_by_kind"),
        (entries::OF_FORUMS, "entries_of_forums"),
    ] {
        let mut statement = sql.prepare(&format!("EXPLAIN QUERY PLAN {question}")).unwrap();
        let mut rows = statement.raw_query();
        let plan: String = rows.next().unwrap().unwrap().get("detail").unwrap();
        assert!(plan.contains(&format!("INDEX {index} ")), "{question}: {plan}");
    }
}
