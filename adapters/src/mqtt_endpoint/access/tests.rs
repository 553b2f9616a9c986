//! Topic rules and passwords.

use super::{MqttAccess, MqttPassword, Rules, covers, filter_valid, hash_password, matches, topic_valid};

#[test]
fn filters_match_as_the_standard_says() {
    // MQTT 5 §4.7.1.2 and §4.7.1.3 give these examples.
    assert!(matches("sport/tennis/player1/#", "sport/tennis/player1"));
    assert!(matches("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon"));
    assert!(matches("sport/#", "sport"));
    assert!(matches("sport/tennis/+", "sport/tennis/player2"));
    assert!(!matches("sport/tennis/+", "sport/tennis/player1/ranking"));
    assert!(!matches("sport/+", "sport"));
    assert!(matches("sport/+", "sport/"));
    assert!(matches("+/+", "/finance"));
    assert!(matches("/+", "/finance"));
    assert!(!matches("+", "/finance"));
    assert!(!matches("#", "$SYS/broker"));
    assert!(!matches("+/monitor/Clients", "$SYS/monitor/Clients"));
}

#[test]
fn a_requested_filter_must_lie_within_the_rule() {
    assert!(covers("a/#", "a/b/+"));
    assert!(covers("a/+/c", "a/+/c"));
    assert!(covers("a/+/c", "a/b/c"));
    assert!(!covers("a/b", "a/+"));
    assert!(!covers("a/+", "a/#"));
    assert!(!covers("a/+/c", "a/#"));
    assert!(!covers("a/+", "a/b/c"));
    assert!(!covers("a/b/c", "a/b"));
}

#[test]
fn malformed_filters_and_topics_are_found() {
    for filter in ["#", "+", "a/+/b/#", "/", "a//b", "$share"] {
        assert!(filter_valid(filter), "{filter} is well formed");
    }
    for filter in ["", "a/#/b", "a#", "+a", "a/b+", "##", "a\0b"] {
        assert!(!filter_valid(filter), "{filter:?} is malformed");
    }
    assert!(topic_valid("a/b", 3));
    for topic in ["", "a/+", "#", "a\0"] {
        assert!(!topic_valid(topic, 100), "{topic:?} is no topic name");
    }
    assert!(!topic_valid("a/bc", 3));
}

#[test]
fn a_client_id_cannot_widen_its_rule() {
    let access = MqttAccess {
        publish: vec!["nhip/v1/t/air/{client}".to_owned(), "u/{user}/#".to_owned()],
        subscribe: vec!["nhip/v1/+/+/{client}/command".to_owned()],
    };
    let rules = Rules::new(&access, "st1", "huyen");
    assert!(rules.may_publish("nhip/v1/t/air/st1"));
    assert!(!rules.may_publish("nhip/v1/t/air/st2"));
    assert!(rules.may_publish("u/huyen/a/b"));
    assert!(rules.may_subscribe("nhip/v1/t/air/st1/command"));
    assert!(!rules.may_subscribe("nhip/v1/t/air/+/command"));
    for client in ["+", "#", "a/b", "", "{user}"] {
        let rules = Rules::new(&access, client, "huyen");
        assert!(!rules.may_publish("nhip/v1/t/air/st1"), "client id {client:?} must match nothing");
        assert!(!rules.may_subscribe("nhip/v1/t/air/st1/command"), "client id {client:?}");
    }
    let rules = Rules::new(&MqttAccess::default(), "x", "");
    assert!(rules.may_publish("any/topic"));
    assert!(!rules.may_publish("$SYS/broker/load"));
    assert!(!rules.may_subscribe("#"));
    assert!(rules.may_subscribe("spBv1.0/g/NCMD/n/#"));
}

#[test]
fn passwords_match_themselves_only() {
    let stored = hash_password("bí mật").expect("randomness");
    assert_ne!(stored, hash_password("bí mật").expect("randomness"), "each has its own salt");
    let password = MqttPassword::Hash(stored);
    assert!(password.check().is_ok());
    assert!(password.matches("bí mật".as_bytes()));
    assert!(!password.matches(b"bi mat"));
    assert!(!password.matches(b""));
    assert!(MqttPassword::Plain("x".to_owned()).matches(b"x"));
    assert!(!MqttPassword::Plain("x".to_owned()).matches(b"y"));
    for broken in ["", "blake3$1$00", "md5$1$00$00", "blake3$1$0g$00", "blake3$99999999999$00$00"] {
        let password = MqttPassword::Hash(broken.to_owned());
        assert!(password.check().is_err(), "{broken}");
        assert!(!password.matches(b""), "{broken}");
    }
    assert!(!format!("{:?}", MqttPassword::Plain("secret".to_owned())).contains("secret"));
}
