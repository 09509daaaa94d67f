use std::collections::BTreeSet;

use enlace_identity::names::DeviceName;

use super::pages::PAGE;
use super::{DeviceList, ListChange, ListError};

fn device(number: usize) -> DeviceName {
    format!("pc.o{number:05}.officer.a.example").parse().unwrap()
}

fn set(numbers: impl IntoIterator<Item = usize>) -> BTreeSet<DeviceName> {
    numbers.into_iter().map(device).collect()
}

fn change(added: &[usize], removed: &[usize]) -> ListChange {
    ListChange { added: set(added.iter().copied()), removed: set(removed.iter().copied()) }
}

/// A list is what a plain set would be, whatever was done to it before.
#[test]
fn a_list_is_a_set() {
    let mut draw = 12_345_u64;
    let mut dice = move |sides: usize| {
        draw = draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(draw >> 33).unwrap() % sides
    };
    let (mut list, mut plain) = (DeviceList::default(), BTreeSet::new());
    for round in 0..400 {
        // It grows for half of the time, then shrinks.
        let adds = if round < 200 { dice(20) } else { dice(4) };
        let removes = if round < 200 { dice(6) } else { dice(24) };
        let added: BTreeSet<_> = set((0..adds).map(|_| dice(3_000)));
        let added: BTreeSet<_> = added.difference(&plain).cloned().collect();
        let present: Vec<_> = plain.iter().cloned().collect();
        let removed = (0..removes).filter(|_| !present.is_empty());
        let removed: BTreeSet<_> = removed.map(|_| present[dice(present.len())].clone()).collect();
        plain = plain.difference(&removed).chain(&added).cloned().collect();
        let change = ListChange { added, removed };
        let after = list.apply(&change).unwrap();
        assert_eq!(list.change_to(&after), change);
        list = after;
        assert!(list.iter().eq(&plain));
        assert_eq!(list.len(), plain.len());
        let anew: DeviceList = plain.iter().cloned().collect();
        assert_eq!(list, anew);
        assert_eq!(list.hash(), anew.hash());
        for number in 0..50 {
            assert_eq!(list.contains(&device(number)), plain.contains(&device(number)));
        }
    }
}

#[test]
fn a_change_that_does_not_fit_is_refused() {
    let list: DeviceList = set(0..200).into_iter().collect();
    for (added, removed, at) in [(7, 500, 7), (500, 501, 501), (199, 0, 199)] {
        let refused = list.apply(&change(&[added], &[removed]));
        let missing = Err(ListError::DoesNotFit(device(if removed >= 200 { removed } else { at })));
        let double = Err(ListError::DoesNotFit(device(at)));
        assert!(refused == missing || refused == double, "{refused:?}");
    }
    assert_eq!(list.apply(&change(&[200], &[7])).unwrap().len(), 200);
    let empty = DeviceList::default();
    assert_eq!(empty.apply(&change(&[], &[1])), Err(ListError::DoesNotFit(device(1))));
    assert_eq!(empty.apply(&change(&[1], &[])).unwrap().len(), 1);
}

/// What a forum's history takes: not one list for each commit.
#[test]
fn lists_that_differ_little_share_their_names() {
    let mut list: DeviceList = set(0..5_000).into_iter().collect();
    let mut names = list.len();
    for number in 5_000..6_000 {
        let after = list.apply(&change(&[number], &[number - 5_000])).unwrap();
        let beside = after.names_beside(&list);
        assert!(beside <= 3 * PAGE, "{beside}");
        assert_eq!(after.clone().names_beside(&after), 0);
        names += beside;
        list = after;
    }
    assert!(names < 150_000, "{names}: a thousand lists of 5,000 names");
}
