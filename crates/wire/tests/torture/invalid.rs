//! Section 3.1.2: what is wrong. Most must be refused; some only a user agent can judge.

use wire::sip::FieldError::{Range, Syntax};
use wire::sip::{MalformedKind, Name};

use super::{Row, judge, sdp, target};

#[test]
fn invalid_messages_are_refused_for_what_is_wrong_with_them() {
    judge(include_str!("rfc4475_invalid.txt"), ROWS);
}

const ROWS: &[Row] = &[
    Row::refused("badinv01", MalformedKind::Field(Name::Via, Syntax)),
    Row::refused("clerr", MalformedKind::BodyTooShort),
    Row::refused("ncl", MalformedKind::Field(Name::ContentLength, Syntax)),
    Row::refused("scalar02", MalformedKind::Field(Name::CSeq, Range)),
    Row::refused("scalarlg", MalformedKind::Field(Name::CSeq, Range)),
    Row::refused("quotbal", MalformedKind::Field(Name::To, Syntax)),
    Row::refused("ltgtruri", MalformedKind::RequestUri),
    Row::refused("lwsruri", MalformedKind::RequestUri),
    Row::refused("lwsstart", MalformedKind::RequestUri),
    Row::refused("trws", MalformedKind::StartLine),
    Row::taken("escruri", |m| {
        assert_eq!(target(m).headers, b"Route=%3Csip:example.com%3E");
        assert_eq!(m.routes().count(), 0);
    })
    .but("the RFC prefers 400; the headers are read as such and nobody uses them"),
    Row::taken("baddate", |m| {
        assert_eq!(m.first(Name::Date), Some(&b"Fri, 01 Jan 2010 16:00:00 EST"[..]));
        assert_eq!(sdp(m).media.len(), 2);
    })
    .but("the RFC lets a server ignore a date that it does not need"),
    Row::taken("regbadct", |m| {
        assert!(m.contacts().is_err()); // which the registrar answers with 400
        assert_eq!(m.to().unwrap().uri, b"sip:user@example.com");
    }),
    Row::refused("badaspec", MalformedKind::Field(Name::To, wire::sip::FieldError::Uri)),
    Row::refused("baddn", MalformedKind::Field(Name::From, Syntax)),
    Row::refused("badvers", MalformedKind::Version),
    Row::refused("mismatch01", MalformedKind::MethodMismatch),
    Row::refused("mismatch02", MalformedKind::MethodMismatch),
    Row::refused("bigcode", MalformedKind::Status),
];
