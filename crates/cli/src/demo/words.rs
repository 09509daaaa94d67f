//! The demonstration's words in four languages.

use std::fmt::Display;

use super::checks::Check;
use crate::language::Language;

/// One language's words. `{0}`, `{1}` … stand for what is told.
#[derive(Debug)]
pub(super) struct Words {
    pub(super) setting_up: &'static str,
    /// Authority, its country, the other, its country.
    pub(super) authorities: &'static str,
    /// Who, for which authority.
    pub(super) works_for: &'static str,
    /// Who, the channel's title.
    pub(super) opens: &'static str,
    /// Who, whom, whom.
    pub(super) admits: &'static str,
    /// Who, what.
    pub(super) writes: &'static str,
    /// Who.
    pub(super) read_by: &'static str,
    /// Who.
    pub(super) closes_laptop: &'static str,
    /// Whose.
    pub(super) relay_killed: &'static str,
    pub(super) waiting: &'static str,
    pub(super) relay_back: &'static str,
    /// Who.
    pub(super) opens_laptop: &'static str,
    /// Who is impersonated, with whose key; who is enrolled but no member.
    pub(super) intruders: &'static str,
    pub(super) refused: &'static str,
    /// How many.
    pub(super) measuring: &'static str,
    /// Whom.
    pub(super) revokes: &'static str,
    pub(super) cut: &'static str,
    /// How many texts.
    pub(super) searching: &'static str,
    /// How many certificates.
    pub(super) openssl: &'static str,
    /// How many notes, p50, p99.
    pub(super) latency: &'static str,
    pub(super) yes: &'static str,
    pub(super) no: &'static str,
    /// What the checks found out, in their order.
    pub(super) checks: [&'static str; Check::ALL.len()],
    /// Seconds.
    pub(super) took: &'static str,
    /// The directory.
    pub(super) left_in: &'static str,
    pub(super) start_relays: &'static str,
    pub(super) then_as: &'static str,
    pub(super) try_with_dir: &'static str,
}

impl Words {
    /// A language's words.
    pub(super) fn of(language: Language) -> &'static Self {
        match language {
            Language::Es => &SPANISH,
            Language::Pt => &PORTUGUESE,
            Language::En => &ENGLISH,
            Language::Fr => &FRENCH,
        }
    }

    /// What a check found out.
    pub(super) fn check(&self, check: Check) -> &'static str {
        let index = Check::ALL.iter().position(|other| *other == check);
        index.map_or("", |index| self.checks[index])
    }
}

/// Puts what is told into a sentence.
pub(super) fn fill(sentence: &str, told: &[&dyn Display]) -> String {
    let mut filled = String::new();
    let mut rest = sentence;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let Some((index, after)) = after.split_once('}') else { break };
        if let Some(value) = index.parse::<usize>().ok().and_then(|index| told.get(index)) {
            filled.push_str(&value.to_string());
        }
        rest = after;
    }
    filled.push_str(rest);
    filled
}

static ENGLISH: Words = Words {
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
    searching: "The relays' files are searched for {0} texts, in every usual writing …",
    openssl: "openssl looks at {0} certificates.",
    latency: "{0} notes from one authority to the other, from writing to arrival: \
              half of them within {1} ms, 99 of 100 within {2} ms.",
    yes: "yes",
    no: "NO",
    checks: [
        "Notes went both ways",
        "Notes waited while a relay was down, and arrived",
        "Intruders were refused",
        "A revoked officer was cut off",
        "All hold the same record in the same order",
        "The relays hold nothing that could be read",
        "openssl verifies every certificate",
    ],
    took: "All of it took {0} s.",
    left_in: "The training network is left in {0}. To go on by hand, from that directory:",
    start_relays: "start the relays, each in a terminal of its own:",
    then_as: "then be one of the officers:",
    try_with_dir: "With --dir DIR the training network stays, to go on by hand.",
};

