//! Signatures and hashes: the vectors, and what is refused.

use inngest::{InvalidSigningKey, SignatureError, SigningKey, event_key_hash};
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};

use crate::support::{FALLBACK, KEY};

const BODY_A: &str = r#"{"ctx":{"attempt":0,"disable_immediate_execution":false,"env":"","fn_id":"b963ef63-45cc-57ae-8aeb-9569164ed586","run_id":"01M84QXPW54NAS7E8ZKX66VA56","stack":{"current":0,"stack":[]},"step_id":"step","use_api":false},"event":{"data":{"x":"é√😀 <&>"},"id":"01M84QXPSEXBN1EN4ZAFHP94FG","name":"probe/hello","ts":1795455638318,"user":{}},"events":[],"steps":{},"use_api":false,"version":-1}"#;
const SIGNATURE_A: &str = "t=1795455638&s=9e0e7305f73b0635c1f1bb214fdba4a30ceb167499ef2b1d041baf3a2cecfe93";
const TIME_A: i64 = 1_795_455_638;
const KEY_E: &str = "signkey-test-8ee2262a15e8d3c42d6a840db7af3de2aab08ef632b32a37a687f24b34dba3ff";
const BODY_E: &str = r#"{"ctx":{"fn_id":"local-testing-local-cron","run_id":"01GQ3HTEZ01M7R8Z9PR1DMHDN1","step_id":"step"},"event":{"data":{},"id":"","name":"inngest/scheduled.timer","ts":1674082830001,"user":{},"v":"1"},"events":[{"data":{},"id":"","name":"inngest/scheduled.timer","ts":1674082830001,"user":{},"v":"1"}],"steps":{},"use_api":false}"#;

fn key(text: &str) -> SigningKey {
    SigningKey::new(&text.into()).unwrap()
}

#[track_caller]
fn assert_vector(key: &SigningKey, body: &str, signature: &str) {
    let time: i64 = signature[2..].split('&').next().unwrap().parse().unwrap();
    assert_eq!(key.sign(body.as_bytes(), time), signature);
    assert_eq!(key.verify(signature, body.as_bytes(), time), Ok(()));
}

#[test]
fn vector_a_a_call() {
    assert_eq!(BODY_A.len(), 392);
    let hash = hex::encode(Sha256::digest(BODY_A));
    assert_eq!(hash, "12c930fd521eac366c788636206cdf1d37254e2f150ed3f31d2e62bbeb720195");
    assert_vector(&key(KEY), BODY_A, SIGNATURE_A);
}

#[test]
fn vector_b_a_sync_that_the_real_server_signed() {
    let signature = "t=1795455613&s=f36735993a2b8af4ff6a31c90ba9516a61cd14d18e6288733d00d078bee03f16";
    assert_vector(&key(KEY), r#"{"url":"http://localhost:4000/api/inngest"}"#, signature);
}

#[test]
fn vector_c_an_empty_body() {
    let signature = "t=1700000000&s=a5b3848cf54a129e782a682980081eaa0fea9734d52e1e52f1eca244b671e009";
    assert_vector(&key(KEY), "", signature);
}

#[test]
fn vector_d_an_answer() {
    let signature = "t=1700000000&s=0328d4e1c16d01c63ec1d8e0d78ad01a5b6ebac83a2b15c29b9da9f62e671d30";
    assert_vector(&key(KEY), r#"{"hi":1}"#, signature);
}

#[test]
fn vector_e_the_public_one() {
    let signature = "t=1689920619&s=31df77f5b1b029de4bfce3a77e0517aa4ce0f5e2195a6467fc126a489ca2330b";
    assert_vector(&key(KEY_E), BODY_E, signature);
}

#[test]
fn a_key_signs_the_same_with_and_without_its_prefix() {
    let bare = KEY.rsplit('-').next().unwrap();
    assert_vector(&key(bare), BODY_A, SIGNATURE_A);
    assert_vector(&key(&KEY.replace("prod", "branch_2")), BODY_A, SIGNATURE_A);
}

#[test]
fn the_bearer_token_is_the_hash_of_the_decoded_key() {
    let vectors = [
        (&KEY[13..], "4884fdaafea47c29fea7159d0daddd9c085d6200e1359e85bb81736af6b7c837"),
        ("signkey-prod-12345678", "signkey-prod-b2ed992186a5cb19f6668aade821f502c1d00970dfd0e35128d51bac4649916c"),
        (KEY_E, "signkey-test-e4bf4a2e7f55c7eb954b6e72f8f69628fbc409fe7da6d0f6958770987dcf0e02"),
    ];
    for (text, hash) in vectors {
        assert_eq!(key(text).bearer().expose_secret(), hash);
    }
}

#[test]
fn the_hash_of_an_event_key() {
    let hash = event_key_hash(&"deadbeefcafe".into());
    assert_eq!(hash, "21f5297fc4ea1163ce5442f91ce8504e2f902fead936face4f941fd4e2df5603");
}

#[test]
fn five_minutes_either_way() {
    let verify = |now| key(KEY).verify(SIGNATURE_A, BODY_A.as_bytes(), now);
    assert_eq!(verify(TIME_A + 300), Ok(()));
    assert_eq!(verify(TIME_A - 300), Ok(()));
    for now in [TIME_A + 301, TIME_A - 301] {
        assert_eq!(verify(now), Err(SignatureError::Expired { signed_at: TIME_A, now }));
    }
}

#[test]
fn nothing_may_be_changed() {
    let verify = |header: &str, body: &str| key(KEY).verify(header, body.as_bytes(), TIME_A);
    assert_eq!(verify(SIGNATURE_A, &BODY_A.replace("step", "Step")), Err(SignatureError::Mismatch));
    assert_eq!(verify(&SIGNATURE_A.replace("9e0e", "9e0f"), BODY_A), Err(SignatureError::Mismatch));
    assert_eq!(verify(&SIGNATURE_A.replace("5638", "5639"), BODY_A), Err(SignatureError::Mismatch));
    assert_eq!(verify(&SIGNATURE_A[..40], BODY_A), Err(SignatureError::Malformed));
    assert_eq!(verify(&SIGNATURE_A[..41], BODY_A), Err(SignatureError::Mismatch));
    assert_eq!(key(FALLBACK).verify(SIGNATURE_A, BODY_A.as_bytes(), TIME_A), Err(SignatureError::Mismatch));
}

#[test]
fn what_is_no_signature() {
    for header in ["", "nonsense", "t=1795455638", "s=9e0e", "t=&s=", "t=x&s=9e0e", "t=1795455638&s=xyz"] {
        let refused = key(KEY).verify(header, BODY_A.as_bytes(), TIME_A);
        assert_eq!(refused, Err(SignatureError::Malformed), "{header}");
    }
}

#[test]
fn what_is_no_key() {
    for text in ["", "signkey-prod-", "signkey-prod-xyz", "signkey-prod-123", "password"] {
        assert_eq!(SigningKey::new(&text.into()).err(), Some(InvalidSigningKey), "{text}");
    }
}

#[test]
fn a_key_does_not_show_itself() {
    let shown = format!("{:?}", key(KEY));
    assert!(!shown.contains(&KEY[13..]) && !shown.contains("4884fdaafea47c29"), "{shown}");
}
