//! Who plays: authorities and officers that exist nowhere else.

/// An authority of the play.
#[derive(Clone, Copy, Debug)]
pub(super) struct AuthorityPart {
    pub(super) domain: &'static str,
    pub(super) name: &'static str,
    pub(super) country: &'static str,
}

/// An officer of the play.
#[derive(Clone, Copy, Debug)]
pub(super) struct OfficerPart {
    /// Which of [`AUTHORITIES`].
    pub(super) authority: usize,
    pub(super) name: &'static str,
    pub(super) common_name: &'static str,
}

pub(super) const NETWORK: &str = "Red de formación / Rede de formação";

pub(super) const AUTHORITIES: [AuthorityPart; 2] = [
    AuthorityPart { domain: "fge.example", name: "Fiscalía General", country: "ES" },
    AuthorityPart { domain: "mpf.example", name: "Ministério Público", country: "PT" },
];

pub(super) const OFFICERS: [OfficerPart; 3] = [
    OfficerPart { authority: 0, name: "ana-ruiz", common_name: "Ana Ruiz Gómez" },
    OfficerPart { authority: 0, name: "tomas-ibarra", common_name: "Tomás Ibarra Peña" },
    OfficerPart { authority: 1, name: "beatriz-conceicao", common_name: "Beatriz Conceição" },
];