static SPANISH: Words = Words {
    setting_up: "Dos autoridades crean sus claves y se reconocen como red …",
    authorities: "{0} ({1}) y {2} ({3}) tienen cada una su servidor: dos procesos en esta máquina.",
    works_for: "  {0} trabaja en {1}.",
    opens: "{0} abre un canal del caso: «{1}».",
    admits: "{0} admite a {1} y a {2}.",
    writes: "{0} escribe: «{1}»",
    read_by: "  {0} lo lee.",
    closes_laptop: "{0} cierra el portátil.",
    relay_killed: "El servidor de {0} se cae. Todos siguen escribiendo.",
    waiting: "  Queda en el dispositivo: en cola, todavía no aceptada.",
    relay_back: "El servidor vuelve, y todos leen lo que esperaba.",
    opens_laptop: "{0} abre de nuevo el portátil y no se ha perdido nada.",
    intruders: "Tres intrusos lo intentan: una autoridad que no es de la red; alguien que se hace \
                pasar por {0} con un certificado hecho con la clave de {1}; y {2}, de la red, pero \
                no del canal.",
    refused: "  Ninguno entra.",
    measuring: "{0} notas van de una autoridad a la otra, una por una …",
    revokes: "El registro revoca a {0}, que está en línea en este momento.",
    cut: "  La conexión se corta, y no hay otra.",
    searching: "Se buscan {0} textos en los archivos de los servidores, en toda escritura usual …",
    openssl: "openssl examina {0} certificados.",
    latency: "{0} notas de una autoridad a la otra, de la escritura a la llegada: \
              la mitad en {1} ms o menos, 99 de 100 en {2} ms o menos.",
    yes: "sí",
    no: "NO",
    checks: [
        "Las notas llegaron en ambos sentidos",
        "Hubo notas que esperaron al servidor caído, y llegaron",
        "Los intrusos fueron rechazados",
        "Un certificado revocado quedó fuera",
        "Todos tienen el mismo registro en el mismo orden",
        "Los servidores no guardan nada legible",
        "openssl verifica cada certificado",
    ],
    took: "Todo duró {0} s.",
    left_in: "La red de formación queda en {0}. Para seguir a mano, desde ese directorio:",
    start_relays: "arranque los servidores, cada uno en su terminal:",
    then_as: "y después sea una de las personas:",
    try_with_dir: "Con --dir DIR la red de formación se conserva, para seguir a mano.",
};

static PORTUGUESE: Words = Words {
    setting_up: "Duas autoridades criam as suas chaves e reconhecem-se como rede …",
    authorities: "{0} ({1}) e {2} ({3}) têm cada uma o seu servidor: dois processos nesta máquina.",
    works_for: "  {0} trabalha em {1}.",
    opens: "{0} abre um canal do caso: “{1}”.",
    admits: "{0} admite {1} e {2}.",
    writes: "{0} escreve: “{1}”",
    read_by: "  {0} lê.",
    closes_laptop: "{0} fecha o portátil.",
    relay_killed: "O servidor de {0} cai. Todos continuam a escrever.",
    waiting: "  Fica no dispositivo: em fila, ainda não aceite.",
    relay_back: "O servidor volta, e todos leem o que esperava.",
    opens_laptop: "{0} abre de novo o portátil e não perdeu nada.",
    intruders: "Três intrusos tentam: uma autoridade que não é da rede; alguém que se faz passar \
                por {0} com um certificado feito com a chave de {1}; e {2}, da rede, mas não do \
                canal.",
    refused: "  Nenhum entra.",
    measuring: "{0} notas vão de uma autoridade para a outra, uma a uma …",
    revokes: "O registo revoga {0}, que está em linha neste momento.",
    cut: "  A ligação é cortada, e não há outra.",
    searching: "Procuram-se {0} textos nos ficheiros dos servidores, em toda a escrita usual …",
    openssl: "openssl examina {0} certificados.",
    latency: "{0} notas de uma autoridade para a outra, da escrita à chegada: \
              metade em {1} ms ou menos, 99 em 100 em {2} ms ou menos.",
    yes: "sim",
    no: "NÃO",
    checks: [
        "As notas chegaram nos dois sentidos",
        "Houve notas que esperaram pelo servidor caído, e chegaram",
        "Os intrusos foram recusados",
        "Um certificado revogado ficou de fora",
        "Todos têm o mesmo registo na mesma ordem",
        "Os servidores não guardam nada legível",
        "openssl verifica cada certificado",
    ],
    took: "Tudo levou {0} s.",
    left_in: "A rede de formação fica em {0}. Para continuar à mão, a partir desse diretório:",
    start_relays: "arranque os servidores, cada um no seu terminal:",
    then_as: "e depois seja uma das pessoas:",
    try_with_dir: "Com --dir DIR a rede de formação fica, para continuar à mão.",
};

