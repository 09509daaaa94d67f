//! Everybody hears of a revocation at once.

use anyhow::{Context as _, ensure};
use enlace_simulation::crowd::{Counted, Crowd};
use tokio::runtime::Builder;

/// A handful.
const HANDFUL: usize = 5;

/// One removal, and few who ask in vain, whether the leads are online or not.
fn one_removes_it(members: usize) -> anyhow::Result<()> {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build()?;
    runtime.block_on(async {
        let mut crowd = Crowd::gather(members).await?;
        for leads_are_online in [true, false] {
            let counted = crowd.revoke(leads_are_online).await?;
            eprintln!("{members} members, leads online: {leads_are_online}: {counted:?}");
            let Counted { commits, leases_refused, .. } = counted;
            ensure!(commits == 1, "{commits} commits");
            ensure!(leases_refused <= HANDFUL, "{leases_refused} asked for the lease in vain");
        }
        crowd.end().await;
        Ok(())
    })
}

#[test]
fn of_thirty_online_one_removes_it() -> anyhow::Result<()> {
    one_removes_it(30)
}

/// `cargo test --release -p enlace-simulation --test crowd -- --ignored --nocapture`; the number in
/// `ENLACE_CROWD`, if it is to be another one.
#[test]
#[ignore = "it takes an hour"]
fn of_a_thousand_online_one_removes_it() -> anyhow::Result<()> {
    let members = match std::env::var("ENLACE_CROWD") {
        Ok(members) => members.parse().context("ENLACE_CROWD is a number")?,
        Err(_) => 1_000,
    };
    one_removes_it(members)
}
