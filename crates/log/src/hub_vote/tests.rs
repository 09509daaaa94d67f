use enlace_identity::entropy::Entropy;

use super::*;

fn domain(name: &str) -> Domain {
    format!("{name}.example").parse().unwrap()
}

fn device(name: &str) -> DeviceName {
    let (officer, authority) = name.split_once('@').unwrap();
    format!("pc.{officer}.officer.{authority}.example").parse().unwrap()
}

fn key(number: u8) -> SigningKey {
    SigningKey::generate_from(&Entropy::dangerous_seeded([number; 32]))
}

fn vote() -> HubVote {
    HubVote { channel: ChannelId([7; 32]), from: domain("a"), to: domain("b"), fence: Seq(5) }
}

fn signed(vote: HubVote, key: &SigningKey) -> SignedHubVote {
    let chain = UnverifiedChain::from_ders(&[vec![1; 300], vec![2; 300]]).unwrap();
    SignedHubVote::sign(vote, key, chain)
}

fn verified(vote: HubVote, name: &str) -> VerifiedHubVote {
    signed(vote, &key(1)).verify(device(name), &key(1).public()).unwrap()
}

#[test]
fn it_comes_back_as_it_went_and_nothing_else_does() {
    assert_eq!(HubVote::decode(&vote().encode()), Ok(vote()));
    let file = signed(vote(), &key(1));
    assert_eq!(SignedHubVote::decode(&file.encode()), Ok(file.clone()));
    let bytes = file.encode();
    for cut in 0..bytes.len() {
        assert!(SignedHubVote::decode(&bytes[..cut]).is_err());
    }
    assert!(SignedHubVote::decode(&[&bytes[..], &[0]].concat()).is_err());
    assert!(SignedHubVote::decode(&vec![0; SignedHubVote::MAX_BYTES + 1]).is_err());
    let nowhere = HubVote { to: domain("a"), ..vote() };
    assert_eq!(HubVote::decode(&nowhere.encode()), Err(DecodeError::Value("to")));
    let unbound = HubVote { fence: Seq(u64::MAX), ..vote() };
    assert_eq!(HubVote::decode(&unbound.encode()), Err(DecodeError::Value("fence")));
}

#[test]
fn only_its_devices_key_makes_it_a_vote() {
    let file = signed(vote(), &key(1));
    let by = |key: &SigningKey| file.clone().verify(device("ana@a"), &key.public());
    assert_eq!(by(&key(1)).unwrap().fence, Seq(5));
    assert_eq!(by(&key(2)), Err(HubVoteError::Signature));
}

#[test]
fn a_majority_is_of_authorities_and_not_of_devices() {
    let list = |names: &[&str]| names.iter().map(|name| device(name)).collect::<DeviceList>();
    let holds = |voters: &[&str], on: &[&str]| {
        let voters: Vec<_> = voters.iter().map(|name| device(name)).collect();
        is_majority(&voters, &list(on), &FormerDomains::new())
    };
    let three = ["ana@a", "ben@a", "cam@b", "eva@c"];
    assert!(holds(&["ana@a", "cam@b"], &three));
    assert!(!holds(&["ana@a", "ben@a"], &three), "two of one authority are one");
    assert!(!holds(&["ana@a", "zoe@b"], &three), "whoever is not on the list is nobody");
    let two = ["ana@a", "cam@b"];
    assert!(!holds(&["ana@a"], &two), "a half is no majority");
    assert!(holds(&["ana@a", "cam@b"], &two));
    assert!(!holds(&[], &[]));
}

#[test]
fn an_authority_with_an_old_and_a_new_domain_is_one() {
    let former = FormerDomains::from([(domain("old"), domain("a"))]);
    let devices = ["ana@a", "ben@old", "cam@b", "eva@c"].map(device);
    let list: DeviceList = devices.iter().cloned().collect();
    let [ana, ben, cam, _] = &devices;
    assert!(!is_majority([ana, ben], &list, &former), "its two domains have one vote");
    assert!(is_majority([ben, cam], &list, &former), "and are one of three");
    assert!(!is_majority([ben, cam], &list, &FormerDomains::new()), "as they were not before");
}

#[test]
fn each_voter_counts_once_and_only_for_what_it_wants() {
    let votes = [
        verified(vote(), "cam@b"),
        verified(vote(), "ana@a"),
        verified(vote(), "ana@a"),
        verified(HubVote { fence: Seq(6), ..vote() }, "eva@c"),
        verified(HubVote { to: domain("c"), ..vote() }, "leo@c"),
        verified(HubVote { channel: ChannelId([8; 32]), ..vote() }, "ben@a"),
        verified(HubVote { from: domain("c"), ..vote() }, "mia@b"),
    ];
    let found: Vec<_> =
        votes_for(&votes, &vote()).into_iter().map(|v| v.device().clone()).collect();
    assert_eq!(found, [device("ana@a"), device("cam@b")]);
}
