//! Whether a value is one byte, and which.

use std::fmt::Display;

use serde::ser::{Error, Impossible, Serialize, Serializer};
use thiserror::Error as ThisError;

/// A serializer to which everything but one `u8` is an error.
pub(super) struct OneByte;

#[derive(Debug, ThisError)]
#[error("not a byte")]
pub(super) struct NotAByte;

impl Error for NotAByte {
    fn custom<T: Display>(_: T) -> Self {
        Self
    }
}

type Answer = Result<u8, NotAByte>;
type Never = Impossible<u8, NotAByte>;

macro_rules! no {
    ($($serialize:ident($($type:ty),*) -> $answer:ty;)*) => {$(
        no!(@ $serialize [$($type),*] $answer);
    )*};
    (@ $serialize:ident [] $answer:ty) => {
        fn $serialize(self) -> Result<$answer, NotAByte> { Err(NotAByte) }
    };
    (@ $serialize:ident [$a:ty] $answer:ty) => {
        fn $serialize(self, _: $a) -> Result<$answer, NotAByte> { Err(NotAByte) }
    };
    (@ $serialize:ident [$a:ty, $b:ty] $answer:ty) => {
        fn $serialize(self, _: $a, _: $b) -> Result<$answer, NotAByte> { Err(NotAByte) }
    };
    (@ $serialize:ident [$a:ty, $b:ty, $c:ty] $answer:ty) => {
        fn $serialize(self, _: $a, _: $b, _: $c) -> Result<$answer, NotAByte> { Err(NotAByte) }
    };
    (@ $serialize:ident [$a:ty, $b:ty, $c:ty, $d:ty] $answer:ty) => {
        fn $serialize(self, _: $a, _: $b, _: $c, _: $d) -> Result<$answer, NotAByte> {
            Err(NotAByte)
        }
    };
}

impl Serializer for OneByte {
    type Ok = u8;
    type Error = NotAByte;
    type SerializeSeq = Never;
    type SerializeTuple = Never;
    type SerializeTupleStruct = Never;
    type SerializeTupleVariant = Never;
    type SerializeMap = Never;
    type SerializeStruct = Never;
    type SerializeStructVariant = Never;

    fn serialize_u8(self, value: u8) -> Answer {
        Ok(value)
    }

    no! {
        serialize_bool(bool) -> u8;
        serialize_i8(i8) -> u8;
        serialize_i16(i16) -> u8;
        serialize_i32(i32) -> u8;
        serialize_i64(i64) -> u8;
        serialize_u16(u16) -> u8;
        serialize_u32(u32) -> u8;
        serialize_u64(u64) -> u8;
        serialize_f32(f32) -> u8;
        serialize_f64(f64) -> u8;
        serialize_char(char) -> u8;
        serialize_str(&str) -> u8;
        serialize_bytes(&[u8]) -> u8;
        serialize_none() -> u8;
        serialize_unit() -> u8;
        serialize_unit_struct(&'static str) -> u8;
        serialize_unit_variant(&'static str, u32, &'static str) -> u8;
        serialize_seq(Option<usize>) -> Never;
        serialize_tuple(usize) -> Never;
        serialize_tuple_struct(&'static str, usize) -> Never;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Never;
        serialize_map(Option<usize>) -> Never;
        serialize_struct(&'static str, usize) -> Never;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Never;
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Answer {
        Err(NotAByte)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, _: &T) -> Answer {
        Err(NotAByte)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Answer {
        Err(NotAByte)
    }
}
