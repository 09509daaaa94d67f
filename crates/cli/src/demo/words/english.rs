//! English.

use super::Words;

pub(super) static ENGLISH: Words = Words {
    setting_up: "Two authorities make their keys, and list each other as a network …",
    authorities: "{0} ({1}) and {2} ({3}) run a relay each: two processes on this machine.",
    works_for: "  {0} is an officer of {1}.",
    opens: "{0} opens a case channel: “{1}”.",
    admits: "{0} admits {1} and {2}.",
    writes: "{0} writes: “{1}”",
    read_by: "  {0} reads it.",
    closes_laptop: "{0} closes the laptop.",
    relay_killed: "The relay of {0} is killed. Its officers and the others' write on.",
    waiting: "  It waits on the device: queued, not yet accepted.",
    relay_back: "The relay comes back, and everybody reads what waited.",
    opens_laptop: "{0} opens the laptop again, and misses nothing.",
    intruders: "Three intruders try: an authority that is not in the network; somebody who passes \
                for {0} with a certificate by the key of {1}; and {2}, an officer of the network \
                who is not in the channel.",
    refused: "  None of them gets in.",
    measuring: "{0} notes go from one authority to the other, one by one …",
    revokes: "The registrar revokes {0}, who is connected just now.",
    cut: "  The connection is cut, and there is no other.",
    lets_in: "{0} lets {1} into the channel.",
    taken_out: "  Nobody does anything, and the device of {1} takes {0} out of the channel.",
    second_device: "{0} has a phone, too, and lets it in from the laptop.",
    second_reads: "  It reads what is written from then on.",
    closes_case: "{0} closes the case.",
    stays_to_be_read: "  Everybody reads on, and nobody writes.",
    searching: "The relays' files are searched for {0} texts, in every usual writing …",
    openssl: "openssl looks at {0} certificates.",
    latency: "{0} notes from one authority to the other, from writing to arrival: \
              half of them within {1} ms, 99 of 100 within {2} ms.",
    yes: "yes",
    no: "NO",
    checks: [
        "Notes went both ways",
        "A second device reads",
        "Notes waited while a relay was down, and arrived",
        "Intruders were refused",
        "A revoked officer was cut off",
        "The revoked device was taken out of the channel by itself",
        "All hold the same record in the same order",
        "A closed case can only be read",
        "The relays hold nothing that could be read",
        "openssl verifies every certificate",
    ],
    took: "All of it took {0} s.",
    left_in: "The training network is left in {0}. To go on by hand, from that directory:",
    start_relays: "start the relays, each in a terminal of its own:",
    then_as: "then be one of the officers:",
    try_with_dir: "With --dir DIR the training network stays, to go on by hand.",
};
