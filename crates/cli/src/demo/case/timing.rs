//! How long a note takes from one authority to the other.

use std::time::Instant;

use enlace_client::ClientEvent;
use tokio::sync::broadcast::error::RecvError;

use super::Case;
use crate::demo::latency::Latency;
use crate::demo::officer::PATIENCE;
use crate::demo::script;
use crate::failure::{Explain as _, Failure};

impl Case<'_> {
    /// Notes from one authority to the other and back, one at a time.
    pub(in crate::demo) async fn measure(&mut self, notes: usize) -> Result<Latency, Failure> {
        self.stage.say(self.stage.words.measuring, &[&notes]);
        let mut times = Vec::with_capacity(notes);
        for number in 1..=notes {
            let text = script::measured_note(number);
            let (author, reader) = match number % 2 {
                0 => (&self.ana, &self.beatriz),
                _ => (&self.beatriz, &self.ana),
            };
            let mut events = reader.client.events();
            let began = Instant::now();
            let note = author.write(self.channel, &text)?;
            let arrived = loop {
                let event = tokio::time::timeout(PATIENCE, events.recv()).await;
                match event.context(|| "a note did not arrive in time".to_owned())? {
                    Ok(ClientEvent::Entry { channel, seq }) => {
                        let now = began.elapsed();
                        let entry = reader.client.read(channel, seq, 1)?;
                        if entry.first().is_some_and(|entry| entry.client_id == note) {
                            break now;
                        }
                    }
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return Err(Failure::new("no more events come")),
                }
            };
            times.push(arrived);
            author.reads(self.channel, note).await?;
            self.said.push(text);
        }
        Latency::of(&times).ok_or_else(|| Failure::new("nothing was measured"))
    }
}
