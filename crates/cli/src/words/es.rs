//! Español.

use enlace_channel::policy::Role;
use enlace_client::client::Level;
use enlace_client::store::ChannelStanding;

use super::{Notice, Text};

pub(super) fn say(text: Text<'_>) -> String {
    match text {
        Text::Error => "Error:".into(),
        Text::CausedBy => "Causa:".into(),
        Text::Hint => "Consejo:".into(),
        Text::Warning => "Aviso:".into(),

        Text::Officer => "Funcionario".into(),
        Text::Name => "Nombre".into(),
        Text::Device => "Dispositivo".into(),
        Text::Key => "Clave".into(),
        Text::ValidUntil => "Válido hasta".into(),
        Text::Request => "Solicitud".into(),
        Text::Channel => "Canal".into(),
        Text::OrderedBy => "Ordenado por".into(),
        Text::CaseReference => "Referencia".into(),
        Text::LegalBasis => "Base jurídica".into(),
        Text::Handling => "Tratamiento".into(),
        Text::Members => "Miembros".into(),
        Text::Comparison => "Comparación".into(),
        Text::Consents => "Consentimientos".into(),
        Text::Leads => "Responsables".into(),
        Text::Kind => "Clase".into(),
        Text::Encryption => "Cifrado".into(),
        Text::Restriction => "Restricción".into(),

        Text::DeviceMade { directory } => format!("Este dispositivo quedó creado en {directory}."),
        Text::HandRequestToRegistrar { file } => format!(
            "Entregue {file} a su registrador y léale la clave cuando se la pida.\n\
             Con lo que reciba: enlace enroll"
        ),
        Text::Enrolled { network } => {
            format!("Este dispositivo pertenece ahora a la red {network}.")
        }
        Text::SyncOnce => {
            "Ejecute `enlace sync` una vez: después sus colegas podrán admitirle.".into()
        }
        Text::RequestAtRelay => "Su solicitud está en manos de su registrador.".into(),
        Text::ReadKeyOut => "Si su registrador le llama, léale estas cifras.".into(),
        Text::EnrollAgain => {
            "Repita la misma orden más tarde; con --wait espera el certificado.".into()
        }
        Text::InvitationSpent => "La invitación ya está usada: borre su archivo.".into(),
        Text::InvitationRefused => "el servidor no acepta esta invitación".into(),
        Text::InvitationMayBeStolen => {
            "Ha vencido, se retiró, o la ha usado otro dispositivo. Si usted no la ha usado aún, avise enseguida a su registrador.".into()
        }
        Text::RelayAskedTooOften { seconds } => {
            format!("se pregunta demasiado al servidor; inténtelo de nuevo en {seconds} segundos")
        }
        Text::NotEnrolledYet => "Este dispositivo aún no tiene certificado.".into(),
        Text::ChannelOpened { title, id } => format!("Canal «{title}» abierto ({id})."),
        Text::NoChannels => "Aún no está en ningún canal.".into(),
        Text::Accepted => "Aceptado.".into(),
        Text::Queued => "En cola, aún no aceptado.".into(),
        Text::SyncSends => "`enlace sync` envía lo que está en cola.".into(),
        Text::NeverSent { reason } => format!("Esto no se enviará: {reason}"),
        Text::LinesTaken { count } => format!("Notas recibidas: {count}."),
        Text::WriteNote => "Escriba la nota y termínela con Ctrl-D en una línea aparte.".into(),

        Text::Standing(standing) => match standing {
            ChannelStanding::Creating => "aún no aceptado",
            ChannelStanding::Provisional => "aún no confirmado por otro miembro",
            ChannelStanding::Member => "miembro",
            ChannelStanding::Stranded => {
                "desacompasado: espera a que el dispositivo de otro miembro lo reincorpore"
            }
            ChannelStanding::Removed => "ya no es miembro",
        }
        .into(),
        Text::Role(role) => match role {
            Role::Owner => "titular",
            Role::Lead => "responsable",
            Role::Member => "miembro",
            Role::Guide => "guía",
            Role::Observer => "observador",
        }
        .into(),
        Text::Leaving => "se va".into(),
        Text::IsClosed => "cerrado".into(),
        Text::Forum => "foro".into(),
        Text::Suite { classic: true } => {
            "clásico: quien lo grabe hoy podrá leerlo el día que tenga un ordenador cuántico".into()
        }
        Text::Suite { classic: false } => "híbrido, a salvo de ordenadores cuánticos hasta donde se sabe".into(),
        Text::ReadableLater => {
            "Lo que se diga en este foro podrá leerlo quien lo grabe hoy y tenga algún día un ordenador cuántico.".into()
        }
        Text::InChannels { count } => format!("canales: {count}"),
        Text::StillToCome { count } => format!("por entrar: {count}"),
        Text::DeviceResumes { count } => format!(
            "Vuelve a participar, con claves nuevas, en cuanto en cada canal haya un colega conectado. Canales: {count}. Ejecute `enlace sync`."
        ),
        Text::DeviceIsNoCopy => "Este dispositivo no se restauró de una copia: participa tal como está.".into(),
        Text::CountCannotBe { seen } => format!(
            "El servidor dice haber visto {seen} mensajes de este dispositivo. No puede ser: avise al área de informática de su autoridad. No se cambió nada."
        ),
        Text::ThisDevice => "este".into(),
        Text::WaitsForConsent { officer, of } => format!("{officer}: falta el consentimiento de {of}"),
        Text::ConsentRefused { officer, by } => format!("{officer}: {by} no consiente"),
        Text::OneLead { domain } => format!("{domain} tiene un solo responsable: nombre a otro, para que el caso siga si se pierde ese dispositivo"),
        Text::NoLead { domain } => format!("{domain} no tiene responsable: el titular del canal puede nombrar responsable a uno de sus miembros"),
        Text::BatchProgress { done, all } => format!("{done} de {all}"),
        Text::BatchDone { count, admits: true } => format!("admitidos: {count}"),
        Text::BatchDone { count, admits: false } => format!("excluidos: {count}"),
        Text::BatchAlready { count, admits: true } => format!("ya estaban: {count}"),
        Text::BatchAlready { count, admits: false } => format!("no estaban en el canal: {count}"),
        Text::BatchOthers { officer } => {
            format!("{officer}: de otra autoridad; sus propios responsables admiten y excluyen a los suyos")
        }
        Text::BatchRefused { officer, reason: Some(reason) } => format!("{officer} no fue admitido: {reason}"),
        Text::BatchRefused { officer, reason: None } => {
            format!("{officer} no fue admitido: su programa tiene que ejecutarse una vez")
        }
        Text::OwnerStays { officer } => format!("{officer} es propietario del canal y no se le excluye"),
        Text::Waiting { count } => format!("{count} en cola, aún no aceptado"),
        Text::ChannelStopped { reason } => {
            format!("Este canal está en pausa: lo que envía el servidor no encaja: {reason}")
        }
        Text::ChannelNeedsNewerVersion => {
            "Este canal requiere una versión más reciente de este programa; sigue en cuanto se instale.".into()
        }

        Text::DaysKept => "Días de conservación".into(),
        Text::HeldBy => "Copias retenidas por".into(),
        Text::Question => "pregunta".into(),
        Text::Answers { place: Some(place) } => format!("responde a {place}"),
        Text::Answers { place: None } => "responde a una pregunta que no está aquí".into(),
        Text::LateAnswer { place: Some(place) } => format!("respuesta tardía a {place}, ya respondida"),
        Text::LateAnswer { place: None } => "respuesta tardía".into(),
        Text::Pins { place: Some(place) } => format!("fija {place}"),
        Text::Pins { place: None } => "fija una entrada que no está aquí".into(),
        Text::Unpins { place: Some(place) } => format!("deja de fijar {place}"),
        Text::Unpins { place: None } => "deja de fijar una entrada que no está aquí".into(),
        Text::Pinned => "fijada".into(),
        Text::AnsweredAt { place } => format!("respondida en {place}"),
        Text::NotAnswered => "aún sin respuesta".into(),
        Text::BackupWritten { file } => {
            format!("{file} contiene lo que usted ha leído y escrito, y se abre con su propia contraseña. Guarde ambos por separado.")
        }
        Text::BackupRestored { channels, entries } => {
            format!("Se recuperaron {entries} mensajes de {channels} canales.")
        }
        Text::RestoredReads => "Ya se pueden leer. Para volver a escribir, admita este dispositivo desde otro suyo (`enlace device add`), o pida a un responsable que retire el dispositivo perdido y le admita de nuevo.".into(),
        Text::WaitsForReceiver { device } => format!("Se espera a {device}. En ese dispositivo: `enlace device receive-history`."),
        Text::WaitsForSender { device } => format!("Se espera a otro dispositivo suyo. En ese dispositivo: `enlace device send-history {device}`."),
        Text::HistorySent { device } => format!("{device} ya tiene lo que tiene este dispositivo."),
        Text::HistoryOnItsWay { device } => format!("Se envió todo. Se espera a que {device} lo guarde."),
        Text::HistoryPartly { device, refused } => format!("{device} ya tiene lo que tiene este dispositivo, salvo {refused} partes que rechazó: no son lo que firmaron sus autores."),
        Text::HistoryUnconfirmed { device } => format!("se envió todo, pero {device} no ha dicho que lo haya guardado"),
        Text::LookThere => "Mire en ese dispositivo si está. Si no, envíelo de nuevo: nada llega dos veces.".into(),
        Text::DeviceNotAdded { device } => format!("no ha indicado en este dispositivo que {device} sea suyo"),
        Text::AddDevice { device } => format!("Si es suyo: `enlace device add {device}`."),
        Text::DevicesApart { device } => format!("{device} no está en ninguno de los canales en los que está este dispositivo"),
        Text::BringTogether => "Un dispositivo recién admitido entra cuando ambos se han conectado: `enlace sync` en uno y después en el otro. `enlace device list` muestra dónde están sus dispositivos.".into(),
        Text::DeviceWithOtherKey { device } => format!("{device} tiene en sus canales otra clave que la que muestra ahora"),
        Text::OtherKey { device } => format!("Puede que otra persona tenga un certificado con ese nombre: avise a su registrador. Si usted mismo ha rehecho ese dispositivo: `enlace device remove {device}`, `enlace sync` y después `enlace device add {device}`."),
        Text::OtherDeviceAway => "el otro dispositivo no respondió".into(),
        Text::OtherDeviceMidway => "el otro dispositivo está recibiendo otra cosa".into(),
        Text::BothAtOnce => "Los dos dispositivos deben estar encendidos, y las dos órdenes en marcha a la vez.".into(),
        Text::TransferRefused { why } => format!("no se ha pasado nada: {why}"),
        Text::RestoreRefused { entries } => {
            format!("{entries} mensajes de la copia no son lo que firmaron sus autores, y se dejaron fuera")
        }
        Text::ErasuresLeftOut { count } => format!("La copia dice de {count} mensajes que no contiene que se borraron. Eso se dejó fuera."),
        Text::BackupExists => "ya hay un archivo con ese nombre: una copia nunca se sobrescribe".into(),
        Text::OthersBackup { officer } => format!("esta copia es de {officer}"),
        Text::FromBackup => "de una copia de seguridad".into(),
        Text::ErasedHereAt { when } => format!("borrado aquí el {when}"),
        Text::KeptHere => "se conserva aquí".into(),
        Text::CameWithoutContent => {
            "llegó sin su contenido: según el relé, pues nadie mandó borrarlo".into()
        }
        Text::RelaysTold { by, place } => format!("{by} mandó a los relés borrarlo en {place}"),
        Text::RelaysNotTold => "no se mandó a los relés".into(),
        Text::NothingErased => "No se ha borrado nada de este canal.".into(),
        Text::CountsForNothing => "no vale: no se muestra lo que dice".into(),
        Text::WhatConfirmingMeans => {
            "Una confirmación es la palabra firmada del relé de que ya no conserva nada. Desde fuera nadie puede ver si es cierto, y ningún otro dispositivo dice qué ha borrado.".into()
        }
        Text::RelayConfirmed { authority, when, place: Some(place) } => {
            format!("{authority} lo confirmó el {when} (consta en {place})")
        }
        Text::RelayConfirmed { authority, when, place: None } => {
            format!("{authority} lo confirmó el {when}")
        }
        Text::RelayHasNotConfirmed { authority } => format!("{authority} no lo ha confirmado"),
        Text::RelayLeftBefore { authority } => {
            format!("{authority} ya había salido: conserva lo que tenía")
        }
        Text::NeedsNewerVersion => "(requiere una versión más reciente de este programa)".into(),
        Text::CorrectedAt { place } => format!("corregido en {place}"),
        Text::Corrects { place: Some(place) } => format!("corrige {place}"),
        Text::Corrects { place: None } => "corrige algo que no está aquí".into(),
        Text::WithdrawnAt { place } => format!("retirado en {place}"),
        Text::Withdraws { place: Some(place) } => format!("retira {place}"),
        Text::Withdraws { place: None } => "retira algo que no está aquí".into(),
        Text::ErasedExpired => "borrado aquí: terminó el plazo de conservación".into(),

        Text::AllInAndOut => "Todo recibido y todo enviado.".into(),
        Text::NotCaughtUp => "Aún no ha llegado todo.".into(),
        Text::Connected => "Conectado.".into(),
        Text::Disconnected => "Conexión perdida.".into(),
        Text::NewNote { title } => format!("Novedad en «{title}»"),
        Text::RelayOutOfReach { why } => format!("no se alcanza el servidor: {why}"),
        Text::DoctorHelps => "`enlace doctor` busca la causa.".into(),

        Text::Level(level) => match level {
            Level::Good => "bien",
            Level::Warning => "aviso",
            Level::Problem => "problema",
        }
        .into(),
        Text::Problems { count } => format!("Lo que lo impide: {count}."),
        Text::AllWell => "Nada lo impide.".into(),

        Text::PassphraseOf { what } => format!("Contraseña de {what}: "),
        Text::NewPassphraseOf { what } => format!("Contraseña nueva de {what}: "),
        Text::Again => "Otra vez la misma: ".into(),
        Text::BundleHash => "La huella de la red, tal como se la dijeron: ".into(),

        Text::NoProfile { directory } => format!("no hay ningún dispositivo suyo en {directory}"),
        Text::MakeProfile => "Créelo con `enlace init`, o indique otro lugar con --profile.".into(),
        Text::AskRegistrar => {
            "Su registrador le envía el certificado; después: enlace enroll".into()
        }
        Text::WrongHash { found, told } => {
            format!("la huella del archivo de la red es {found}, y no {told}")
        }
        Text::CompareHash => "Si la tecleó mal, tecléela otra vez. Si no, no siga: alguien pudo cambiar el archivo. Pregunte a quien lo envió y a quien le dijo la huella.".into(),
        Text::NoCertificate => {
            "el archivo indicado con --certificate no contiene ningún certificado de un registrador".into()
        }
        Text::CertificateFile => {
            "Es el archivo .pem que le envió su registrador, no la solicitud (.csr).".into()
        }
        Text::AskRightFile => "Pida a su registrador el archivo correcto.".into(),
        Text::EnrolAgain => {
            "`enlace enroll` vuelve a escribir este archivo, con lo que le envió su registrador.".into()
        }
        Text::WrongPassphrase => "la contraseña no es correcta".into(),
        Text::PassphrasesDiffer => "las dos contraseñas no coinciden".into(),
        Text::PassphraseTooShort { characters } => {
            format!("la contraseña tiene menos de {characters} caracteres")
        }
        Text::GoodPassphrase => "Cinco o seis palabras al azar hacen una buena.".into(),
        Text::NoSuchChannel { name } => format!("ningún canal suyo se llama «{name}»"),
        Text::SeveralChannels { name } => format!("«{name}» puede ser varios canales"),
        Text::ListChannels => "`enlace channel list` los muestra todos.".into(),
        Text::NoLongerMember => "ya no es miembro de este canal".into(),
        Text::ObserversOnlyRead => "como observador puede leer, no escribir".into(),
        Text::ChannelClosed => "este caso está cerrado: se puede leer, y ya no se escribe".into(),
        Text::NobodyEntersClosed => "este caso está cerrado: ya no entra nadie".into(),
        Text::OwnerRaisesRules => "solo quien es titular del canal lo pasa a reglas más nuevas".into(),
        Text::NewestRules => "el canal ya sigue las reglas más nuevas que conoce este programa".into(),
        Text::ProgramsBehind { devices } => {
            format!("estos dispositivos necesitan antes una versión más reciente del programa: {devices}")
        }
        Text::OwnerCloses => "solo quien es titular del canal cierra un caso, y lo reabre".into(),
        Text::OwnerExpels => {
            "solo quien es titular excluye a una autoridad del canal, y no a la propia".into()
        }
        Text::NobodyAgrees => "no hay bastantes responsables que puedan consentir: aparte de su autoridad y de la que ha de salir, más de la mitad de las autoridades del canal necesita uno".into(),
        Text::MoveAsked { domain } => format!("Su voto a favor del servidor de {domain} está emitido. Vale hasta que el canal se haya trasladado o usted lo retire con --cancel."),
        Text::MoveCancelled => "Su voto queda retirado.".into(),
        Text::MoveOrderedBy { domain } => format!("El servidor de {domain} ordena este canal."),
        Text::MoveVotes { domain, voters } => format!("A favor del servidor de {domain}: {voters}"),
        Text::MoveNeeds { count, missing } => format!("faltan responsables de {count} de estas autoridades: {missing}"),
        Text::MoveComes => "Es suficiente: su servidor se hará cargo en cuanto lo sepa.".into(),
        Text::NobodyMoves => "Nadie ha votado por otro servidor.".into(),
        Text::AlreadyOrdered { domain } => format!("el servidor de {domain} ya ordena este canal"),
        Text::NotAskedToMove => "usted no ha votado por otro servidor".into(),
        Text::ExpelsHub { domain } => format!("El servidor de {domain} ordena este canal y puede retener el cambio. El canal sigue sin él si responsables de la mayoría de las autoridades votan por otro: enlace channel move CANAL --to DOMINIO"),
        Text::AuthorityNotThere { domain } => format!("{domain} no tiene a nadie en este canal"),
        Text::OwnerRenews => {
            "solo quien es titular renueva las claves de todo el canal; si nadie puede seguir, también un responsable, con --poisoned".into()
        }
        Text::FormerDevice { device } => format!("{device} tiene una dirección que era la suya antes: dígalo en él, y nombre este dispositivo"),
        Text::OthersDevice { device } => format!("{device} no es un dispositivo suyo"),
        Text::DeviceInUse => "este es el dispositivo que está usando: salga de los canales, o use otro".into(),
        Text::ReopenIt => "Quien es titular puede reabrirlo: `enlace channel reopen`.".into(),
        Text::NotAsked { officer } => format!("nadie ha pedido un consentimiento sobre {officer}"),
        Text::MandateRefused { why } => format!("este mandato no vale: {why}"),
        Text::MandateElsewhere => "este mandato es para otro canal".into(),
        Text::HasLead { domain } => format!("{domain} tiene responsable en este canal: no hace falta un sustituto"),
        Text::NotEntitled => {
            "solo puede hacerlo un responsable de la autoridad o el titular del canal".into()
        }
        Text::OwnerCannotLeave => "el titular de un canal no puede irse".into(),
        Text::HandOwnershipOn => {
            "Traspáselo antes: enlace channel role CANAL NOMBRE@DOMINIO owner".into()
        }
        Text::NoSuchAuthority { domain } => format!("{domain} no es una autoridad de esta red"),
        Text::NotInChannel { officer } => format!("{officer} no está en este canal"),
        Text::AlreadyInChannel { officer } => format!("{officer} ya está en este canal"),
        Text::NotAForum => "este canal no es un foro".into(),
        Text::OnlyGuidesPublish => {
            "en un foro publican, responden y fijan los guías, los responsables y el titular".into()
        }
        Text::AskInstead => "Pregunte con: enlace ask".into(),
        Text::NoQuestionThere => "la entrada de ese lugar no es una pregunta".into(),
        Text::AnsweredAlready { place } => {
            format!("esta pregunta ya está respondida, en el lugar {place}")
        }
        Text::IdUsed => "con este --id se envió otra cosa".into(),
        Text::NoEntryThere => "no hay nada escrito en ese lugar".into(),
        Text::OthersEntry => "esto no lo escribió usted: solo su autor lo corrige o lo retira".into(),
        Text::EntryStands => "esto no se puede corregir ni retirar".into(),
        Text::WithdrawnAlready => "esto ya está retirado".into(),
        Text::EmptyNote => "la nota está vacía".into(),
        Text::RestrictionGoesWithH3 => {
            "H3, y ningún otro código, lleva una restricción en palabras (--restriction)".into()
        }

        Text::Notice(notice) => say_notice(notice),
    }
}

