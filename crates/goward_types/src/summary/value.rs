//! Values of constants as bytes: small integers and strings as they are, all other numbers as the
//! exact text that Go writes for them, which the reader of literals understands.

use super::wire::{Damage, Reader, Writer};
use crate::constant::{LiteralKind, Operator, Value, binary_op, make_from_literal, to_float};

const UNKNOWN: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const STRING: u8 = 3;
const INT: u8 = 4;
const BIG_INT: u8 = 5;
const FRACTION: u8 = 6;
const FLOAT: u8 = 7;
const COMPLEX: u8 = 8;

pub(super) fn write(value: &Value, writer: &mut Writer) {
    match value {
        Value::Unknown => writer.byte(UNKNOWN),
        Value::Bool(false) => writer.byte(FALSE),
        Value::Bool(true) => writer.byte(TRUE),
        Value::String(string) => {
            writer.byte(STRING);
            writer.text(string.bytes());
        }
        Value::Int(number) => {
            writer.byte(INT);
            writer.signed(*number);
        }
        Value::BigInt(number) => {
            writer.byte(BIG_INT);
            writer.text(number.to_string().as_bytes());
        }
        Value::Rat(fraction) => {
            writer.byte(FRACTION);
            writer.text(fraction.numerator().to_string().as_bytes());
            writer.text(fraction.denominator().to_string().as_bytes());
        }
        Value::Float(_) => {
            writer.byte(FLOAT);
            writer.text(value.exact_string().as_bytes());
        }
        Value::Complex(parts) => {
            writer.byte(COMPLEX);
            write(&parts.0, writer);
            write(&parts.1, writer);
        }
    }
}

pub(super) fn read(reader: &mut Reader<'_>) -> Result<Value, Damage> {
    match reader.byte()? {
        COMPLEX => {
            let (real, imaginary) = (real(reader)?, real(reader)?);
            Ok(binary_op(
                &real,
                Operator::Add,
                &Value::make_imag(&imaginary),
            ))
        }
        kind => simple(kind, reader),
    }
}

/// A part of a complex value, which is not complex itself.
fn real(reader: &mut Reader<'_>) -> Result<Value, Damage> {
    let kind = reader.byte()?;
    simple(kind, reader)
}

fn simple(kind: u8, reader: &mut Reader<'_>) -> Result<Value, Damage> {
    let value = match kind {
        UNKNOWN => return Ok(Value::Unknown),
        FALSE => Value::Bool(false),
        TRUE => Value::Bool(true),
        STRING => Value::make_string(reader.text()?),
        INT => Value::Int(reader.signed()?),
        BIG_INT => number(reader, LiteralKind::Int)?,
        FRACTION => {
            let numerator = number(reader, LiteralKind::Int)?;
            let denominator = number(reader, LiteralKind::Int)?;
            to_float(&binary_op(&numerator, Operator::Quo, &denominator))
        }
        FLOAT => number(reader, LiteralKind::Float)?,
        _ => return Err("a constant in it is of no known kind"),
    };
    match value {
        Value::Unknown => Err("a constant in it is no number"),
        value => Ok(value),
    }
}

fn number(reader: &mut Reader<'_>, kind: LiteralKind) -> Result<Value, Damage> {
    let text = reader.utf8()?;
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let value = make_from_literal(digits, kind);
    Ok(match negative {
        true => binary_op(&Value::Int(0), Operator::Sub, &value),
        false => value,
    })
}

#[cfg(test)]
mod tests {
    use super::{Reader, Writer, read, write};
    use crate::constant::{LiteralKind, Operator, Value, binary_op, make_from_literal};

    #[test]
    fn values_come_back_exactly() {
        let float = |text| make_from_literal(text, LiteralKind::Float);
        let int = |text| make_from_literal(text, LiteralKind::Int);
        let negative = |value| binary_op(&Value::Int(0), Operator::Sub, &value);
        for value in [
            Value::Unknown,
            Value::Bool(true),
            Value::Bool(false),
            Value::make_string(b"a\xff\0b"),
            Value::Int(i64::MIN),
            int("18446744073709551615"),
            negative(int("0x1_0000_0000_0000_0000")),
            float("3.14159265358979323846264338327950288419716939937510582097494459"),
            float("1.0"),
            negative(float("0.5")),
            float("0x1p-5000"),
            negative(float("1e3000")),
            make_from_literal("2.5i", LiteralKind::Imaginary),
        ] {
            let mut writer = Writer::default();
            write(&value, &mut writer);
            let mut reader = Reader::new(&writer.bytes);
            let back = read(&mut reader).unwrap();
            assert!(reader.is_empty());
            assert_eq!(back.exact_string(), value.exact_string());
            assert_eq!(format!("{back:?}"), format!("{value:?}"));
        }
    }
}
