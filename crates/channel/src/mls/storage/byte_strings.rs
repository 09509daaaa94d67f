//! Lists of bytes as byte strings: openmls describes its byte vectors to serde as lists of numbers,
//! and CBOR takes two bytes for most of these. What reads a list of numbers from CBOR reads it from a
//! byte string as well, so to openmls both are the same.

use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::one_byte::OneByte;

/// A value whose lists of bytes, at any depth, are written as byte strings.
pub(super) struct WithByteStrings<'a, T: ?Sized>(pub(super) &'a T);

impl<T: Serialize + ?Sized> Serialize for WithByteStrings<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(Inside(serializer))
    }
}

/// Hands on to a serializer, or to what it began, and has each value in it looked into.
struct Inside<S>(S);

/// A list of which all elements are bytes so far, or one that has begun as a list.
enum List<S: Serializer> {
    Bytes { serializer: S, length: Option<usize>, bytes: Vec<u8> },
    Begun(S::SerializeSeq),
}

impl<S: Serializer> SerializeSeq for Sequence<S> {
    type Ok = S::Ok;
    type Error = S::Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, element: &T) -> Result<(), S::Error> {
        if let Some(List::Bytes { bytes, .. }) = &mut self.0
            && let Ok(byte) = element.serialize(OneByte)
        {
            bytes.push(byte);
            return Ok(());
        }
        let mut list = self.0.take().expect(THERE).begin()?;
        list.serialize_element(&WithByteStrings(element))?;
        self.0 = Some(List::Begun(list));
        Ok(())
    }

    fn end(self) -> Result<S::Ok, S::Error> {
        match self.0.expect(THERE) {
            List::Bytes { serializer, bytes, .. } if !bytes.is_empty() => {
                serializer.serialize_bytes(&bytes)
            }
            list => list.begin()?.end(),
        }
    }
}

/// Gone only after an error, which ends the whole.
struct Sequence<S: Serializer>(Option<List<S>>);

const THERE: &str = "nothing is written to a list after an error";

impl<S: Serializer> List<S> {
    /// As a list, with the bytes that there are.
    fn begin(self) -> Result<S::SerializeSeq, S::Error> {
        match self {
            Self::Begun(list) => Ok(list),
            Self::Bytes { serializer, length, bytes } => {
                let mut list = serializer.serialize_seq(length)?;
                bytes.iter().try_for_each(|byte| list.serialize_element(byte))?;
                Ok(list)
            }
        }
    }
}

macro_rules! as_they_are {
    ($($serialize:ident: $type:ty;)*) => {$(
        fn $serialize(self, value: $type) -> Result<S::Ok, S::Error> {
            self.0.$serialize(value)
        }
    )*};
}

impl<S: Serializer> Serializer for Inside<S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Sequence<S>;
    type SerializeTuple = Inside<S::SerializeTuple>;
    type SerializeTupleStruct = Inside<S::SerializeTupleStruct>;
    type SerializeTupleVariant = Inside<S::SerializeTupleVariant>;
    type SerializeMap = Inside<S::SerializeMap>;
    type SerializeStruct = Inside<S::SerializeStruct>;
    type SerializeStructVariant = Inside<S::SerializeStructVariant>;

    as_they_are! {
        serialize_bool: bool;
        serialize_i8: i8;
        serialize_i16: i16;
        serialize_i32: i32;
        serialize_i64: i64;
        serialize_i128: i128;
        serialize_u8: u8;
        serialize_u16: u16;
        serialize_u32: u32;
        serialize_u64: u64;
        serialize_u128: u128;
        serialize_f32: f32;
        serialize_f64: f64;
        serialize_char: char;
        serialize_str: &str;
        serialize_bytes: &[u8];
        serialize_unit_struct: &'static str;
    }

    fn serialize_none(self) -> Result<S::Ok, S::Error> {
        self.0.serialize_none()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.0.serialize_some(&WithByteStrings(value))
    }

    fn serialize_unit(self) -> Result<S::Ok, S::Error> {
        self.0.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<S::Ok, S::Error> {
        self.0.serialize_unit_variant(name, index, variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        self.0.serialize_newtype_struct(name, &WithByteStrings(value))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        self.0.serialize_newtype_variant(name, index, variant, &WithByteStrings(value))
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Sequence<S>, S::Error> {
        let bytes = Vec::new();
        Ok(Sequence(Some(List::Bytes { serializer: self.0, length, bytes })))
    }

    fn serialize_tuple(self, length: usize) -> Result<Self::SerializeTuple, S::Error> {
        self.0.serialize_tuple(length).map(Inside)
    }

    fn serialize_tuple_struct(
        self,
        name: &'static str,
        length: usize,
    ) -> Result<Self::SerializeTupleStruct, S::Error> {
        self.0.serialize_tuple_struct(name, length).map(Inside)
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Self::SerializeTupleVariant, S::Error> {
        self.0.serialize_tuple_variant(name, index, variant, length).map(Inside)
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Self::SerializeMap, S::Error> {
        self.0.serialize_map(length).map(Inside)
    }

    fn serialize_struct(
        self,
        name: &'static str,
        length: usize,
    ) -> Result<Self::SerializeStruct, S::Error> {
        self.0.serialize_struct(name, length).map(Inside)
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Self::SerializeStructVariant, S::Error> {
        self.0.serialize_struct_variant(name, index, variant, length).map(Inside)
    }

    fn is_human_readable(&self) -> bool {
        self.0.is_human_readable()
    }
}

macro_rules! each_value {
    ($($what:ident: $($serialize:ident($($name:ident)?))*;)*) => {$(
        impl<S: $what> $what for Inside<S> {
            type Ok = S::Ok;
            type Error = S::Error;

            $(fn $serialize<T: Serialize + ?Sized>(
                &mut self,
                $($name: &'static str,)?
                value: &T,
            ) -> Result<(), S::Error> {
                self.0.$serialize($($name,)? &WithByteStrings(value))
            })*

            fn end(self) -> Result<S::Ok, S::Error> {
                self.0.end()
            }
        }
    )*};
}

each_value! {
    SerializeTuple: serialize_element();
    SerializeTupleStruct: serialize_field();
    SerializeTupleVariant: serialize_field();
    SerializeMap: serialize_key() serialize_value();
    SerializeStruct: serialize_field(name);
    SerializeStructVariant: serialize_field(name);
}
