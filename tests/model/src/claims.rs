//! What must hold in every state, and what must be reachable for that to mean something.

use stateright::Property;

use crate::access::Access;
use crate::bounds::Task;
use crate::group::Group;
use crate::log::{Body, Device, Item, Log, Sealed};
use crate::network::{Network, State, incarnation_at};
use crate::reader::Member;

/// No position has two items in one incarnation.
pub const ONE_LOG: &str = "one item at one position of one incarnation";
/// An honest hub is not accused.
pub const NO_FALSE_ALARM: &str = "no honest hub signs two logs in one incarnation";
/// Nothing acknowledged is lost while somebody within reach has it.
pub const NOTHING_LOST: &str = "nothing acknowledged is lost while a holder is within reach";
/// Each key once.
pub const ONCE: &str = "one item for each idempotency key";
/// What the hub takes of honest members, everybody can read.
pub const COUNTS: &str = "what an honest member sent counts where the hub put it";
/// Verdicts are the same everywhere.
pub const ONE_GROUP: &str = "members at one place hold the same group";
/// Nobody honest is left out when all is quiet.
pub const QUIET: &str = "when nothing is left to do, every member has and wrote everything";

/// Somebody objects.
pub const CONTESTED: &str = "an objection is taken";
/// A removed member objects, and is out all the same once another authority has spoken.
pub const REMOVED_AFTER_ALL: &str = "a rightful removal outlives an objection";
/// A hub gets back what it lacked.
pub const REFILLED: &str = "a hub is refilled";
/// A hub says that something is lost.
pub const LOSS_STATED: &str = "a loss is stated";
/// A member merged a commit that is lost.
pub const ASTRAY: &str = "a member has merged a commit that is lost";

/// The claims that apply within the model's bounds.
#[must_use]
pub fn all(network: &Network) -> Vec<Property<Network>> {
    let mut claims = vec![
        Property::always(ONE_LOG, one_log),
        Property::always(NO_FALSE_ALARM, |_, state: &State| !state.hub.has_contradicted),
        Property::always(NOTHING_LOST, |_, state: &State| !state.broke_promise),
        Property::always(ONCE, once),
        Property::always(COUNTS, counts),
        Property::always(ONE_GROUP, one_group),
        Property::always(QUIET, quiet),
    ];
    let bounds = &network.bounds;
    if bounds.void_commits > 0 && bounds.starts == 0 {
        claims.push(Property::sometimes(CONTESTED, contested));
    }
    if bounds.tasks[0].contains(&Task::RemoveBen) {
        claims.push(Property::sometimes(REMOVED_AFTER_ALL, removed_after_all));
    }
    if bounds.starts > 0 && bounds.away {
        claims.push(Property::sometimes(REFILLED, |_, state: &State| {
            states(state, |refilled, _| refilled)
        }));
        claims.push(Property::sometimes(LOSS_STATED, |_, state: &State| {
            states(state, |_, lost| lost)
        }));
        if bounds.tasks.iter().any(|tasks| tasks.contains(&Task::Renew)) {
            claims.push(Property::sometimes(ASTRAY, |_, state: &State| {
                state.members.iter().any(|member| member.astray.is_some())
            }));
        }
    }
    claims
}

fn one_log(_: &Network, state: &State) -> bool {
    let copies: Vec<&Log> = state.copies().collect();
    copies.iter().enumerate().all(|(index, a)| {
        copies[index + 1..].iter().all(|b| {
            let parts_at = a.common(b);
            let ends = parts_at == a.next() || parts_at == b.next();
            ends || incarnation_at(a, parts_at) != incarnation_at(b, parts_at)
        })
    })
}

fn once(_: &Network, state: &State) -> bool {
    let mut keys: Vec<_> = state.hub.log.sealed().map(|(_, s)| (s.author, s.id)).collect();
    keys.sort_unstable();
    keys.windows(2).all(|pair| pair[0] != pair[1])
}

/// The newest item alone: the others were the newest in an earlier state.
fn counts(network: &Network, state: &State) -> bool {
    let log = &state.hub.log;
    match log.items().last() {
        Some(Item::Sealed(sealed)) if network.bounds.is_honest(sealed.author) => {
            matches!(sealed.body, Body::Contest { .. })
                || Group::before(log, log.next() - 1).counts(sealed)
        }
        _ => true,
    }
}

fn one_group(network: &Network, state: &State) -> bool {
    let played: Vec<_> = network.played().map(|d| &state.members[d as usize]).collect();
    let is_same = |a: &Member, b: &Member| {
        a.copy != b.copy || a.astray.is_some() || b.astray.is_some() || a.group() == b.group()
    };
    played.iter().all(|a| played.iter().all(|b| is_same(a, b)))
}

/// Nothing that an honest party can do changes anything, a lease granted where one is needed.
fn is_quiet(network: &Network, state: &State) -> bool {
    let is_refused = |device| {
        let mut hub = state.hub.clone();
        hub.lease = Some(device);

        network.outbox(state, device).iter().all(|sealed| {
            let known = &state.members[device as usize].copy;
            !hub.takes(&network.rules, sealed, known)
        })
    };
    state.hub.is_sure
        && network.replicated(state).is_none()
        && network.played().all(|device| network.shown(state, device).is_none())
        && network.played().all(is_refused)
}

fn quiet(network: &Network, state: &State) -> bool {
    if !is_quiet(network, state) {
        return true;
    }
    let log = &state.hub.log;
    let (group, access) = (Group::after(log), Access::after(log));
    network.played().filter(|device| group.tree.contains(*device)).all(|device| {
        let member = &state.members[device as usize];
        let tasks = network.bounds.tasks[device as usize];
        let has_written = member.astray.is_some() || member.is_done(device, tasks);
        member.copy == *log && access.writes(device) && has_written
    })
}

fn contested(_: &Network, state: &State) -> bool {
    state.hub.log.sealed().any(|(_, sealed)| {
        sealed.author != Device::Ben && matches!(sealed.body, Body::Contest { .. })
    })
}

/// Whether a statement in the hub's log says that it was refilled, or that something is lost.
fn states(state: &State, says: fn(bool, bool) -> bool) -> bool {
    state.hub.log.items().iter().any(|item| match item {
        Item::Statement { refilled, lost, .. } => says(*refilled, *lost),
        Item::Created | Item::Sealed(_) => false,
    })
}

fn removed_after_all(_: &Network, state: &State) -> bool {
    let log = &state.hub.log;
    let objects = |sealed: Sealed| {
        sealed.author == Device::Ben && matches!(sealed.body, Body::Contest { .. })
    };
    log.sealed().any(|(_, sealed)| objects(sealed)) && !Access::after(log).writes(Device::Ben)
}
