//! Portuguese.

use super::Words;

pub(super) static PORTUGUESE: Words = Words {
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
    lets_in: "{0} admite {1} no canal.",
    taken_out: "  Ninguém faz nada, e o dispositivo de {1} retira {0} do canal.",
    second_device: "{0} também tem um telefone, e admite-o a partir do portátil.",
    second_reads: "  Lê o que se escreve a partir daí.",
    closes_case: "{0} encerra o caso.",
    stays_to_be_read: "  Todos continuam a ler, e ninguém escreve.",
    searching: "Procuram-se {0} textos nos ficheiros dos servidores, em toda a escrita usual …",
    openssl: "openssl examina {0} certificados.",
    latency: "{0} notas de uma autoridade para a outra, da escrita à chegada: \
              metade em {1} ms ou menos, 99 em 100 em {2} ms ou menos.",
    yes: "sim",
    no: "NÃO",
    checks: [
        "As notas chegaram nos dois sentidos",
        "Um segundo dispositivo lê",
        "Houve notas que esperaram pelo servidor caído, e chegaram",
        "Os intrusos foram recusados",
        "Um certificado revogado ficou de fora",
        "O dispositivo revogado saiu sozinho do canal",
        "Todos têm o mesmo registo na mesma ordem",
        "O caso encerrado só pode ser lido",
        "Os servidores não guardam nada legível",
        "openssl verifica cada certificado",
    ],
    took: "Tudo levou {0} s.",
    left_in: "A rede de formação fica em {0}. Para continuar à mão, a partir desse diretório:",
    start_relays: "arranque os servidores, cada um no seu terminal:",
    then_as: "e depois seja uma das pessoas:",
    try_with_dir: "Com --dir DIR a rede de formação fica, para continuar à mão.",
};
