//! French.

use super::Words;

pub(super) static FRENCH: Words = Words {
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
    lets_in: "{0} admet {1} dans le canal.",
    taken_out: "  Personne ne fait rien, et l’appareil de {1} retire {0} du canal.",
    second_device: "{0} a aussi un téléphone, et l’admet depuis l’ordinateur.",
    second_reads: "  Il lit ce qui s’écrit à partir de là.",
    closes_case: "{0} clôt l’affaire.",
    stays_to_be_read: "  Chacun lit encore, et plus personne n’écrit.",
    searching: "{0} textes sont cherchés dans les fichiers des serveurs, sous toute écriture \
                usuelle …",
    openssl: "openssl examine {0} certificats.",
    latency: "{0} notes d’une autorité à l’autre, de l’écriture à l’arrivée : \
              la moitié en {1} ms au plus, 99 sur 100 en {2} ms au plus.",
    yes: "oui",
    no: "NON",
    checks: [
        "Les notes sont arrivées dans les deux sens",
        "Un second appareil lit",
        "Des notes ont attendu le serveur tombé, et sont arrivées",
        "Les intrus ont été refusés",
        "Un certificat révoqué a été exclu",
        "L’appareil révoqué est sorti du canal de lui-même",
        "Tous ont le même dossier dans le même ordre",
        "L’affaire close ne peut plus qu’être lue",
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
