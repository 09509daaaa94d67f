//! Português.

use enlace_channel::policy::Role;
use enlace_client::client::Level;
use enlace_client::store::ChannelStanding;

use super::{Notice, Text};

pub(super) fn say(text: Text<'_>) -> String {
    match text {
        Text::Error => "Erro:".into(),
        Text::CausedBy => "Causa:".into(),
        Text::Hint => "Dica:".into(),
        Text::Warning => "Aviso:".into(),

        Text::Officer => "Funcionário".into(),
        Text::Name => "Nome".into(),
        Text::Device => "Dispositivo".into(),
        Text::Key => "Chave".into(),
        Text::ValidUntil => "Válido até".into(),
        Text::Request => "Pedido".into(),
        Text::Channel => "Canal".into(),
        Text::OrderedBy => "Ordenado por".into(),
        Text::CaseReference => "Referência".into(),
        Text::LegalBasis => "Base legal".into(),
        Text::Handling => "Tratamento".into(),
        Text::Members => "Membros".into(),
        Text::Comparison => "Comparação".into(),
        Text::Consents => "Consentimentos".into(),
        Text::Leads => "Responsáveis".into(),
        Text::Kind => "Tipo".into(),
        Text::Encryption => "Cifra".into(),
        Text::Restriction => "Restrição".into(),

        Text::DeviceMade { directory } => format!("Este dispositivo foi criado em {directory}."),
        Text::HandRequestToRegistrar { file } => format!(
            "Entregue {file} ao seu registrador e leia-lhe a chave quando ele a pedir.\n\
             Com o que receber: enlace enroll"
        ),
        Text::Enrolled { network } => format!("Este dispositivo pertence agora à rede {network}."),
        Text::SyncOnce => {
            "Execute `enlace sync` uma vez: depois os colegas poderão admiti-lo.".into()
        }
        Text::RequestAtRelay => "O seu pedido está com o seu registrador.".into(),
        Text::ReadKeyOut => "Se o seu registrador telefonar, leia-lhe estes dígitos.".into(),
        Text::EnrollAgain => {
            "Repita o mesmo comando mais tarde; com --wait ele espera pelo certificado.".into()
        }
        Text::InvitationSpent => "O convite já foi usado: apague o seu ficheiro.".into(),
        Text::InvitationRefused => "o servidor não aceita este convite".into(),
        Text::InvitationMayBeStolen => {
            "Expirou, foi retirado, ou outro dispositivo o usou. Se ainda não o usou, avise já o seu registrador.".into()
        }
        Text::RelayAskedTooOften { seconds } => {
            format!("pergunta-se demais ao servidor; tente de novo dentro de {seconds} segundos")
        }
        Text::NotEnrolledYet => "Este dispositivo ainda não tem certificado.".into(),
        Text::ChannelOpened { title, id } => format!("Canal “{title}” aberto ({id})."),
        Text::NoChannels => "Ainda não está em nenhum canal.".into(),
        Text::Accepted => "Aceito.".into(),
        Text::Queued => "Na fila, ainda não aceito.".into(),
        Text::SyncSends => "`enlace sync` envia o que está na fila.".into(),
        Text::NeverSent { reason } => format!("Isto não será enviado: {reason}"),
        Text::LinesTaken { count } => format!("Notas recebidas: {count}."),
        Text::WriteNote => "Escreva a nota e termine com Ctrl-D em uma linha separada.".into(),

        Text::Standing(standing) => match standing {
            ChannelStanding::Creating => "ainda não aceito",
            ChannelStanding::Provisional => "ainda não confirmado por outro membro",
            ChannelStanding::Member => "membro",
            ChannelStanding::Stranded => {
                "fora de passo: espera que o dispositivo de outro membro o traga de volta"
            }
            ChannelStanding::Removed => "já não é membro",
        }
        .into(),
        Text::Role(role) => match role {
            Role::Owner => "titular",
            Role::Lead => "responsável",
            Role::Member => "membro",
            Role::Guide => "guia",
            Role::Observer => "observador",
        }
        .into(),
        Text::Leaving => "de saída".into(),
        Text::IsClosed => "encerrado".into(),
        Text::Forum => "fórum".into(),
        Text::Suite { classic: true } => {
            "clássica: quem a gravar hoje poderá lê-la no dia em que tiver um computador quântico".into()
        }
        Text::Suite { classic: false } => "híbrida, a salvo de computadores quânticos até onde se sabe".into(),
        Text::ReadableLater => {
            "O que se disser neste fórum poderá ser lido por quem o gravar hoje e tiver um dia um computador quântico.".into()
        }
        Text::InChannels { count } => format!("canais: {count}"),
        Text::StillToCome { count } => format!("por entrar: {count}"),
        Text::DeviceResumes { count } => format!(
            "Volta a participar, com chaves novas, assim que em cada canal um colega esteja conectado. Canais: {count}. Execute `enlace sync`."
        ),
        Text::DeviceIsNoCopy => "Este dispositivo não foi restaurado de uma cópia: participa como está.".into(),
        Text::CountCannotBe { seen } => format!(
            "O relé diz ter visto {seen} mensagens deste dispositivo. Não pode ser: avise a informática da sua autoridade. Nada foi alterado."
        ),
        Text::ThisDevice => "este".into(),
        Text::WaitsForConsent { officer, of } => format!("{officer}: falta o consentimento de {of}"),
        Text::ConsentRefused { officer, by } => format!("{officer}: {by} não consente"),
        Text::OneLead { domain } => format!("{domain} tem um só responsável: nomeie outro, para que o caso continue se esse dispositivo se perder"),
        Text::NoLead { domain } => format!("{domain} não tem responsável: o titular do canal pode nomear responsável um dos seus membros"),
        Text::BatchProgress { done, all } => format!("{done} de {all}"),
        Text::BatchDone { count, admits: true } => format!("admitidos: {count}"),
        Text::BatchDone { count, admits: false } => format!("excluídos: {count}"),
        Text::BatchAlready { count, admits: true } => format!("já estavam: {count}"),
        Text::BatchAlready { count, admits: false } => format!("não estavam no canal: {count}"),
        Text::BatchOthers { officer } => {
            format!("{officer}: de outra autoridade; são os seus responsáveis que admitem e excluem")
        }
        Text::BatchRefused { officer, reason: Some(reason) } => format!("{officer} não foi admitido: {reason}"),
        Text::BatchRefused { officer, reason: None } => {
            format!("{officer} não foi admitido: o seu programa tem de correr uma vez")
        }
        Text::OwnerStays { officer } => format!("{officer} é proprietário do canal e não é excluído"),
        Text::Waiting { count } => format!("{count} na fila, ainda não aceito"),
        Text::ChannelStopped { reason } => {
            format!("Este canal está em pausa: o que o servidor envia não confere: {reason}")
        }
        Text::ChannelNeedsNewerVersion => {
            "Este canal requer uma versão mais recente deste programa; continua assim que for instalada.".into()
        }

        Text::DaysKept => "Dias de conservação".into(),
        Text::HeldBy => "Cópias retidas por".into(),
        Text::Question => "pergunta".into(),
        Text::Answers { place: Some(place) } => format!("responde a {place}"),
        Text::Answers { place: None } => "responde a uma pergunta que não está aqui".into(),
        Text::LateAnswer { place: Some(place) } => format!("resposta tardia a {place}, já respondida"),
        Text::LateAnswer { place: None } => "resposta tardia".into(),
        Text::Pins { place: Some(place) } => format!("fixa {place}"),
        Text::Pins { place: None } => "fixa uma entrada que não está aqui".into(),
        Text::Unpins { place: Some(place) } => format!("deixa de fixar {place}"),
        Text::Unpins { place: None } => "deixa de fixar uma entrada que não está aqui".into(),
        Text::Pinned => "fixada".into(),
        Text::AnsweredAt { place } => format!("respondida em {place}"),
        Text::NotAnswered => "ainda sem resposta".into(),
        Text::BackupWritten { file } => {
            format!("{file} contém o que você leu e escreveu, e abre com a própria senha. Guarde os dois em separado.")
        }
        Text::BackupRestored { channels, entries } => {
            format!("Foram recuperadas {entries} mensagens de {channels} canais.")
        }
        Text::RestoredReads => "Já podem ser lidas. Para voltar a escrever, admita este dispositivo a partir de outro seu (`enlace device add`), ou peça a um responsável que retire o dispositivo perdido e admita você de novo.".into(),
        Text::WaitsForReceiver { device } => format!("À espera de {device}. Nesse dispositivo: `enlace device receive-history`."),
        Text::WaitsForSender { device } => format!("À espera de outro dispositivo seu. Nesse dispositivo: `enlace device send-history {device}`."),
        Text::HistorySent { device } => format!("{device} já tem o que este dispositivo tem."),
        Text::HistoryOnItsWay { device } => format!("Tudo foi enviado. À espera de que {device} o guarde."),
        Text::HistoryPartly { device, refused } => format!("{device} já tem o que este dispositivo tem, salvo {refused} partes que recusou: não são o que os autores assinaram."),
        Text::HistoryUnconfirmed { device } => format!("tudo foi enviado, mas {device} não disse que o guardou"),
        Text::LookThere => "Veja nesse dispositivo se está lá. Se não, envie de novo: nada chega duas vezes.".into(),
        Text::DeviceNotAdded { device } => format!("você não indicou neste dispositivo que {device} é seu"),
        Text::AddDevice { device } => format!("Se for seu: `enlace device add {device}`."),
        Text::DevicesApart { device } => format!("{device} não está em nenhum dos canais em que este dispositivo está"),
        Text::BringTogether => "Um dispositivo recém-admitido entra quando os dois se conectaram: `enlace sync` em um e depois no outro. `enlace device list` mostra onde estão os seus dispositivos.".into(),
        Text::DeviceWithOtherKey { device } => format!("{device} tem nos seus canais outra chave que a que mostra agora"),
        Text::OtherKey { device } => format!("Outra pessoa pode ter um certificado com esse nome: avise o seu registrador. Se foi você que refez esse dispositivo: `enlace device remove {device}`, `enlace sync` e depois `enlace device add {device}`."),
        Text::OtherDeviceAway => "o outro dispositivo não respondeu".into(),
        Text::OtherDeviceMidway => "o outro dispositivo está recebendo outra coisa".into(),
        Text::BothAtOnce => "Os dois dispositivos devem estar ligados, e os dois comandos em execução ao mesmo tempo.".into(),
        Text::TransferRefused { why } => format!("nada foi passado: {why}"),
        Text::RestoreRefused { entries } => {
            format!("{entries} mensagens da cópia não são o que os autores assinaram, e ficaram de fora")
        }
        Text::ErasuresLeftOut { count } => format!("A cópia diz de {count} mensagens que não contém que foram apagadas. Isso ficou de fora."),
        Text::BackupExists => "já existe um arquivo com esse nome: uma cópia nunca é sobrescrita".into(),
        Text::OthersBackup { officer } => format!("esta cópia é de {officer}"),
        Text::FromBackup => "de uma cópia de segurança".into(),
        Text::ErasedHereAt { when } => format!("apagado aqui em {when}"),
        Text::KeptHere => "conservado aqui".into(),
        Text::CameWithoutContent => {
            "chegou sem o conteúdo: segundo o relé, pois ninguém mandou apagar".into()
        }
        Text::RelaysTold { by, place } => format!("{by} mandou os relés apagarem em {place}"),
        Text::RelaysNotTold => "os relés não foram avisados".into(),
        Text::NothingErased => "Nada deste canal foi apagado.".into(),
        Text::CountsForNothing => "não vale: o que diz não é mostrado".into(),
        Text::WhatConfirmingMeans => {
            "Uma confirmação é a palavra assinada do relé de que já não guarda nada. De fora ninguém pode ver se é verdade, e nenhum outro dispositivo diz o que apagou.".into()
        }
        Text::RelayConfirmed { authority, when, place: Some(place) } => {
            format!("{authority} confirmou em {when} (consta em {place})")
        }
        Text::RelayConfirmed { authority, when, place: None } => {
            format!("{authority} confirmou em {when}")
        }
        Text::RelayHasNotConfirmed { authority } => format!("{authority} não confirmou"),
        Text::RelayLeftBefore { authority } => {
            format!("{authority} já tinha saído: guarda o que tinha")
        }
        Text::NeedsNewerVersion => "(requer uma versão mais recente deste programa)".into(),
        Text::CorrectedAt { place } => format!("corrigido em {place}"),
        Text::Corrects { place: Some(place) } => format!("corrige {place}"),
        Text::Corrects { place: None } => "corrige algo que não está aqui".into(),
        Text::WithdrawnAt { place } => format!("retirado em {place}"),
        Text::Withdraws { place: Some(place) } => format!("retira {place}"),
        Text::Withdraws { place: None } => "retira algo que não está aqui".into(),
        Text::ErasedExpired => "apagado aqui: o prazo de conservação terminou".into(),

        Text::AllInAndOut => "Tudo recebido e tudo enviado.".into(),
        Text::NotCaughtUp => "Ainda não chegou tudo.".into(),
        Text::Connected => "Conectado.".into(),
        Text::Disconnected => "Conexão perdida.".into(),
        Text::NewNote { title } => format!("Novidade em “{title}”"),
        Text::RelayOutOfReach { why } => format!("o servidor não está ao alcance: {why}"),
        Text::DoctorHelps => "`enlace doctor` procura a causa.".into(),

        Text::Level(level) => match level {
            Level::Good => "bem",
            Level::Warning => "aviso",
            Level::Problem => "problema",
        }
        .into(),
        Text::Problems { count } => format!("O que o impede: {count}."),
        Text::AllWell => "Nada o impede.".into(),

        Text::PassphraseOf { what } => format!("Senha de {what}: "),
        Text::NewPassphraseOf { what } => format!("Nova senha de {what}: "),
        Text::Again => "A mesma outra vez: ".into(),
        Text::BundleHash => "A impressão digital da rede, tal como lhe disseram: ".into(),

        Text::NoProfile { directory } => format!("não há nenhum dispositivo seu em {directory}"),
        Text::MakeProfile => {
            "Crie um com `enlace init`, ou indique outro lugar com --profile.".into()
        }
        Text::AskRegistrar => "O seu registrador envia o certificado; depois: enlace enroll".into(),
        Text::WrongHash { found, told } => {
            format!("o resumo do ficheiro da rede é {found}, e não {told}")
        }
        Text::CompareHash => "Se o digitou mal, digite-o outra vez. Se não, não continue: alguém pode ter trocado o ficheiro. Pergunte a quem o enviou e a quem lhe disse o resumo.".into(),
        Text::NoCertificate => {
            "o ficheiro indicado com --certificate não contém nenhum certificado de um registrador".into()
        }
        Text::CertificateFile => {
            "É o ficheiro .pem que o seu registrador enviou, não o pedido (.csr).".into()
        }
        Text::AskRightFile => "Peça ao seu registrador o ficheiro certo.".into(),
        Text::EnrolAgain => {
            "`enlace enroll` volta a escrever este ficheiro, com o que o seu registrador enviou.".into()
        }
        Text::WrongPassphrase => "a senha não está certa".into(),
        Text::PassphrasesDiffer => "as duas senhas são diferentes".into(),
        Text::PassphraseTooShort { characters } => {
            format!("a senha tem menos de {characters} caracteres")
        }
        Text::GoodPassphrase => "Cinco ou seis palavras ao acaso fazem uma boa.".into(),
        Text::NoSuchChannel { name } => format!("nenhum canal seu se chama “{name}”"),
        Text::SeveralChannels { name } => format!("“{name}” pode ser vários canais"),
        Text::ListChannels => "`enlace channel list` mostra todos.".into(),
        Text::NoLongerMember => "já não é membro deste canal".into(),
        Text::ObserversOnlyRead => "como observador pode ler, não escrever".into(),
        Text::ChannelClosed => "este caso está encerrado: pode ser lido, e já não se escreve".into(),
        Text::NobodyEntersClosed => "este caso está encerrado: já ninguém entra".into(),
        Text::OwnerRaisesRules => "só o titular do canal o passa para regras mais novas".into(),
        Text::NewestRules => "o canal já segue as regras mais novas que este programa conhece".into(),
        Text::ProgramsBehind { devices } => {
            format!("estes dispositivos precisam antes de uma versão mais recente do programa: {devices}")
        }
        Text::OwnerCloses => "só o titular do canal encerra um caso, e o reabre".into(),
        Text::OwnerExpels => {
            "só o titular exclui uma autoridade do canal, e não a própria".into()
        }
        Text::NobodyAgrees => "não há responsáveis suficientes para consentir: além da sua autoridade e da que há de sair, mais de metade das autoridades do canal precisa de um".into(),
        Text::MoveAsked { domain } => format!("O seu voto no servidor de {domain} está dado. Vale até que o canal tenha mudado, ou até que o retire com --cancel."),
        Text::MoveCancelled => "O seu voto foi retirado.".into(),
        Text::MoveOrderedBy { domain } => format!("O servidor de {domain} ordena este canal."),
        Text::MoveVotes { domain, voters } => format!("A favor do servidor de {domain}: {voters}"),
        Text::MoveNeeds { count, missing } => format!("faltam responsáveis de {count} destas autoridades: {missing}"),
        Text::MoveComes => "É suficiente: o servidor assume assim que souber.".into(),
        Text::NobodyMoves => "Ninguém votou em outro servidor.".into(),
        Text::AlreadyOrdered { domain } => format!("o servidor de {domain} já ordena este canal"),
        Text::NotAskedToMove => "você não votou em outro servidor".into(),
        Text::ExpelsHub { domain } => format!("O servidor de {domain} ordena este canal e pode reter a mudança. O canal segue sem ele se responsáveis da maioria das autoridades votarem noutro: enlace channel move CANAL --to DOMÍNIO"),
        Text::AuthorityNotThere { domain } => format!("{domain} não tem ninguém neste canal"),
        Text::OwnerRenews => {
            "só o titular renova as chaves de todo o canal; se ninguém consegue continuar, também um responsável, com --poisoned".into()
        }
        Text::FormerDevice { device } => format!("{device} tem um endereço que era o seu antes: diga-o nele, e nomeie este dispositivo"),
        Text::OthersDevice { device } => format!("{device} não é um dispositivo seu"),
        Text::DeviceInUse => "este é o dispositivo que está a usar: saia dos canais, ou use outro".into(),
        Text::ReopenIt => "O titular pode reabri-lo: `enlace channel reopen`.".into(),
        Text::NotAsked { officer } => format!("ninguém pediu um consentimento sobre {officer}"),
        Text::MandateRefused { why } => format!("este mandato não vale: {why}"),
        Text::MandateElsewhere => "este mandato é para outro canal".into(),
        Text::HasLead { domain } => format!("{domain} tem responsável neste canal: não é preciso um substituto"),
        Text::NotEntitled => {
            "só um responsável da autoridade ou o titular do canal pode fazer isto".into()
        }
        Text::OwnerCannotLeave => "o titular de um canal não pode sair".into(),
        Text::HandOwnershipOn => {
            "Transfira-o antes: enlace channel role CANAL NOME@DOMÍNIO owner".into()
        }
        Text::NoSuchAuthority { domain } => format!("{domain} não é uma autoridade desta rede"),
        Text::NotInChannel { officer } => format!("{officer} não está neste canal"),
        Text::AlreadyInChannel { officer } => format!("{officer} já está neste canal"),
        Text::NotAForum => "este canal não é um fórum".into(),
        Text::OnlyGuidesPublish => {
            "num fórum publicam, respondem e fixam os guias, os responsáveis e o titular".into()
        }
        Text::AskInstead => "Pergunte com: enlace ask".into(),
        Text::NoQuestionThere => "a entrada desse lugar não é uma pergunta".into(),
        Text::AnsweredAlready { place } => {
            format!("esta pergunta já está respondida, no lugar {place}")
        }
        Text::IdUsed => "outra coisa foi enviada com este --id".into(),
        Text::NoEntryThere => "não há nada escrito nesse lugar".into(),
        Text::OthersEntry => "isto não foi escrito por você: só o autor o corrige ou retira".into(),
        Text::EntryStands => "isto não pode ser corrigido nem retirado".into(),
        Text::WithdrawnAlready => "isto já está retirado".into(),
        Text::EmptyNote => "a nota está vazia".into(),
        Text::RestrictionGoesWithH3 => {
            "H3, e nenhum outro código, leva uma restrição em palavras (--restriction)".into()
        }

        Text::Notice(notice) => say_notice(notice),
    }
}

