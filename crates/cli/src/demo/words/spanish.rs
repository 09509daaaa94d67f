//! Spanish.

use super::Words;

pub(super) static SPANISH: Words = Words {
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
    lets_in: "{0} admite a {1} en el canal.",
    taken_out: "  Nadie hace nada, y el dispositivo de {1} retira a {0} del canal.",
    second_device: "{0} tiene además un teléfono, y lo admite desde el portátil.",
    second_reads: "  Lee lo que se escribe desde entonces.",
    closes_case: "{0} cierra el caso.",
    stays_to_be_read: "  Todos siguen leyendo, y nadie escribe.",
    searching: "Se buscan {0} textos en los archivos de los servidores, en toda escritura usual …",
    openssl: "openssl examina {0} certificados.",
    latency: "{0} notas de una autoridad a la otra, de la escritura a la llegada: \
              la mitad en {1} ms o menos, 99 de 100 en {2} ms o menos.",
    yes: "sí",
    no: "NO",
    checks: [
        "Las notas llegaron en ambos sentidos",
        "Un segundo dispositivo lee",
        "Hubo notas que esperaron al servidor caído, y llegaron",
        "Los intrusos fueron rechazados",
        "Un certificado revocado quedó fuera",
        "El dispositivo revocado salió solo del canal",
        "Todos tienen el mismo registro en el mismo orden",
        "El caso cerrado solo se puede leer",
        "Los servidores no guardan nada legible",
        "openssl verifica cada certificado",
    ],
    took: "Todo duró {0} s.",
    left_in: "La red de formación queda en {0}. Para seguir a mano, desde ese directorio:",
    start_relays: "arranque los servidores, cada uno en su terminal:",
    then_as: "y después sea una de las personas:",
    try_with_dir: "Con --dir DIR la red de formación se conserva, para seguir a mano.",
};
