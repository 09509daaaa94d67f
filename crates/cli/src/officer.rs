//! What officers' commands share: the profile, naming a channel, waiting, and words for what went
//! wrong.

mod channel;
mod connection;
mod entry;
mod explain;
mod notice;
mod profile;
mod shown;
mod suite;
mod thread;
mod waiting;

pub(crate) use self::channel::{find_channel, short_id, why_it_rests};
pub(crate) use self::connection::ConnectionWatch;
pub(crate) use self::entry::EntryItem;
pub(crate) use self::explain::Explained;
pub(crate) use self::notice::{NoticeItem, notice_words};
pub(crate) use self::profile::ProfileArguments;
pub(crate) use self::shown::shown;
pub(crate) use self::suite::SuiteName;
pub(crate) use self::thread::ThreadItem;
pub(crate) use self::waiting::{
    WaitArguments, agreement_words, block_on, newest_notice, outcome, while_syncing,
};