fn say_notice(notice: &Notice<'_>) -> String {
    let role_of = |role: Role| say(Text::Role(role));
    match *notice {
        Notice::Joined { by } => format!("{by} le admitió."),
        Notice::PutBack { by } => {
            format!("Este dispositivo vuelve a estar al día; se encargó el dispositivo de {by}.")
        }
        Notice::HistoryShared { by, entries } => {
            format!("El dispositivo de {by} envió lo que faltaba en este: {entries} mensajes.")
        }
        Notice::BackRequested { device, guilty: Some(guilty) } => {
            format!("{device} dice que un cambio de {guilty} lo dejó fuera. Otros lo reincorporan.")
        }
        Notice::BackRequested { device, guilty: None } => {
            format!("{device} dice que quedó fuera. Otros lo reincorporan.")
        }
        Notice::DevicePutBack { device, by } => {
            format!("{device} vuelve a estar al día; se encargó el dispositivo de {by}.")
        }
        Notice::ReadableLater => say(Text::ReadableLater),
        Notice::Confirmed => "El mensaje de otro miembro confirmó este canal.".into(),
        Notice::Admitted { by, officer, role } => {
            format!("{by} admitió a {officer} como {}.", role_of(role))
        }
        Notice::RemovedOther { by, officer } => format!("{by} retiró a {officer}."),
        Notice::Left { officer } => format!("{officer} se fue."),
        Notice::RemovedRevoked { by, officer } => format!(
            "{officer} queda fuera: su autoridad revocó el certificado, y el dispositivo de {by} lo \
             cumplió."
        ),
        Notice::RemovedSuspended { by, officer } => format!(
            "{officer} está suspendido, y queda fuera hasta que se levante la suspensión; el \
             dispositivo de {by} lo cumplió."
        ),
        Notice::Returned { officer } => {
            format!("{officer} vuelve al canal: la suspensión terminó.")
        }
        Notice::RoleChanged { by, officer, role } => {
            format!("{by} cambió la función de {officer} a {}.", role_of(role))
        }
        Notice::AsksForAuthority { by, officer } => format!(
            "{by} pide el consentimiento de su autoridad: {officer} entra como primer responsable de otra autoridad."
        ),
        Notice::AsksForExpulsion { by, authority } => {
            format!(
                "{by} le pide su acuerdo para excluir del canal a {authority}, con todo su personal: `enlace channel consent` o `refuse`."
            )
        }
        Notice::AsksForOwner { by, officer } => format!(
            "{by} pide el consentimiento de su autoridad: {officer} pasa a ser titular, porque el titular ha perdido sus dispositivos."
        ),
        Notice::Consents { by, officer } => format!("{by} consiente por su autoridad: {officer}."),
        Notice::Refuses { by, officer } => {
            format!("{by} no consiente por su autoridad: {officer}.")
        }
        Notice::KeysRenewed { by } => format!("{by} renovó las claves del dispositivo."),
        Notice::AddressChanged { former, officer } => {
            format!("{former} tiene ahora otra dirección: {officer}.")
        }
        Notice::DeviceAdded { device, by } => format!("{by} admitió otro dispositivo: {device}."),
        Notice::DeviceRemoved { device, by } => format!("{by} retiró un dispositivo: {device}."),
        Notice::DeviceRevoked { device } => {
            format!("{device} queda fuera del canal: su certificado fue revocado.")
        }
        Notice::DeviceSuspended { device } => {
            format!("{device} está suspendido, y queda fuera del canal hasta que se levante.")
        }
        Notice::Closed { by } => format!("{by} cerró el caso."),
        Notice::Reopened { by } => format!("{by} reabrió el caso."),
        Notice::Founded { by } => {
            format!("{by} renovó las claves de todo el canal. Todo sigue igual.")
        }
        Notice::Expelled { by, authority } => {
            format!(
                "{by} excluyó del canal a {authority}, con el acuerdo de las demás autoridades."
            )
        }
        Notice::LeftOut { by } => {
            format!(
                "{by} sigue en este canal sin su autoridad. Si las demás están de acuerdo, usted queda fuera; lo que ya tiene se puede seguir leyendo."
            )
        }
        Notice::FoundedAgain { by } => {
            format!(
                "{by} renovó las claves de todo el canal, porque con las anteriores nadie podía seguir leyendo."
            )
        }
        Notice::BundleChanged { version } => {
            format!("El canal sigue la versión {version} de la lista de autoridades de la red.")
        }
        Notice::RemovedDropped { officer } => {
            format!(
                "{officer} ya no está: la lista de autoridades de la red no responde más por el certificado de su dispositivo."
            )
        }
        Notice::RulesRaised { by } => {
            format!("{by} pasó el canal a reglas más nuevas, que conocen todos sus programas.")
        }
        Notice::PolicyChanged { by } => format!("{by} cambió los datos del canal."),
        Notice::VoidChange { by, reason } => {
            format!("Un cambio de {by} incumplió las reglas y no tuvo efecto: {reason}")
        }
        Notice::Unreadable { by, reason } => {
            format!("Un mensaje de {by} no se pudo leer: {reason}")
        }
        Notice::NotTheirs { by, place } => {
            format!(
                "{by} quiso corregir o retirar lo escrito en {place}, que es de otra persona: no ha cambiado nada."
            )
        }
        Notice::FalseConfirmation { by, reason } => {
            format!("{by} hizo constar una confirmación que no vale nada: {reason}")
        }
        Notice::WithoutContent { by } => {
            format!(
                "Algo que escribió {by} llegó sin su contenido, y hasta donde llega este registro nadie mandó borrarlo: un relé lo retiene, o se mandó después."
            )
        }
        Notice::ErasedUnread { author, by, place } => {
            format!(
                "Lo escrito por {author} en {place} se borró antes de leerse aquí: lo mandó {by}."
            )
        }
        Notice::HoldPlaced { by, authority } => {
            format!(
                "{authority} conserva sus copias, aunque algo se retire o venza su plazo ({by})."
            )
        }
        Notice::HoldLifted { by, authority } => {
            format!("{authority} ya no retiene sus copias: allí se borra lo que se retiró ({by}).")
        }
        Notice::Expired { entries } => {
            format!(
                "Terminó el plazo por el que su autoridad conserva este caso: aquí se borraron {entries} mensajes."
            )
        }
        Notice::Restored { entries } => {
            format!("{entries} mensajes vienen de una copia de seguridad.")
        }
        Notice::LeaveRequested { by } => format!("{by} pidió irse."),
        Notice::Contested { by } => format!("{by} se opuso a un cambio."),
        Notice::Removed { by } => format!("{by} le retiró de este canal."),
        Notice::Stranded { by, may_rescue } => {
            let rescue = if may_rescue {
                " Si no llegó a nadie, `enlace channel renew CASO --poisoned` da claves nuevas a todos."
            } else {
                ""
            };
            let told = format!(
                "Un cambio de {by} no llegó a este dispositivo. No puede escribir hasta que el \
             dispositivo de otro miembro lo reincorpore, lo que ocurre por sí solo; lo que usted \
             escriba espera."
            );
            told + rescue
        }
        Notice::Resumed => "Este dispositivo vuelve a poder leer.".into(),
        Notice::NeedsNewerVersion => {
            "Algo requiere una versión más reciente de este programa.".into()
        }
        Notice::FalseQuote { by } => {
            format!("{by} afirma haber visto mensajes que el servidor nunca firmó.")
        }
        Notice::Fork { hub } => format!(
            "El servidor de {hub} firmó dos historias distintas de este canal. Avise a su \
             autoridad, y a los demás miembros por otra vía."
        ),
        Notice::MoveWanted { by, from, to } => format!(
            "{by} quiere que el servidor de {to} ordene este canal en lugar del de {from}. Para aceptar: `enlace channel move CANAL --to {to}`."
        ),
        Notice::Moved { from, to } => format!(
            "El servidor de {to} ordena ahora este canal, ya no el de {from}, como quieren responsables de la mayoría de las autoridades. Nada más ha cambiado."
        ),
        Notice::HubDropped { hub } => format!(
            "{hub}, cuyo servidor ordena este canal, ya no está en la red. Los responsables deben dejar que lo ordene el servidor de otra autoridad: `enlace channel move CANAL --to DOMINIO`."
        ),
        Notice::HubBeganAnew { hub, brought_back, lost } => {
            let what = match (lost, brought_back) {
                (true, _) => {
                    "fue restaurado desde una copia antigua y le faltan mensajes que nadie \
                     pudo devolverle"
                }
                (false, true) => {
                    "fue restaurado desde una copia antigua; los miembros le devolvieron \
                     lo que faltaba"
                }
                (false, false) => "se interrumpió y continúa; no se sabe que falte nada",
            };
            format!("El servidor de {hub} {what}.")
        }
        Notice::SetBack { entries, is_stranded } => {
            let then = if is_stranded {
                " Este dispositivo no puede escribir hasta que se le vuelva a admitir."
            } else {
                ""
            };
            format!(
                "El servidor perdió {entries} mensajes que este dispositivo ya tenía. Los suyos se \
                 envían de nuevo; los demás siguen guardados aquí.{then}"
            )
        }
        Notice::Stopped { reason } => {
            format!("Lo que envía el servidor no encaja y el canal queda en pausa: {reason}")
        }
        Notice::WelcomeRefused { reason } => format!("Se rechazó una invitación: {reason}"),
        Notice::NotDone { reason } => format!("Algo que pidió no puede hacerse: {reason}"),
        Notice::NotAdmitted { officers, reason: Some(reason) } => {
            format!("{officers}: sin admitir, por {reason}")
        }
        Notice::NotAdmitted { officers, reason: None } => {
            format!("{officers}: sin admitir; sus programas tienen que ejecutarse una vez.")
        }
        Notice::NoKeyPackage { officer } => {
            format!("{officer} podrá ser admitido en cuanto su programa se haya conectado una vez.")
        }
        Notice::SnapshotRestored => {
            "Este dispositivo se restauró de una copia. Sigue leyendo y no escribe nada. Si lo \
             restauró usted, ejecute `enlace device resume`. Si no, alguien lo ha copiado: avise \
             enseguida a su registrador."
                .into()
        }
    }
}
