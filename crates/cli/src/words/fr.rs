//! Français.

use enlace_channel::policy::Role;
use enlace_client::client::Level;
use enlace_client::store::ChannelStanding;

use super::{Notice, Text};

pub(super) fn say(text: Text<'_>) -> String {
    match text {
        Text::Error => "Erreur :".into(),
        Text::CausedBy => "Cause :".into(),
        Text::Hint => "Conseil :".into(),
        Text::Warning => "Attention :".into(),

        Text::Officer => "Agent".into(),
        Text::Name => "Nom".into(),
        Text::Device => "Appareil".into(),
        Text::Key => "Clé".into(),
        Text::ValidUntil => "Valable jusqu'au".into(),
        Text::Request => "Demande".into(),
        Text::Channel => "Canal".into(),
        Text::OrderedBy => "Ordonné par".into(),
        Text::CaseReference => "Référence".into(),
        Text::LegalBasis => "Base juridique".into(),
        Text::Handling => "Traitement".into(),
        Text::Members => "Membres".into(),
        Text::Comparison => "Comparaison".into(),
        Text::Consents => "Accords".into(),
        Text::Leads => "Responsables".into(),
        Text::Kind => "Genre".into(),
        Text::Encryption => "Chiffrement".into(),
        Text::Restriction => "Restriction".into(),

        Text::DeviceMade { directory } => format!("Cet appareil a été créé dans {directory}."),
        Text::HandRequestToRegistrar { file } => format!(
            "Remettez {file} à votre officier d'enregistrement et lisez-lui la clé à sa demande.\n\
             Avec ce que vous recevrez : enlace enroll"
        ),
        Text::Enrolled { network } => {
            format!("Cet appareil fait désormais partie du réseau {network}.")
        }
        Text::SyncOnce => {
            "Lancez `enlace sync` une fois : vos collègues pourront ensuite vous admettre.".into()
        }
        Text::RequestAtRelay => "Votre demande est chez votre officier d'enregistrement.".into(),
        Text::ReadKeyOut => {
            "Si votre officier d'enregistrement vous appelle, lisez-lui ces chiffres.".into()
        }
        Text::EnrollAgain => {
            "Répétez la même commande plus tard ; avec --wait, elle attend le certificat.".into()
        }
        Text::InvitationSpent => "L'invitation est utilisée : supprimez son fichier.".into(),
        Text::InvitationRefused => "le serveur n'accepte pas cette invitation".into(),
        Text::InvitationMayBeStolen => {
            "Elle a expiré, a été retirée, ou un autre appareil l'a utilisée. Si vous ne l'avez pas encore utilisée, prévenez tout de suite votre officier d'enregistrement.".into()
        }
        Text::RelayAskedTooOften { seconds } => {
            format!("le serveur est trop sollicité ; réessayez dans {seconds} secondes")
        }
        Text::NotEnrolledYet => "Cet appareil n'a pas encore de certificat.".into(),
        Text::ChannelOpened { title, id } => format!("Canal « {title} » ouvert ({id})."),
        Text::NoChannels => "Vous n'êtes encore dans aucun canal.".into(),
        Text::Accepted => "Accepté.".into(),
        Text::Queued => "En attente, pas encore accepté.".into(),
        Text::SyncSends => "`enlace sync` envoie ce qui est en attente.".into(),
        Text::NeverSent { reason } => format!("Ceci ne sera pas envoyé : {reason}"),
        Text::LinesTaken { count } => format!("Notes prises : {count}."),
        Text::WriteNote => "Écrivez la note et terminez par Ctrl-D sur une ligne à part.".into(),

        Text::Standing(standing) => match standing {
            ChannelStanding::Creating => "pas encore accepté",
            ChannelStanding::Provisional => "pas encore confirmé par un autre membre",
            ChannelStanding::Member => "membre",
            ChannelStanding::Stranded => "décalé : attend que l'appareil d'un autre membre le ramène",
            ChannelStanding::Removed => "n'est plus membre",
        }
        .into(),
        Text::Role(role) => match role {
            Role::Owner => "titulaire",
            Role::Lead => "responsable",
            Role::Member => "membre",
            Role::Guide => "guide",
            Role::Observer => "observateur",
        }
        .into(),
        Text::Leaving => "sur le départ".into(),
        Text::IsClosed => "close".into(),
        Text::Forum => "forum".into(),
        Text::Suite { classic: true } => {
            "classique : qui l’enregistre aujourd’hui pourra le lire le jour où il aura un ordinateur quantique".into()
        }
        Text::Suite { classic: false } => "hybride, à l’abri des ordinateurs quantiques autant qu’on le sache".into(),
        Text::ReadableLater => {
            "Ce qui se dit dans ce forum pourra être lu par qui l’enregistre aujourd’hui et aura un jour un ordinateur quantique.".into()
        }
        Text::InChannels { count } => format!("canaux : {count}"),
        Text::StillToCome { count } => format!("à venir : {count}"),
        Text::DeviceResumes { count } => format!(
            "Il participe de nouveau, avec de nouvelles clés, dès qu’un collègue de chaque canal est connecté. Canaux : {count}. Lancez `enlace sync`."
        ),
        Text::DeviceIsNoCopy => "Cet appareil n’a pas été restauré d’une copie : il participe tel quel.".into(),
        Text::CountCannotBe { seen } => format!(
            "Le relais dit avoir vu {seen} messages de cet appareil. C’est impossible : prévenez l’informatique de votre autorité. Rien n’a été changé."
        ),
        Text::ThisDevice => "celui-ci".into(),
        Text::WaitsForConsent { officer, of } => format!("{officer} : il manque l'accord de {of}"),
        Text::ConsentRefused { officer, by } => format!("{officer} : {by} refuse"),
        Text::OneLead { domain } => format!("{domain} n'a qu'un responsable : nommez-en un second, pour que l'affaire continue si cet appareil est perdu"),
        Text::NoLead { domain } => format!("{domain} n'a pas de responsable : le titulaire du canal peut en nommer un parmi ses membres"),
        Text::BatchProgress { done, all } => format!("{done} sur {all}"),
        Text::BatchDone { count, admits: true } => format!("admis : {count}"),
        Text::BatchDone { count, admits: false } => format!("exclus : {count}"),
        Text::BatchAlready { count, admits: true } => format!("déjà présents : {count}"),
        Text::BatchAlready { count, admits: false } => format!("absents du canal : {count}"),
        Text::BatchOthers { officer } => {
            format!("{officer} : d'une autre autorité ; ses propres responsables admettent et excluent")
        }
        Text::BatchRefused { officer, reason: Some(reason) } => format!("{officer} n'a pas été admis : {reason}"),
        Text::BatchRefused { officer, reason: None } => {
            format!("{officer} n'a pas été admis : son programme doit tourner une fois")
        }
        Text::OwnerStays { officer } => format!("{officer} est propriétaire du canal et n'est pas exclu"),
        Text::Waiting { count } => format!("{count} en attente, pas encore accepté"),
        Text::ChannelStopped { reason } => {
            format!("Ce canal est en pause : ce que le serveur envoie ne concorde pas : {reason}")
        }
        Text::ChannelNeedsNewerVersion => {
            "Ce canal demande une version plus récente de ce programme ; il reprend dès qu'elle est installée.".into()
        }

        Text::DaysKept => "Jours de conservation".into(),
        Text::HeldBy => "Copies retenues par".into(),
        Text::Question => "question".into(),
        Text::Answers { place: Some(place) } => format!("répond à {place}"),
        Text::Answers { place: None } => "répond à une question qui n’est pas ici".into(),
        Text::LateAnswer { place: Some(place) } => format!("réponse tardive à {place}, déjà répondue"),
        Text::LateAnswer { place: None } => "réponse tardive".into(),
        Text::Pins { place: Some(place) } => format!("épingle {place}"),
        Text::Pins { place: None } => "épingle une entrée qui n’est pas ici".into(),
        Text::Unpins { place: Some(place) } => format!("désépingle {place}"),
        Text::Unpins { place: None } => "désépingle une entrée qui n’est pas ici".into(),
        Text::Pinned => "épinglée".into(),
        Text::AnsweredAt { place } => format!("réponse à la place {place}"),
        Text::NotAnswered => "pas encore de réponse".into(),
        Text::BackupWritten { file } => {
            format!("{file} contient ce que vous avez lu et écrit, et s’ouvre avec sa propre phrase de passe. Gardez les deux séparément.")
        }
        Text::BackupRestored { channels, entries } => {
            format!("{entries} messages de {channels} canaux ont été récupérés.")
        }
        Text::RestoredReads => "Ils peuvent être lus tout de suite. Pour écrire de nouveau, admettez cet appareil depuis un autre des vôtres (`enlace device add`), ou demandez à un responsable de retirer l’appareil perdu et de vous réadmettre.".into(),
        Text::WaitsForReceiver { device } => format!("En attente de {device}. Sur cet appareil : `enlace device receive-history`."),
        Text::WaitsForSender { device } => format!("En attente d’un autre de vos appareils. Sur cet appareil : `enlace device send-history {device}`."),
        Text::HistorySent { device } => format!("{device} a maintenant ce qu’a cet appareil."),
        Text::HistoryOnItsWay { device } => format!("Tout a été envoyé. En attente que {device} l’enregistre."),
        Text::HistoryPartly { device, refused } => format!("{device} a maintenant ce qu’a cet appareil, sauf {refused} parties qu’il a refusées : elles ne sont pas ce que leurs auteurs ont signé."),
        Text::HistoryUnconfirmed { device } => format!("tout a été envoyé, mais {device} n’a pas dit l’avoir enregistré"),
        Text::LookThere => "Regardez sur cet appareil si tout y est. Sinon, envoyez de nouveau : rien n’arrive deux fois.".into(),
        Text::DeviceNotAdded { device } => format!("vous n’avez pas indiqué sur cet appareil que {device} est à vous"),
        Text::AddDevice { device } => format!("S’il est à vous : `enlace device add {device}`."),
        Text::DevicesApart { device } => format!("{device} n’est dans aucun des canaux où est cet appareil"),
        Text::BringTogether => "Un appareil que vous venez d’admettre entre une fois que les deux se sont connectés : `enlace sync` sur l’un, puis sur l’autre. `enlace device list` montre où sont vos appareils.".into(),
        Text::DeviceWithOtherKey { device } => format!("{device} a dans vos canaux une autre clé que celle qu’il présente maintenant"),
        Text::OtherKey { device } => format!("Quelqu’un d’autre a peut-être un certificat à ce nom : prévenez votre registraire. Si vous avez refait cet appareil vous-même : `enlace device remove {device}`, `enlace sync`, puis `enlace device add {device}`."),
        Text::OtherDeviceAway => "l’autre appareil n’a pas répondu".into(),
        Text::OtherDeviceMidway => "l’autre appareil est en train de recevoir autre chose".into(),
        Text::BothAtOnce => "Les deux appareils doivent être allumés, et les deux commandes en cours en même temps.".into(),
        Text::TransferRefused { why } => format!("rien n’a été transmis : {why}"),
        Text::RestoreRefused { entries } => {
            format!("{entries} messages de la sauvegarde ne sont pas ce que leurs auteurs ont signé, et ont été laissés de côté")
        }
        Text::ErasuresLeftOut { count } => format!("La sauvegarde dit de {count} messages qu’elle ne contient pas qu’ils ont été effacés. Cela a été laissé de côté."),
        Text::BackupExists => "il y a déjà un fichier de ce nom : une sauvegarde n’est jamais écrasée".into(),
        Text::OthersBackup { officer } => format!("cette sauvegarde est de {officer}"),
        Text::FromBackup => "d’une sauvegarde".into(),
        Text::ErasedHereAt { when } => format!("effacé ici le {when}"),
        Text::KeptHere => "conservé ici".into(),
        Text::CameWithoutContent => {
            "arrivé sans son contenu : selon le relais, car personne ne l’a fait effacer".into()
        }
        Text::RelaysTold { by, place } => format!("{by} l’a fait effacer aux relais à la place {place}"),
        Text::RelaysNotTold => "les relais n’ont pas été avertis".into(),
        Text::NothingErased => "Rien de ce canal n’a été effacé.".into(),
        Text::CountsForNothing => "sans effet : ce qu’il dit n’est pas affiché".into(),
        Text::WhatConfirmingMeans => {
            "Une confirmation est la parole signée du relais qu’il n’en garde plus rien. De l’extérieur, personne ne peut voir si c’est vrai, et aucun autre appareil ne dit ce qu’il a effacé.".into()
        }
        Text::RelayConfirmed { authority, when, place: Some(place) } => {
            format!("{authority} l’a confirmé le {when} (inscrit à la place {place})")
        }
        Text::RelayConfirmed { authority, when, place: None } => {
            format!("{authority} l’a confirmé le {when}")
        }
        Text::RelayHasNotConfirmed { authority } => format!("{authority} ne l’a pas confirmé"),
        Text::RelayLeftBefore { authority } => {
            format!("{authority} était déjà parti : il garde ce qu’il avait")
        }
        Text::NeedsNewerVersion => "(demande une version plus récente de ce programme)".into(),
        Text::CorrectedAt { place } => format!("corrigé en {place}"),
        Text::Corrects { place: Some(place) } => format!("corrige {place}"),
        Text::Corrects { place: None } => "corrige un message qui n’est pas ici".into(),
        Text::WithdrawnAt { place } => format!("retiré en {place}"),
        Text::Withdraws { place: Some(place) } => format!("retire {place}"),
        Text::Withdraws { place: None } => "retire un message qui n’est pas ici".into(),
        Text::ErasedExpired => "effacé ici : le délai de conservation est écoulé".into(),

        Text::AllInAndOut => "Tout est reçu et tout est envoyé.".into(),
        Text::NotCaughtUp => "Tout n'est pas encore arrivé.".into(),
        Text::Connected => "Connecté.".into(),
        Text::Disconnected => "Connexion perdue.".into(),
        Text::NewNote { title } => format!("Du nouveau dans « {title} »"),
        Text::RelayOutOfReach { why } => format!("le serveur est hors de portée : {why}"),
        Text::DoctorHelps => "`enlace doctor` en cherche la cause.".into(),

        Text::Level(level) => match level {
            Level::Good => "bien",
            Level::Warning => "attention",
            Level::Problem => "problème",
        }
        .into(),
        Text::Problems { count } => format!("Ce qui s'y oppose : {count}."),
        Text::AllWell => "Rien ne s'y oppose.".into(),

        Text::PassphraseOf { what } => format!("Phrase secrète de {what} : "),
        Text::NewPassphraseOf { what } => format!("Nouvelle phrase secrète de {what} : "),
        Text::Again => "La même encore une fois : ".into(),
        Text::BundleHash => "L'empreinte du réseau, telle qu'on vous l'a dite : ".into(),

        Text::NoProfile { directory } => format!("aucun appareil à vous dans {directory}"),
        Text::MakeProfile => {
            "Créez-le avec `enlace init`, ou indiquez un autre lieu avec --profile.".into()
        }
        Text::AskRegistrar => {
            "Votre officier d'enregistrement envoie le certificat ; ensuite : enlace enroll".into()
        }
        Text::WrongHash { found, told } => {
            format!("l'empreinte du fichier du réseau est {found}, et non {told}")
        }
        Text::CompareHash => "Si vous l'avez mal tapée, tapez-la de nouveau. Sinon, n'allez pas plus loin : quelqu'un a pu échanger le fichier. Demandez à qui l'a envoyé et à qui vous a dit l'empreinte.".into(),
        Text::NoCertificate => {
            "le fichier indiqué avec --certificate ne contient aucun certificat d'un service d'enregistrement".into()
        }
        Text::CertificateFile => {
            "C'est le fichier .pem que vous avez reçu avec votre certificat, pas la demande (.csr).".into()
        }
        Text::AskRightFile => "Demandez le bon fichier au service qui vous a enregistré.".into(),
        Text::EnrolAgain => {
            "`enlace enroll` récrit ce fichier, à partir de ce que vous avez reçu.".into()
        }
        Text::WrongPassphrase => "la phrase secrète n'est pas la bonne".into(),
        Text::PassphrasesDiffer => "les deux phrases secrètes diffèrent".into(),
        Text::PassphraseTooShort { characters } => {
            format!("la phrase secrète a moins de {characters} caractères")
        }
        Text::GoodPassphrase => "Cinq ou six mots au hasard en font une bonne.".into(),
        Text::NoSuchChannel { name } => format!("aucun de vos canaux ne s'appelle « {name} »"),
        Text::SeveralChannels { name } => format!("« {name} » peut désigner plusieurs canaux"),
        Text::ListChannels => "`enlace channel list` les montre tous.".into(),
        Text::NoLongerMember => "vous n'êtes plus membre de ce canal".into(),
        Text::ObserversOnlyRead => "un observateur lit et n'écrit pas".into(),
        Text::ChannelClosed => "cette affaire est close : on peut la lire, et rien ne s'écrit plus".into(),
        Text::NobodyEntersClosed => "cette affaire est close : plus personne n'y entre".into(),
        Text::OwnerRaisesRules => "seul le titulaire du canal le passe à des règles plus récentes".into(),
        Text::NewestRules => "le canal suit déjà les règles les plus récentes que ce programme connaît".into(),
        Text::ProgramsBehind { devices } => {
            format!("ces appareils demandent d'abord une version plus récente du programme : {devices}")
        }
        Text::OwnerCloses => "seul le titulaire du canal clôt une affaire, et la rouvre".into(),
        Text::OwnerExpels => {
            "seul le titulaire exclut une autorité du canal, et non la sienne".into()
        }
        Text::NobodyAgrees => "trop peu de responsables sont là pour consentir : outre votre autorité et celle qui doit sortir, plus de la moitié des autorités du canal doivent en avoir un".into(),
        Text::MoveAsked { domain } => format!("Votre vote pour le serveur de {domain} est donné. Il vaut jusqu'à ce que le canal ait changé, ou que vous le retiriez avec --cancel."),
        Text::MoveCancelled => "Votre vote est retiré.".into(),
        Text::MoveOrderedBy { domain } => format!("Le serveur de {domain} ordonne ce canal."),
        Text::MoveVotes { domain, voters } => format!("Pour le serveur de {domain} : {voters}"),
        Text::MoveNeeds { count, missing } => format!("il manque des responsables de {count} de ces autorités : {missing}"),
        Text::MoveComes => "Cela suffit : son serveur prend la suite dès qu'il l'apprend.".into(),
        Text::NobodyMoves => "Personne n'a voté pour un autre serveur.".into(),
        Text::AlreadyOrdered { domain } => format!("le serveur de {domain} ordonne déjà ce canal"),
        Text::NotAskedToMove => "vous n'avez pas voté pour un autre serveur".into(),
        Text::ExpelsHub { domain } => format!("Le serveur de {domain} ordonne ce canal et peut retenir le changement. Le canal continue sans lui si des responsables de la plupart des autorités votent pour un autre : enlace channel move CANAL --to DOMAINE"),
        Text::AuthorityNotThere { domain } => format!("{domain} n'a personne dans ce canal"),
        Text::OwnerRenews => {
            "seul le titulaire renouvelle les clés de tout le canal ; si plus personne ne peut continuer, un responsable aussi, avec --poisoned".into()
        }
        Text::FormerDevice { device } => format!("{device} a une adresse qui était la vôtre : dites-le sur cet appareil, et nommez celui-ci"),
        Text::OthersDevice { device } => format!("{device} n'est pas un de vos appareils"),
        Text::DeviceInUse => "c'est l'appareil que vous utilisez : quittez les canaux, ou prenez-en un autre".into(),
        Text::ReopenIt => "Le titulaire peut la rouvrir : `enlace channel reopen`.".into(),
        Text::NotAsked { officer } => format!("personne n'a demandé d'accord au sujet de {officer}"),
        Text::MandateRefused { why } => format!("ce mandat n'est pas valable : {why}"),
        Text::MandateElsewhere => "ce mandat est pour un autre canal".into(),
        Text::HasLead { domain } => format!("{domain} a un responsable dans ce canal : personne n'a à le remplacer"),
        Text::NotEntitled => {
            "seul un responsable de l'autorité ou le titulaire du canal peut le faire".into()
        }
        Text::OwnerCannotLeave => "le titulaire d'un canal ne peut pas le quitter".into(),
        Text::HandOwnershipOn => {
            "Transmettez-le d'abord : enlace channel role CANAL NOM@DOMAINE owner".into()
        }
        Text::NoSuchAuthority { domain } => format!("{domain} n'est pas une autorité de ce réseau"),
        Text::NotInChannel { officer } => format!("{officer} n'est pas dans ce canal"),
        Text::AlreadyInChannel { officer } => format!("{officer} est déjà dans ce canal"),
        Text::NotAForum => "ce canal n’est pas un forum".into(),
        Text::OnlyGuidesPublish => {
            "dans un forum, les guides, les responsables et le titulaire publient, répondent et épinglent".into()
        }
        Text::AskInstead => "Posez votre question avec : enlace ask".into(),
        Text::NoQuestionThere => "l’entrée à cette place n’est pas une question".into(),
        Text::AnsweredAlready { place } => {
            format!("cette question a déjà sa réponse, à la place {place}")
        }
        Text::IdUsed => "autre chose a été envoyé avec cet --id".into(),
        Text::NoEntryThere => "il n’y a rien d’écrit à cette place".into(),
        Text::OthersEntry => "ce message n’est pas de vous : seul son auteur le corrige ou le retire".into(),
        Text::EntryStands => "un message de cette sorte ne peut être ni corrigé ni retiré".into(),
        Text::WithdrawnAlready => "ce message est déjà retiré".into(),
        Text::EmptyNote => "la note est vide".into(),
        Text::RestrictionGoesWithH3 => {
            "H3, et aucun autre code, va avec une restriction en mots (--restriction)".into()
        }

        Text::Notice(notice) => say_notice(notice),
    }
}

