use std::time::Duration;

use enlace_log::ChannelId;

use super::world::World;
use crate::task::Task;

const DAY: Duration = Duration::from_secs(24 * 3600);

fn queued(world: &mut World, channel: ChannelId) -> Vec<Task> {
    let engine = world.engine("eva");
    engine.renew_keys().unwrap();
    let rows = engine.read(|tx| tx.queued(Some(channel))).unwrap();
    rows.into_iter().map(|row| row.task).collect()
}

#[test]
fn keys_are_renewed_once_when_they_are_old() {
    let mut world = World::new();
    let channel = world.case();
    world.clock.advance(DAY * 3);
    assert_eq!(queued(&mut world, channel), []);
    world.clock.advance(DAY * 8);
    assert_eq!(queued(&mut world, channel), [Task::SelfUpdate]);
    assert_eq!(queued(&mut world, channel), [Task::SelfUpdate]);
}

#[test]
fn what_waits_to_be_sent_puts_a_renewal_off_but_not_for_ever() {
    let mut world = World::new();
    let channel = world.case();
    world.clock.advance(DAY * 11);
    world.post("eva", channel, "una nota que espera");
    assert_eq!(queued(&mut world, channel), [Task::Entry]);
    world.clock.advance(Duration::from_secs(2 * 3600));
    assert_eq!(queued(&mut world, channel), [Task::Entry, Task::SelfUpdate]);
}
