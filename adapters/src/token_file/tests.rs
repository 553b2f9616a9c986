//! Tokens: given out once, checked, expired, revoked; a damaged file lets nobody in.

use nhip_proto::SourceId;

use super::*;

const NOW: ArrivalTime = ArrivalTime(1_800_000_000_000_000_000);

fn grant(name: &str) -> Grant {
    let scope = |one: &str| vec![one.to_owned()];
    let (streams, sources) = (scope("tourism"), scope("*"));
    Grant { name: name.to_owned(), streams, sources, write: true, read: true }
}

fn tokens(dir: &Path) -> TokenFile {
    TokenFile::with_clock(dir, || NOW)
}

#[tokio::test]
async fn a_token_allows_what_it_says_until_it_is_revoked() {
    let dir = tempfile::tempdir().expect("a directory");
    let given = tokens(dir.path());
    assert_eq!(given.check("nhip_00").await, Err(TokenRefusal::Unknown), "no file yet");
    let (id, secret) = given.add(grant("Sở Du lịch"), None).expect("added");
    assert!(secret.starts_with("nhip_") && secret.len() == 69, "{secret}");
    // Another process, as the command line is to the node.
    let node = tokens(dir.path());
    let allowed = node.check(&secret).await.expect("good");
    assert_eq!(allowed, grant("Sở Du lịch"));
    let stream = nhip_proto::StreamId::new("tourism");
    assert!(allowed.writes(&stream, &SourceId::new("so-du-lich")));
    assert!(!allowed.writes(&nhip_proto::StreamId::new("health"), &SourceId::new("so-du-lich")));
    assert!(allowed.reads("tourism", "any") && !allowed.reads("health", "any"));
    let silent = Grant { write: false, read: false, ..allowed };
    assert!(!silent.writes(&stream, &SourceId::new("any")) && !silent.reads("tourism", "any"));
    for wrong in ["", "nhip_", &secret[..68], &format!("{secret}0")] {
        assert_eq!(node.check(wrong).await, Err(TokenRefusal::Unknown), "{wrong}");
    }
    assert!(matches!(given.add(grant("Sở Du lịch"), None), Err(TokenFileError::Refused(_))), "name taken");
    assert_eq!(given.revoke("Sở Du lịch").expect("revoked").id, id);
    assert_eq!(node.check(&secret).await, Err(TokenRefusal::Revoked), "seen without a restart");
    assert!(given.revoke(&id).is_err(), "once");
    given.add(grant("Sở Du lịch"), None).expect("the name is free again");
}

#[tokio::test]
async fn a_token_ends_when_it_says() {
    let dir = tempfile::tempdir().expect("a directory");
    let given = tokens(dir.path());
    let (_, over) = given.add(grant("a"), Some(NOW)).expect("added");
    let (_, good) = given.add(grant("b"), Some(NOW.plus(1))).expect("added");
    assert_eq!(given.check(&over).await, Err(TokenRefusal::Expired));
    assert!(given.check(&good).await.is_ok());
}

#[tokio::test]
async fn the_file_holds_no_secret_and_is_the_owners_alone() {
    let dir = tempfile::tempdir().expect("a directory");
    let given = tokens(dir.path());
    let (_, secret) = given.add(grant("a"), None).expect("added");
    let file = fs::read(dir.path().join(FILE)).expect("a file");
    let bare = &secret.as_bytes()[PREFIX.len()..];
    assert!(!file.windows(bare.len()).any(|part| part == bare));
    let mode = fs::metadata(dir.path().join(FILE)).expect("facts").mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn any_changed_byte_lets_nobody_in() {
    let dir = tempfile::tempdir().expect("a directory");
    let (_, secret) = tokens(dir.path()).add(grant("a"), None).expect("added");
    let path = dir.path().join(FILE);
    let whole = fs::read(&path).expect("a file");
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        assert!(format::decoded(&changed).is_none(), "byte {at}");
        assert!(format::decoded(&whole[..at]).is_none(), "cut at {at}");
    }
    fs::write(&path, &whole[..whole.len() - 1]).expect("cut");
    assert!(matches!(tokens(dir.path()).check(&secret).await, Err(TokenRefusal::Failed(_))));
    assert!(tokens(dir.path()).add(grant("b"), None).is_err(), "nothing is written over a damaged file");
}

#[test]
fn the_bytes_of_format_1_stay_as_they_are() {
    let token = StoredToken {
        id: "0a1b2c3d".to_owned(),
        hash: blake3::Hash::from_bytes([7; 32]),
        grant: grant("a"),
        created: ArrivalTime(1),
        valid_to: None,
        revoked: Some(ArrivalTime(2)),
    };
    let bytes = format::encoded(std::slice::from_ref(&token));
    assert_eq!(bytes.get(..16), Some(b"NhipTok\0\x01\0\0\0\x01\0\0\0".as_slice()));
    assert_eq!(bytes.len(), 16 + 32 + 12 + 5 + 4 + 11 + 4 + 5 + 2 + 24 + 4);
    assert_eq!(format::decoded(&bytes), Some(vec![token]));
}
