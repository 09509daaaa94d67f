//! What the officers of the demonstration say. All of it is invented.

pub(super) const TITLE: &str = "Caso Ñandú: transporte Asunción–Lisboa";
pub(super) const CASE_REFERENCE: &str = "DIP-214/2026-TP";
pub(super) const LEGAL_BASIS: &str = "Convención de Palermo, artículo 18; Protocolo, artículo 10";

/// The first officer of the first authority.
pub(super) const ANA_TELLS: &str =
    "La testigo V-07 llega el jueves a Lisboa; el vuelo sale de Asunción a las 23:40.";
/// The officer of the second authority.
pub(super) const BEATRIZ_ANSWERS: &str =
    "Recebido. A magistrada de ligação espera no aeroporto e trata da proteção da testemunha.";

/// Written when an officer has a second device.
pub(super) const BEATRIZ_ASKS: &str =
    "Quem acompanha a testemunha V-07 até ao avião, e com que documento viaja?";

/// Written while the relay is down.
pub(super) const BEATRIZ_GOES_ON: &str =
    "O telefone terminado em 4417 voltou a ligar esta manhã; já pedimos a preservação dos dados.";
pub(super) const ANA_GOES_ON: &str =
    "El segundo teléfono está a nombre de la agencia; mañana pedimos el registro de llamadas.";

/// Written when the case is closed already.
pub(super) const TOO_LATE: &str = "Una cosa más: el testigo llamó de nuevo.";

/// Written to measure the time.
pub(super) fn measured_note(number: usize) -> String {
    format!("Seguimiento {number}: sin novedad en la dirección de la calle Ibáñez 23.")
}
