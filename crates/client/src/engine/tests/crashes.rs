use super::world::World;

/// xorshift64*: the same seed, the same run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % sides
    }
}

/// Programs end at any point, answers are lost, commits come in between: every store has the same
/// notes in the same order, none twice.
#[test]
fn whatever_crashes_every_note_arrives_once() {
    for seed in [1, 2] {
        let mut dice = Dice(seed);
        let mut world = World::new();
        let channel = world.case();
        let names = ["ana", "bruno", "eva"];
        let mut posted = 0;
        let mut crashes = 0;
        while posted < 30 || crashes < 10 {
            let name = names[usize::try_from(dice.roll(3)).unwrap()];
            match dice.roll(10) {
                0..=2 if posted < 30 => {
                    posted += 1;
                    world.post(name, channel, &format!("nota {posted}"));
                }
                3 | 4 => drop(world.pump(name)),
                5 => drop(world.pump_into_the_void(name)),
                6 | 7 => drop(world.deliver(name)),
                8 => {
                    crashes += 1;
                    world.restart(name);
                }
                _ if dice.roll(4) == 0 => {
                    let wish = crate::engine::Wish::RenewKeys;
                    world.engine(name).wish(channel, wish).unwrap();
                }
                _ => {}
            }
            world.clock.advance(std::time::Duration::from_millis(50));
        }
        world.settle();
        let expected = world.texts("ana", channel);
        assert_eq!(expected.len(), posted, "seed {seed}");
        let mut distinct = expected.clone();
        distinct.sort();
        distinct.dedup();
        assert_eq!(distinct.len(), posted, "seed {seed}");
        for name in ["bruno", "eva"] {
            assert_eq!(world.texts(name, channel), expected, "seed {seed}");
        }
        world.assert_agreement(channel, &names);
    }
}
