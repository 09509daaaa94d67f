//! What former versions have left in stores: messages in which an envelope stood as the bytes that
//! are hashed, where the parts that are not known beside it stand now.

use bytes::Bytes;
use enlace_identity::canonical::DecodeError;
use enlace_proto::relay::v1 as wire;
use prost::Message;

use crate::envelope::Envelope;

/// Reads a kept delivery.
///
/// # Errors
/// When it is none.
pub fn read_delivery(bytes: &[u8]) -> Result<wire::WelcomeDelivery, DecodeError> {
    let mut delivery: wire::WelcomeDelivery = decode(bytes)?;
    if let Some(commit) = &mut delivery.commit
        && commit.envelope.is_none()
    {
        let former: Delivery = decode(bytes)?;
        let envelope = Envelope::decode(&former.commit.unwrap_or_default().envelope)?;
        commit.envelope = Some(Box::new(envelope.to_wire(!commit.payload.is_empty())));
    }
    Ok(delivery)
}

/// Reads a kept request.
///
/// # Errors
/// When it is none.
pub fn read_request(bytes: &[u8]) -> Result<wire::SubmitRequest, DecodeError> {
    let mut request: wire::SubmitRequest = decode(bytes)?;
    if request.envelope.is_none() {
        let former: Request = decode(bytes)?;
        let envelope = Envelope::decode(&former.envelope)?;
        request.channel = Some(envelope.channel.to_wire());
        request.envelope = Some(envelope.to_wire(true));
    }
    Ok(request)
}

fn decode<M: Message + Default>(bytes: &[u8]) -> Result<M, DecodeError> {
    M::decode(bytes).map_err(|_| DecodeError::Value("message"))
}

#[derive(Clone, PartialEq, Message)]
struct Delivery {
    #[prost(message, optional, tag = "3")]
    commit: Option<Item>,
}

#[derive(Clone, PartialEq, Message)]
struct Item {
    #[prost(bytes = "bytes", tag = "3")]
    envelope: Bytes,
}

#[derive(Clone, PartialEq, Message)]
struct Request {
    #[prost(bytes = "bytes", tag = "1")]
    envelope: Bytes,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ChannelId, ClientId, Commitment, Generation, ItemKind, PayloadHash, Seq, SubmitCounter,
        WelcomesHash, device_list::ListHash,
    };

    const PAYLOAD: &[u8] = b"payload";

    fn envelope(kind: ItemKind) -> Envelope {
        let is_commit = kind == ItemKind::Commit;
        Envelope {
            channel: ChannelId([1; 32]),
            generation: Generation(0),
            kind,
            author: "laptop.ana.officer.a.example".parse().unwrap(),
            client_id: ClientId([2; 16]),
            submit_counter: SubmitCounter(3),
            fence: Some(Seq(4)),
            last_valid_commit: Some(Seq(4)),
            commitment: if is_commit { Commitment::NONE } else { Commitment([5; 32]) },
            list_hash: if is_commit { ListHash([6; 32]) } else { ListHash::NONE },
            welcomes_hash: WelcomesHash::NONE,
            payload_hash: PayloadHash::of(PAYLOAD),
        }
    }

    #[test]
    fn a_delivery_of_a_former_version_is_read() {
        let envelope = envelope(ItemKind::Commit);
        let commit = wire::Item { seq: 4, payload: PAYLOAD.into(), ..wire::Item::default() };
        let hub = "a.example".to_owned();
        let delivery = wire::WelcomeDelivery { hub, ..wire::WelcomeDelivery::default() };
        // Fields of one message may stand in any order, and those of a part are put together.
        let former = Delivery { commit: Some(Item { envelope: envelope.encode().into() }) };
        let rest = wire::WelcomeDelivery { commit: Some(commit), ..delivery };
        let bytes = [former.encode_to_vec(), rest.encode_to_vec()].concat();
        let read = read_delivery(&bytes).unwrap();
        let parts = read.commit.clone().unwrap().envelope.unwrap();
        assert_eq!(Envelope::from_wire(envelope.channel, &parts, Some(PAYLOAD)), Ok(envelope));
        assert_eq!(read_delivery(&read.encode_to_vec()), Ok(read));
    }

    #[test]
    fn a_request_of_a_former_version_is_read() {
        let envelope = envelope(ItemKind::Entry);
        let request = wire::SubmitRequest { payload: PAYLOAD.into(), ..Default::default() };
        let former = Request { envelope: envelope.encode().into() };
        let bytes = [former.encode_to_vec(), request.encode_to_vec()].concat();
        let read = read_request(&bytes).unwrap();
        let sealed = crate::Sealed::from_request(&read).unwrap();
        assert_eq!(sealed.envelope(), &envelope);
        assert_eq!(sealed.payload().map(|payload| &payload[..]), Some(PAYLOAD));
        assert_eq!(read_request(&read.encode_to_vec()), Ok(read));
    }

    #[test]
    fn what_is_no_message_is_refused() {
        read_delivery(&[0xff]).unwrap_err();
        read_request(&[0xff]).unwrap_err();
        read_request(&wire::SubmitRequest::default().encode_to_vec()).unwrap_err();
    }
}
