//! Options as JavaScript writes them, turned into what the core checks. Nothing is decided here.

use bursar::core::OptionValue;
use napi::bindgen_prelude::{Array, BigInt, FromNapiValue, JsObjectValue, Object, Unknown};
use napi::{JsValue, ValueType};

/// Whole numbers up to here are exact in JavaScript.
const LARGEST_EXACT: f64 = 9_007_199_254_740_992.0;

/// One value; what can't be an option is shown the way JavaScript names it.
pub(crate) fn option_value(value: Unknown<'_>) -> napi::Result<OptionValue> {
    let kind = value.get_type()?;
    Ok(match kind {
        ValueType::Undefined | ValueType::Null => OptionValue::Null,
        ValueType::Boolean => OptionValue::Bool(bool::from_unknown(value)?),
        ValueType::Number => number(f64::from_unknown(value)?),
        ValueType::String => OptionValue::Text(String::from_unknown(value)?),
        ValueType::BigInt => big(BigInt::from_unknown(value)?),
        ValueType::Object if !value.is_array()? && !value.is_date()? => map(value)?,
        _ => shown(value)?,
    })
}

fn number(value: f64) -> OptionValue {
    if value.fract() == 0.0 && value.abs() <= LARGEST_EXACT {
        OptionValue::Int(value as i128)
    } else {
        OptionValue::Float(value)
    }
}

fn big(value: BigInt) -> OptionValue {
    let (whole, lossless) = value.get_i128();
    if lossless {
        OptionValue::Int(whole)
    } else {
        OptionValue::Other("a bigint beyond 128 bits".to_owned())
    }
}

/// What stands in a mapping: no mapping itself, but it may be a list.
fn within(value: Unknown<'_>) -> napi::Result<OptionValue> {
    if value.get_type()? != ValueType::Object {
        return option_value(value);
    }
    if !value.is_array()? {
        return shown(value);
    }
    let array = Array::from_unknown(value)?;
    let mut values = Vec::new();
    for index in 0..array.len() {
        let one: Option<Unknown<'_>> = array.get(index)?;
        values.push(match one {
            Some(one) if one.get_type()? == ValueType::Object => shown(one)?,
            Some(one) => option_value(one)?,
            None => OptionValue::Null,
        });
    }
    Ok(OptionValue::List(values))
}

/// Names with amounts, or with lists.
fn map(value: Unknown<'_>) -> napi::Result<OptionValue> {
    let object = Object::from_unknown(value)?;
    let mut pairs = Vec::new();
    for name in Object::keys(&object)? {
        let amount: Unknown<'_> = object.get_named_property(&name)?;
        pairs.push((name, within(amount)?));
    }
    Ok(OptionValue::Map(pairs))
}

fn shown(value: Unknown<'_>) -> napi::Result<OptionValue> {
    let text = match value.get_type()? {
        ValueType::Function => "a function",
        ValueType::Symbol => "a symbol",
        _ if value.is_array()? => "an array",
        _ => "an object",
    };
    Ok(OptionValue::Other(text.to_owned()))
}
