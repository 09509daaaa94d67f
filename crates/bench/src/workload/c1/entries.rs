//! What entries cost: taken in by the client, and each of the parts of that by itself.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use enlace_log::Seq;

use super::{BATCH, NAME, TARGET};
use crate::case::{BareMember, BareStore, Hub, Note, Reader, check, text, written};
use crate::report::Figure;
use crate::statistics::{Samples, micros_each, milliseconds};

/// The time that entries took, and the bytes that were written for them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Costs {
    entries: u64,
    client: Duration,
    decrypting: Duration,
    checking: Duration,
    storing: Duration,
    written: u64,
    written_bare: u64,
    state: u64,
}

impl Costs {
    /// Takes in the newest notes of a log, batch by batch; after each, the parts of the same batch.
    pub(super) fn measure(
        &mut self,
        hub: &Hub,
        notes: &[Note],
        reader: &mut Reader,
        bare: &mut BareMember,
        store: &mut BareStore,
    ) -> Result<()> {
        let mut first = hub.next().0 - notes.len() as u64;
        for notes in notes.chunks(BATCH as usize) {
            let seqs = first..first + notes.len() as u64;
            first = seqs.end;
            let batch = hub.batch_on_the_wire(seqs.clone())?;
            let (before, started) = (written()?, Instant::now());
            reader.receive(batch)?;
            self.client += started.elapsed();
            self.written += written()? - before;

            let (items, head) = hub.batch(seqs.clone())?;
            bare.take_rewritten();
            for item in items {
                self.decrypting += bare.decrypt(item)?;
            }
            self.state += bare.take_rewritten();

            let (mut chain, key) = (hub.chain_before(Seq(seqs.start)), hub.head_key());
            let started = Instant::now();
            for (note, item) in notes.iter().zip(items) {
                chain = check(&note.entry, &note.author, item, &key, chain)?;
            }
            head.signed().clone().verify(&key)?;
            self.checking += started.elapsed();
            anyhow::ensure!(chain == head.head().chain, "the log leads to its head");

            let entries: Vec<_> = notes.iter().map(|note| note.entry.encode()).collect();
            let rows = items.iter().map(|item| &item.sealed.envelope_bytes()[..]);
            let (before, started) = (written()?, Instant::now());
            store.insert(rows.zip(entries.iter().map(Vec::as_slice)))?;
            self.storing += started.elapsed();
            self.written_bare += written()? - before;
            self.entries += notes.len() as u64;
        }
        Ok(())
    }

    /// The figures, named by what was done.
    pub(super) fn figures(&self, what: &str) -> Vec<Figure> {
        let bare = self.decrypting + self.checking + self.storing;
        let micros = |time| micros_each(time, self.entries);
        let rate = |time: Duration| self.entries as f64 / time.as_secs_f64();
        let bytes = |bytes: u64| bytes as f64 / self.entries as f64;
        let part =
            |name: &str, time| Figure::new(NAME, format!("{what}: {name}"), micros(time), "µs");
        vec![
            Figure::new(NAME, format!("{what}: taken in"), rate(self.client), "/s")
                .against(rate(bare)),
            part("an entry, to the sum of its parts", self.client)
                .against(micros(bare))
                .target(TARGET),
            part("of the parts, MLS decryption", self.decrypting),
            part("of the parts, signatures and chain", self.checking),
            part("of the parts, a row in a batch", self.storing),
            Figure::new(NAME, format!("{what}: written for an entry"), bytes(self.written), "B")
                .against(bytes(self.written_bare)),
            Figure::new(
                NAME,
                format!("{what}: MLS state rewritten for an entry"),
                bytes(self.state),
                "B",
            ),
        ]
    }
}

/// From the officer's words to an entry in the outbox that can't get lost any more.
pub(super) fn writing(
    hub: &mut Hub,
    reader: &mut Reader,
    bare: &mut BareMember,
    store: &mut BareStore,
    count: u64,
) -> Result<Figure> {
    let (mut posted, mut parts) = (Vec::new(), Vec::new());
    for number in 0..count {
        let text = text(number);
        let started = Instant::now();
        reader.post(hub.channel(), &text)?;
        posted.push(started.elapsed());
        let (seq, _) = reader.submit(hub)?;
        reader.receive(hub.batch_on_the_wire(seq.0..seq.0 + 1)?)?;

        let (items, _) = hub.batch(seq.0..seq.0 + 1)?;
        let item = items.first().context("it was accepted")?;
        let payload = item.sealed.payload().context("nothing was erased")?;
        let aad = item.sealed.envelope().aad(None);
        let started = Instant::now();
        bare.encrypt(&aad, text.as_bytes())?;
        store.insert([(&item.sealed.envelope_bytes()[..], &payload[..])])?;
        parts.push(started.elapsed());
    }
    let p50 = |times| milliseconds(Samples::new(times).percentile(50.0));
    let name = "a note written, until it can't get lost, p50, to encryption and a synced row";
    Ok(Figure::new(NAME, name, p50(posted), "ms").against(p50(parts)))
}