fn say_notice(notice: &Notice<'_>) -> String {
    let role_of = |role: Role| say(Text::Role(role));
    match *notice {
        Notice::Joined { by } => format!("{by} vous a admis."),
        Notice::PutBack { by } => {
            format!("Cet appareil est de nouveau à jour ; l'appareil de {by} s'en est chargé.")
        }
        Notice::HistoryShared { by, entries } => {
            format!("L'appareil de {by} a envoyé ce qui manquait à celui-ci : {entries} messages.")
        }
        Notice::BackRequested { device, guilty: Some(guilty) } => format!(
            "{device} dit qu'un changement de {guilty} l'a laissé dehors. D'autres le ramènent."
        ),
        Notice::BackRequested { device, guilty: None } => {
            format!("{device} dit avoir été laissé dehors. D'autres le ramènent.")
        }
        Notice::DevicePutBack { device, by } => {
            format!("{device} est de nouveau à jour ; l'appareil de {by} s'en est chargé.")
        }
        Notice::ReadableLater => say(Text::ReadableLater),
        Notice::Confirmed => "Le message d'un autre membre a confirmé ce canal.".into(),
        Notice::Admitted { by, officer, role } => {
            format!("{by} a admis {officer} comme {}.", role_of(role))
        }
        Notice::RemovedOther { by, officer } => format!("{by} a retiré {officer}."),
        Notice::Left { officer } => format!("{officer} est parti."),
        Notice::RemovedRevoked { by, officer } => format!(
            "{officer} est exclu : son autorité a révoqué le certificat, et l'appareil de {by} l'a \
             exécuté."
        ),
        Notice::RemovedSuspended { by, officer } => format!(
            "{officer} est suspendu, et exclu jusqu'à la levée de la suspension ; l'appareil de {by} \
             l'a exécuté."
        ),
        Notice::Returned { officer } => {
            format!("{officer} est de retour dans le canal : la suspension a pris fin.")
        }
        Notice::RoleChanged { by, officer, role } => {
            format!("{by} a fait passer {officer} au rôle de {}.", role_of(role))
        }
        Notice::AsksForAuthority { by, officer } => format!(
            "{by} demande l'accord de votre autorité : {officer} entre comme premier responsable d'une autre autorité."
        ),
        Notice::AsksForExpulsion { by, authority } => {
            format!(
                "{by} demande votre accord pour exclure {authority} du canal, avec tous ses membres : `enlace channel consent` ou `refuse`."
            )
        }
        Notice::AsksForOwner { by, officer } => format!(
            "{by} demande l'accord de votre autorité : {officer} devient titulaire, car le titulaire a perdu ses appareils."
        ),
        Notice::Consents { by, officer } => {
            format!("{by} donne l'accord de son autorité : {officer}.")
        }
        Notice::Refuses { by, officer } => {
            format!("{by} refuse l'accord de son autorité : {officer}.")
        }
        Notice::KeysRenewed { by } => format!("{by} a renouvelé les clés de l'appareil."),
        Notice::AddressChanged { former, officer } => {
            format!("{former} a maintenant une autre adresse : {officer}.")
        }
        Notice::DeviceAdded { device, by } => format!("{by} a admis un autre appareil : {device}."),
        Notice::DeviceRemoved { device, by } => format!("{by} a retiré un appareil : {device}."),
        Notice::DeviceRevoked { device } => {
            format!("{device} est exclu du canal : son certificat est révoqué.")
        }
        Notice::DeviceSuspended { device } => {
            format!("{device} est suspendu, et exclu du canal jusqu'à la levée de la suspension.")
        }
        Notice::Closed { by } => format!("{by} a clos l'affaire."),
        Notice::Reopened { by } => format!("{by} a rouvert l'affaire."),
        Notice::Founded { by } => {
            format!("{by} a renouvelé les clés de tout le canal. Tout continue comme avant.")
        }
        Notice::Expelled { by, authority } => {
            format!("{by} a exclu {authority} du canal, avec l'accord des autres autorités.")
        }
        Notice::LeftOut { by } => {
            format!(
                "{by} poursuit ce canal sans votre autorité. Si les autres l'ont accepté, vous en êtes exclu ; ce que vous avez reste lisible."
            )
        }
        Notice::FoundedAgain { by } => {
            format!(
                "{by} a renouvelé les clés de tout le canal, car plus personne ne pouvait lire avec les précédentes."
            )
        }
        Notice::BundleChanged { version } => {
            format!("Le canal suit la version {version} de la liste des autorités du réseau.")
        }
        Notice::RemovedDropped { officer } => {
            format!(
                "{officer} n'en fait plus partie : la liste des autorités du réseau ne répond plus du certificat de son appareil."
            )
        }
        Notice::RulesRaised { by } => {
            format!(
                "{by} a passé le canal à des règles plus récentes, connues de tous ses programmes."
            )
        }
        Notice::PolicyChanged { by } => format!("{by} a changé les données du canal."),
        Notice::VoidChange { by, reason } => {
            format!("Un changement de {by} enfreint les règles et reste sans effet : {reason}")
        }
        Notice::Unreadable { by, reason } => {
            format!("Un message de {by} n'a pas pu être lu : {reason}")
        }
        Notice::NotTheirs { by, place } => {
            format!(
                "{by} a voulu corriger ou retirer le message {place}, qui est d’une autre personne : rien n’a changé."
            )
        }
        Notice::FalseConfirmation { by, reason } => {
            format!("{by} a inscrit une confirmation qui ne vaut rien : {reason}")
        }
        Notice::WithoutContent { by } => {
            format!(
                "Un message de {by} est arrivé sans son contenu, et ce journal ne dit pas que quelqu’un l’a fait effacer : un relais le retient, ou cela fut demandé plus tard."
            )
        }
        Notice::ErasedUnread { author, by, place } => {
            format!(
                "Le message {place} de {author} a été effacé avant d’être lu ici : {by} l’a demandé."
            )
        }
        Notice::HoldPlaced { by, authority } => {
            format!(
                "{authority} conserve ses copies, même si quelque chose est retiré ou échu ({by})."
            )
        }
        Notice::HoldLifted { by, authority } => {
            format!(
                "{authority} ne retient plus ses copies : ce qui a été retiré y est effacé ({by})."
            )
        }
        Notice::Expired { entries } => {
            format!(
                "Le délai pendant lequel votre autorité conserve cette affaire est écoulé : {entries} messages ont été effacés ici."
            )
        }
        Notice::Restored { entries } => format!("{entries} messages viennent d’une sauvegarde."),
        Notice::LeaveRequested { by } => format!("{by} a demandé à partir."),
        Notice::Contested { by } => format!("{by} s'est opposé à un changement."),
        Notice::Removed { by } => format!("{by} vous a retiré de ce canal."),
        Notice::Stranded { by, may_rescue } => {
            let rescue = if may_rescue {
                " S'il n'a atteint personne, `enlace channel renew AFFAIRE --poisoned` donne de nouvelles clés à tous."
            } else {
                ""
            };
            let told = format!(
                "Un changement de {by} n'a pas atteint cet appareil. Il ne peut pas écrire tant que \
             l'appareil d'un autre membre ne l'a pas ramené, ce qui se fait tout seul ; ce que vous \
             écrivez attend."
            );
            told + rescue
        }
        Notice::Resumed => "Cet appareil peut de nouveau lire.".into(),
        Notice::NeedsNewerVersion => {
            "Quelque chose demande une version plus récente de ce programme.".into()
        }
        Notice::FalseQuote { by } => {
            format!("{by} prétend avoir vu des messages que le serveur n'a jamais signés.")
        }
        Notice::Fork { hub } => format!(
            "Le serveur de {hub} a signé deux histoires différentes de ce canal. Prévenez votre \
             autorité, et les autres membres par une autre voie."
        ),
        Notice::MoveWanted { by, from, to } => format!(
            "{by} veut que le serveur de {to} ordonne ce canal à la place de celui de {from}. Pour accepter : `enlace channel move CANAL --to {to}`."
        ),
        Notice::Moved { from, to } => format!(
            "Le serveur de {to} ordonne maintenant ce canal, et non plus celui de {from}, comme le veulent des responsables de la plupart des autorités. Rien d'autre n'a changé."
        ),
        Notice::HubDropped { hub } => format!(
            "{hub}, dont le serveur ordonne ce canal, n'est plus dans le réseau. Les responsables doivent laisser le serveur d'une autre autorité l'ordonner : `enlace channel move CANAL --to DOMAINE`."
        ),
        Notice::HubBeganAnew { hub, brought_back, lost } => {
            let what = match (lost, brought_back) {
                (true, _) => {
                    "a été restauré à partir d'une ancienne copie ; il lui manque des \
                     messages que personne n'a pu rendre"
                }
                (false, true) => {
                    "a été restauré à partir d'une ancienne copie ; les membres ont rendu \
                     ce qui manquait"
                }
                (false, false) => "a été interrompu et continue ; rien ne semble manquer",
            };
            format!("Le serveur de {hub} {what}.")
        }
        Notice::SetBack { entries, is_stranded } => {
            let then = if is_stranded {
                " Cet appareil ne peut pas écrire tant qu'il n'est pas réadmis."
            } else {
                ""
            };
            format!(
                "Le serveur a perdu {entries} messages que cet appareil avait reçus. Les vôtres sont \
                 renvoyés ; les autres restent ici.{then}"
            )
        }
        Notice::Stopped { reason } => {
            format!("Ce que le serveur envoie ne concorde pas, le canal est en pause : {reason}")
        }
        Notice::WelcomeRefused { reason } => format!("Une invitation a été refusée : {reason}"),
        Notice::NotDone { reason } => format!("Ce que vous avez demandé est impossible : {reason}"),
        Notice::NotAdmitted { officers, reason: Some(reason) } => {
            format!("{officers} : non admis, car {reason}")
        }
        Notice::NotAdmitted { officers, reason: None } => {
            format!("{officers} : non admis ; leurs programmes doivent tourner une fois.")
        }
        Notice::NoKeyPackage { officer } => {
            format!("{officer} pourra être admis dès que son programme se sera connecté une fois.")
        }
        Notice::SnapshotRestored => {
            "Cet appareil a été restauré d’une copie. Il continue de lire et n’écrit rien. Si c’est \
             vous qui l’avez restauré, lancez `enlace device resume`. Sinon, quelqu’un l’a copié : \
             prévenez tout de suite votre officier d’enregistrement."
                .into()
        }
    }
}
