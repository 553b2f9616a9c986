//! Topics to stream, source and dialect.

use std::sync::Arc;

use nhip_ingest::{Router, Taken, Turned};

use crate::stage::profile;

fn routed(topic: &str) -> String {
    routed_as(topic, "")
}

fn routed_as(topic: &str, content_type: &str) -> String {
    let router = Router::new(Arc::new(profile()));
    match router.route(topic, content_type) {
        Ok(Taken { stream_id, source, dialect, clear_topic, topic_is_clear, .. }) => {
            let sealed = if topic_is_clear { "" } else { " sealed" };
            format!("{stream_id} {source} {} {clear_topic}{sealed}", dialect.id())
        }
        Err(Turned { reason, stream, .. }) => {
            format!("{reason} {}", stream.map_or("", |stream| stream.id.as_str()))
        }
    }
}

#[test]
fn native_topics_need_no_route() {
    let cases = [
        ("nhip/v1/tay-ninh/air/KK01", "air KK01 native-json@1 nhip/v1/tay-ninh/air/KK01"),
        ("nhip/v1/tay-ninh/air/KK01/pb", "air KK01 native-protobuf@1 nhip/v1/tay-ninh/air/KK01/pb"),
        ("nhip/v1/tay-ninh/camera/new", "camera new native-json@1 nhip/v1/tay-ninh/camera/new"),
        ("nhip/v1/tay-ninh/air/stranger", "unknown_source air"),
        ("nhip/v1/tay-ninh/camera/", "unknown_source camera"),
        ("nhip/v1/tay-ninh/camera/a\u{202e}b", "unknown_source camera"),
        ("nhip/v1/tay-ninh/camera/a\nb", "unknown_source camera"),
        ("nhip/v1/tay-ninh/camera/ a", "unknown_source camera"),
        ("nhip/v1/elsewhere/air/KK01", "no_route "),
        ("nhip/v1/tay-ninh/water/KK01", "no_route "),
        ("nhip/v1/tay-ninh/air/KK01/json", "no_route "),
        ("nhip/v1/tay-ninh/air/KK01/pb/more", "no_route "),
        ("nhip/v1/tay-ninh/air", "no_route "),
        ("nhip/v2/tay-ninh/air/KK01", "no_route "),
        ("", "no_route "),
    ];
    for (topic, want) in cases {
        assert_eq!(routed(topic), want, "{topic}");
    }
    let long = format!("nhip/v1/tay-ninh/camera/{}", "x".repeat(129));
    assert_eq!(routed(&long), "unknown_source camera");
    assert_eq!(routed(&"/".repeat(60_000)), "no_route ");
}

#[test]
fn a_content_type_says_protobuf() {
    let topic = "nhip/v1/tay-ninh/air/KK01";
    for content_type in ["application/x-protobuf", "Application/X-Protobuf; v=1", "application/protobuf"] {
        assert!(routed_as(topic, content_type).contains("native-protobuf@1"), "{content_type}");
    }
    assert!(routed_as(topic, "application/json").contains("native-json@1"));
}

#[test]
fn two_spellings_of_a_source_are_one() {
    let want = "air trạm-2 native-json@1 nhip/v1/tay-ninh/air/tra\u{323}m-2";
    assert_eq!(routed("nhip/v1/tay-ninh/air/tra\u{323}m-2"), want);
}

#[test]
fn a_source_listed_for_another_stream_is_a_stranger() {
    let mut profile = profile().with_source("CAM1", "camera", "80");
    profile.streams.get_mut("air").expect("declared").open = false;
    let router = Router::new(Arc::new(profile));
    assert!(router.route("nhip/v1/tay-ninh/air/CAM1", "").is_err());
}

#[test]
fn foreign_topics_come_by_routes_and_show_only_what_these_name() {
    let cases = [
        ("plant/51A-123/line/7/data", "camera line-7 native-json@1 plant/+/line/7/data sealed"),
        ("plant/all/51A-123/x", "camera all native-json@1 plant/all/# sealed"),
        ("plant/all", "camera all native-json@1 plant/all/# sealed"),
        ("plant/x/line/7", "no_route "),
        ("$SYS/lora/1", "no_route "),
        ("a/lora/1", "no_route "),
    ];
    for (topic, want) in cases {
        assert_eq!(routed(topic), want, "{topic}");
    }
}

#[test]
fn sparkplug_topics_name_node_and_device() {
    let device = "spBv1.0/Sparkplug B Devices/DDATA/Raspberry Pi/Pibrella";
    let node = "spBv1.0/Sparkplug B Devices/NBIRTH/Raspberry Pi";
    assert_eq!(
        routed(device),
        format!("air Sparkplug B Devices/Raspberry Pi/Pibrella sparkplug-b@1 {device}")
    );
    assert_eq!(
        routed(node),
        format!("air Sparkplug B Devices/Raspberry Pi sparkplug-b@1 {node}"),
        "a listed device vouches for its node"
    );
    let cases = [
        ("spBv1.0/Sparkplug B Devices/NBIRTH/Raspberry", "unknown_source air"),
        ("spBv1.0/Sparkplug B Devices/DDATA/Raspberry Pi/Other", "unknown_source air"),
        ("spBv1.0/Sparkplug B Devices/NCMD/Raspberry Pi", "no_route "),
        ("spBv1.0/Sparkplug B Devices/DCMD/Raspberry Pi/Pibrella", "no_route "),
        ("spBv1.0/STATE/host", "no_route "),
        ("spBv1.0/Sparkplug B Devices/NDATA/Raspberry Pi/Pibrella", "no_route "),
    ];
    for (topic, want) in cases {
        assert_eq!(routed(topic), want, "{topic}");
    }
}
