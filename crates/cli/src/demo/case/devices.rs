//! An officer's second device.

use enlace_client::Client;

use super::{Case, HUB, is_member};
use crate::demo::checks::Finding;
use crate::demo::officer::Officer;
use crate::demo::{off_thread, script};
use crate::failure::{Explain as _, Failure};

/// What it is called.
const PHONE: &str = "phone";

impl Case<'_> {
    /// Tomás lets his phone in from his laptop; what is written then comes to both.
    pub(in crate::demo) async fn add_a_device(&mut self) -> Result<Finding, Failure> {
        let (stage, channel) = (self.stage, self.channel);
        let network = stage.network.clone();
        let [_, tomas, _] = network.officers() else {
            return Err(Failure::new("the case needs three officers"));
        };
        stage.say(stage.words.second_device, &[&self.tomas.first_name()]);
        let tomas = tomas.clone();
        let phone = off_thread(move || network.enrol_device(HUB, &tomas, PHONE)).await?;
        let mut phone = Officer::open(&phone, stage.network.passphrase()).await?;
        phone.introduce().await?;
        phone.go_online();
        let device = phone.client.device().clone();
        let added = Client::add_device(&self.tomas.client, &device);
        added.context(|| format!("{device} is not let in"))?;
        phone.until("the welcome did not come", |phone| is_member(phone, channel)).await?;
        let told = self.write(&self.beatriz, script::BEATRIZ_ASKS)?;
        self.said.push(script::BEATRIZ_ASKS.to_owned());
        for reader in [&self.ana, &self.tomas, &phone] {
            reader.reads(channel, told).await?;
        }
        let earlier = phone.record(channel)?.len();
        phone.go_offline().await;
        if earlier != 1 {
            return Ok(Finding::bad(format!("the phone reads {earlier} notes instead of one")));
        }
        stage.say(stage.words.second_reads, &[]);
        Ok(Finding::good())
    }
}
