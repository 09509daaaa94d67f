//! Telling the officer that the relay cannot be reached, once for each reason.

use enlace_client::Client;

use crate::ui::Ui;
use crate::words::Text;

/// What was said about the connection.
#[derive(Debug, Default)]
pub(crate) struct ConnectionWatch {
    told: Option<String>,
}

impl ConnectionWatch {
    /// Warns if the relay is out of reach for another reason than at the last look.
    pub(crate) fn look(&mut self, client: &Client, ui: &Ui) {
        let status = client.status();
        let why = status.last_error.filter(|_| !status.connected);
        if let Some(why) = &why
            && self.told.as_ref() != Some(why)
        {
            ui.warning(ui.say(Text::RelayOutOfReach { why }));
            ui.note(ui.say(Text::DoctorHelps));
        }
        if why.is_some() || status.connected {
            self.told = why;
        }
    }
}