fn say_notice(notice: &Notice<'_>) -> String {
    let role_of = |role: Role| say(Text::Role(role));
    match *notice {
        Notice::Joined { by } => format!("{by} admitiu você."),
        Notice::PutBack { by } => {
            format!("Este dispositivo está de novo em dia; o dispositivo de {by} tratou disso.")
        }
        Notice::HistoryShared { by, entries } => {
            format!("O dispositivo de {by} enviou o que faltava neste: {entries} mensagens.")
        }
        Notice::BackRequested { device, guilty: Some(guilty) } => format!(
            "{device} diz que uma mudança de {guilty} o deixou de fora. Outros o trazem de volta."
        ),
        Notice::BackRequested { device, guilty: None } => {
            format!("{device} diz que ficou de fora. Outros o trazem de volta.")
        }
        Notice::DevicePutBack { device, by } => {
            format!("{device} está de novo em dia; o dispositivo de {by} tratou disso.")
        }
        Notice::ReadableLater => say(Text::ReadableLater),
        Notice::Confirmed => "A mensagem de outro membro confirmou este canal.".into(),
        Notice::Admitted { by, officer, role } => {
            format!("{by} admitiu {officer} como {}.", role_of(role))
        }
        Notice::RemovedOther { by, officer } => format!("{by} retirou {officer}."),
        Notice::Left { officer } => format!("{officer} saiu."),
        Notice::RemovedRevoked { by, officer } => format!(
            "{officer} está fora: a autoridade revogou o certificado, e o dispositivo de {by} \
             cumpriu isso."
        ),
        Notice::RemovedSuspended { by, officer } => format!(
            "{officer} está suspenso, e fica fora até a suspensão ser levantada; o dispositivo de \
             {by} cumpriu isso."
        ),
        Notice::Returned { officer } => {
            format!("{officer} voltou ao canal: a suspensão terminou.")
        }
        Notice::RoleChanged { by, officer, role } => {
            format!("{by} mudou a função de {officer} para {}.", role_of(role))
        }
        Notice::AsksForAuthority { by, officer } => format!(
            "{by} pede o consentimento da sua autoridade: {officer} entra como primeiro responsável de outra autoridade."
        ),
        Notice::AsksForExpulsion { by, authority } => {
            format!(
                "{by} pede o seu acordo para excluir {authority} do canal, com todo o seu pessoal: `enlace channel consent` ou `refuse`."
            )
        }
        Notice::AsksForOwner { by, officer } => format!(
            "{by} pede o consentimento da sua autoridade: {officer} passa a ser titular, porque o titular perdeu os seus dispositivos."
        ),
        Notice::Consents { by, officer } => {
            format!("{by} consente pela sua autoridade: {officer}.")
        }
        Notice::Refuses { by, officer } => {
            format!("{by} não consente pela sua autoridade: {officer}.")
        }
        Notice::KeysRenewed { by } => format!("{by} renovou as chaves do dispositivo."),
        Notice::AddressChanged { former, officer } => {
            format!("{former} tem agora outro endereço: {officer}.")
        }
        Notice::DeviceAdded { device, by } => format!("{by} admitiu outro dispositivo: {device}."),
        Notice::DeviceRemoved { device, by } => format!("{by} retirou um dispositivo: {device}."),
        Notice::DeviceRevoked { device } => {
            format!("{device} está fora do canal: o certificado foi revogado.")
        }
        Notice::DeviceSuspended { device } => {
            format!("{device} está suspenso, e fica fora do canal até ela ser levantada.")
        }
        Notice::Closed { by } => format!("{by} encerrou o caso."),
        Notice::Reopened { by } => format!("{by} reabriu o caso."),
        Notice::Founded { by } => {
            format!("{by} renovou as chaves de todo o canal. Tudo continua como antes.")
        }
        Notice::Expelled { by, authority } => {
            format!("{by} excluiu {authority} do canal, com o acordo das outras autoridades.")
        }
        Notice::LeftOut { by } => {
            format!(
                "{by} continua neste canal sem a sua autoridade. Se as outras concordaram, você fica fora; o que já tem continua legível."
            )
        }
        Notice::FoundedAgain { by } => {
            format!(
                "{by} renovou as chaves de todo o canal, porque com as anteriores ninguém conseguia continuar a ler."
            )
        }
        Notice::BundleChanged { version } => {
            format!("O canal segue a versão {version} da lista de autoridades da rede.")
        }
        Notice::RemovedDropped { officer } => {
            format!(
                "{officer} está fora: a lista de autoridades da rede não responde mais pelo certificado do seu dispositivo."
            )
        }
        Notice::RulesRaised { by } => {
            format!(
                "{by} passou o canal para regras mais novas, que todos os seus programas conhecem."
            )
        }
        Notice::PolicyChanged { by } => format!("{by} mudou os dados do canal."),
        Notice::VoidChange { by, reason } => {
            format!("Uma mudança de {by} violou as regras e não teve efeito: {reason}")
        }
        Notice::Unreadable { by, reason } => {
            format!("Uma mensagem de {by} não pôde ser lida: {reason}")
        }
        Notice::NotTheirs { by, place } => {
            format!(
                "{by} quis corrigir ou retirar o que está em {place}, que é de outra pessoa: nada mudou."
            )
        }
        Notice::FalseConfirmation { by, reason } => {
            format!("{by} fez constar uma confirmação que não vale nada: {reason}")
        }
        Notice::WithoutContent { by } => {
            format!(
                "Algo que {by} escreveu chegou sem o conteúdo, e até onde vai este registro ninguém mandou apagar: um relé o retém, ou foi mandado depois."
            )
        }
        Notice::ErasedUnread { author, by, place } => {
            format!(
                "O que {author} escreveu em {place} foi apagado antes de ser lido aqui: {by} mandou."
            )
        }
        Notice::HoldPlaced { by, authority } => {
            format!(
                "{authority} conserva as suas cópias, mesmo que algo seja retirado ou o prazo termine ({by})."
            )
        }
        Notice::HoldLifted { by, authority } => {
            format!(
                "{authority} já não retém as suas cópias: lá se apaga o que foi retirado ({by})."
            )
        }
        Notice::Expired { entries } => {
            format!(
                "Terminou o prazo pelo qual a sua autoridade conserva este caso: {entries} mensagens foram apagadas aqui."
            )
        }
        Notice::Restored { entries } => {
            format!("{entries} mensagens vêm de uma cópia de segurança.")
        }
        Notice::LeaveRequested { by } => format!("{by} pediu para sair."),
        Notice::Contested { by } => format!("{by} opôs-se a uma mudança."),
        Notice::Removed { by } => format!("{by} retirou você deste canal."),
        Notice::Stranded { by, may_rescue } => {
            let rescue = if may_rescue {
                " Se não chegou a ninguém, `enlace channel renew CASO --poisoned` dá chaves novas a todos."
            } else {
                ""
            };
            let told = format!(
                "Uma mudança de {by} não chegou a este dispositivo. Ele não pode escrever até que o \
             dispositivo de outro membro o traga de volta, o que acontece por si; o que você \
             escrever espera."
            );
            told + rescue
        }
        Notice::Resumed => "Este dispositivo pode ler de novo.".into(),
        Notice::NeedsNewerVersion => "Algo requer uma versão mais recente deste programa.".into(),
        Notice::FalseQuote { by } => {
            format!("{by} afirma ter visto mensagens que o servidor nunca assinou.")
        }
        Notice::Fork { hub } => format!(
            "O servidor de {hub} assinou duas histórias diferentes deste canal. Avise a sua \
             autoridade, e os outros membros por outra via."
        ),
        Notice::MoveWanted { by, from, to } => format!(
            "{by} quer que o servidor de {to} ordene este canal em vez do de {from}. Para concordar: `enlace channel move CANAL --to {to}`."
        ),
        Notice::Moved { from, to } => format!(
            "O servidor de {to} ordena agora este canal, e já não o de {from}, como querem responsáveis da maioria das autoridades. Nada mais mudou."
        ),
        Notice::HubDropped { hub } => format!(
            "{hub}, cujo servidor ordena este canal, já não está na rede. Os responsáveis devem deixar que o servidor de outra autoridade o ordene: `enlace channel move CANAL --to DOMÍNIO`."
        ),
        Notice::HubBeganAnew { hub, brought_back, lost } => {
            let what = match (lost, brought_back) {
                (true, _) => {
                    "foi restaurado de uma cópia antiga e faltam-lhe mensagens que ninguém \
                     pôde devolver"
                }
                (false, true) => {
                    "foi restaurado de uma cópia antiga; os membros devolveram-lhe o que \
                     faltava"
                }
                (false, false) => "foi interrompido e continua; não se sabe que falte algo",
            };
            format!("O servidor de {hub} {what}.")
        }
        Notice::SetBack { entries, is_stranded } => {
            let then = if is_stranded {
                " Este dispositivo não pode escrever até ser admitido de novo."
            } else {
                ""
            };
            format!(
                "O servidor perdeu {entries} mensagens que este dispositivo já tinha. As suas são \
                 enviadas de novo; as outras continuam guardadas aqui.{then}"
            )
        }
        Notice::Stopped { reason } => {
            format!("O que o servidor envia não confere e o canal fica em pausa: {reason}")
        }
        Notice::WelcomeRefused { reason } => format!("Um convite foi recusado: {reason}"),
        Notice::NotDone { reason } => format!("Algo que pediu não pode ser feito: {reason}"),
        Notice::NotAdmitted { officers, reason: Some(reason) } => {
            format!("{officers}: sem admissão, por {reason}")
        }
        Notice::NotAdmitted { officers, reason: None } => {
            format!("{officers}: sem admissão; os seus programas têm de correr uma vez.")
        }
        Notice::NoKeyPackage { officer } => format!(
            "{officer} poderá ser admitido assim que o seu programa se tiver conectado uma vez."
        ),
        Notice::SnapshotRestored => {
            "Este dispositivo foi restaurado de uma cópia. Continua a ler e não escreve nada. Se foi \
             você que o restaurou, execute `enlace device resume`. Se não, alguém o copiou: avise já \
             o seu registrador."
                .into()
        }
    }
}
