//! Who may commit next.
//!
//! Leases are manners, not validity: they keep a thousand members from building commits of which
//! one can win. Only memory knows them; after a restart everybody asks again.

use std::time::Duration;

use enlace_identity::names::DeviceName;
use enlace_identity::time::Timestamp;

/// How long a lease lasts.
pub const LEASE: Duration = Duration::from_secs(10);

/// The lease of one channel.
#[derive(Clone, Debug, Default)]
pub struct Lease {
    holder: Option<(DeviceName, Timestamp)>,
    goes_last: Option<(DeviceName, Timestamp)>,
    somebody_waits: bool,
}

impl Lease {
    /// Asks for the lease: how long it lasts, or when to ask again. A holder that asks again
    /// hears what is left.
    ///
    /// # Errors
    /// The time to wait.
    pub fn ask(&mut self, now: Timestamp, device: &DeviceName) -> Result<Duration, Duration> {
        self.lapse(now);
        match &self.holder {
            Some((holder, until)) if holder == device => return Ok(until.since(now)),
            Some((_, until)) => {
                self.somebody_waits = true;
                return Err(until.since(now));
            }
            None => {}
        }
        if let Some((last, until)) = &self.goes_last
            && last == device
            && self.somebody_waits
            && now < *until
        {
            return Err(until.since(now));
        }
        self.somebody_waits = false;
        self.holder = Some((device.clone(), now.plus(LEASE)));
        Ok(LEASE)
    }

    /// Whether a device holds it.
    #[must_use]
    pub fn is_held_by(&self, device: &DeviceName, now: Timestamp) -> bool {
        self.holder.as_ref().is_some_and(|(holder, until)| holder == device && now < *until)
    }

    /// Whether anybody holds it.
    #[must_use]
    pub fn is_held(&self, now: Timestamp) -> bool {
        self.holder.as_ref().is_some_and(|(_, until)| now < *until)
    }

    /// Its holder has made use of it.
    pub fn release(&mut self) {
        self.holder = None;
    }

    /// Lets others go first for the length of one lease, if any wait.
    pub fn put_last(&mut self, now: Timestamp, device: DeviceName) {
        self.goes_last = Some((device, now.plus(LEASE)));
    }

    fn lapse(&mut self, now: Timestamp) {
        if let Some((holder, until)) = self.holder.take_if(|(_, until)| now >= *until) {
            self.put_last(until, holder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> Timestamp {
        Timestamp::from_secs(secs)
    }

    fn device(name: &str) -> DeviceName {
        format!("a.{name}.officer.a.example").parse().unwrap()
    }

    #[test]
    fn one_holder_at_a_time() {
        let (ana, ben) = (device("ana"), device("ben"));
        let mut lease = Lease::default();
        assert_eq!(lease.ask(at(0), &ana), Ok(LEASE));
        assert_eq!(lease.ask(at(4), &ben), Err(Duration::from_secs(6)));
        assert_eq!(lease.ask(at(4), &ana), Ok(Duration::from_secs(6)), "not prolonged");
        assert!(lease.is_held_by(&ana, at(9)) && !lease.is_held_by(&ana, at(10)));
        assert!(!lease.is_held_by(&ben, at(4)));
        lease.release();
        assert_eq!(lease.ask(at(5), &ben), Ok(LEASE));
    }

    #[test]
    fn whoever_let_it_lapse_goes_last_if_others_wait() {
        let (ana, ben) = (device("ana"), device("ben"));
        let mut lease = Lease::default();
        lease.ask(at(0), &ana).unwrap();
        assert_eq!(lease.ask(at(11), &ana), Ok(LEASE), "nobody waited");
        lease.ask(at(12), &ben).unwrap_err();
        assert_eq!(lease.ask(at(21), &ana), Err(LEASE));
        assert_eq!(lease.ask(at(22), &ben), Ok(LEASE));
        assert_eq!(lease.ask(at(40), &ana), Ok(LEASE));
    }
}