static FRENCH: Words = Words {
    setting_up: "Deux autorités créent leurs clés et se reconnaissent comme réseau …",
    authorities: "{0} ({1}) et {2} ({3}) ont chacune leur serveur : deux processus sur cette \
                  machine.",
    works_for: "  {0} travaille pour {1}.",
    opens: "{0} ouvre un canal de dossier : « {1} ».",
    admits: "{0} admet {1} et {2}.",
    writes: "{0} écrit : « {1} »",
    read_by: "  Lu par {0}.",
    closes_laptop: "{0} ferme son ordinateur.",
    relay_killed: "Le serveur de {0} tombe. Tous continuent d’écrire.",
    waiting: "  La note reste sur l’appareil : en attente, pas encore acceptée.",
    relay_back: "Le serveur revient, et tous lisent ce qui attendait.",
    opens_laptop: "{0} rouvre son ordinateur et n’a rien manqué.",
    intruders: "Trois intrus essaient : une autorité hors du réseau ; quelqu’un qui se fait passer \
                pour {0} avec un certificat fait avec la clé de {1} ; et {2}, du réseau, mais pas \
                du canal.",
    refused: "  Aucun n’entre.",
    measuring: "{0} notes vont d’une autorité à l’autre, une par une …",
    revokes: "Le registre révoque {0}, en ligne à cet instant.",
    cut: "  La connexion est coupée, et il n’y en a pas d’autre.",
    searching: "{0} textes sont cherchés dans les fichiers des serveurs, sous toute écriture \
                usuelle …",
    openssl: "openssl examine {0} certificats.",
    latency: "{0} notes d’une autorité à l’autre, de l’écriture à l’arrivée : \
              la moitié en {1} ms au plus, 99 sur 100 en {2} ms au plus.",
    yes: "oui",
    no: "NON",
    checks: [
        "Les notes sont arrivées dans les deux sens",
        "Des notes ont attendu le serveur tombé, et sont arrivées",
        "Les intrus ont été refusés",
        "Un certificat révoqué a été exclu",
        "Tous ont le même dossier dans le même ordre",
        "Les serveurs ne gardent rien de lisible",
        "openssl vérifie chaque certificat",
    ],
    took: "Le tout a duré {0} s.",
    left_in: "Le réseau de formation reste dans {0}. Pour continuer à la main, depuis ce \
              répertoire :",
    start_relays: "démarrez les serveurs, chacun dans son terminal :",
    then_as: "puis soyez l’une des personnes :",
    try_with_dir: "Avec --dir DIR le réseau de formation reste, pour continuer à la main.",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_filled() {
        assert_eq!(fill("{1}, {0} and {1}", &[&"a", &2]), "2, a and 2");
        assert_eq!(fill("nothing", &[&1]), "nothing");
    }

    #[test]
    fn every_language_tells_the_same() {
        let places = |words: &Words| -> Vec<usize> {
            let sentences = [
                words.authorities,
                words.works_for,
                words.opens,
                words.admits,
                words.writes,
                words.read_by,
                words.closes_laptop,
                words.relay_killed,
                words.opens_laptop,
                words.intruders,
                words.measuring,
                words.revokes,
                words.searching,
                words.openssl,
                words.latency,
                words.took,
                words.left_in,
            ];
            sentences.iter().map(|sentence| sentence.matches('{').count()).collect()
        };
        for words in [&SPANISH, &PORTUGUESE, &FRENCH] {
            assert_eq!(places(words), places(&ENGLISH));
        }
    }
}
