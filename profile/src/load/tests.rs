//! The checks of `load`: each kind of mistake with its exact text.

use crate::{Mistake, Profile, load};

const PROFILE: &str = r#"
[profile]
id = "test"
name = { vi = "Thử", en = "Test" }
zone = "Asia/Ho_Chi_Minh"

[[domain]]
id = "env"
name = { vi = "Môi trường", en = "Environment" }

[[quantity]]
name = "pm25"
label = { vi = "Bụi mịn PM2.5", en = "PM2.5" }
unit = "ug/m3"
scale = 1
min = 0
max = 999.9

[[stream]]
id = "air"
name = { vi = "Không khí", en = "Air" }
identity = "time"
cadence = "60s"
quantities = { pm25 = "µg/m³" }
states = { status = ["online", "offline"] }

[[indicator]]
id = "env.pm25_1h"
name = { vi = "PM2.5 1 giờ", en = "PM2.5 1 h" }
domain = "env"
unit = "µg/m³"
scale = 1
owner = "Sở"
basis = "QCVN 05:2023/BTNMT"
stream = "air"
mean = "pm25"
window = "1h"
direction = "worse"

[[threshold]]
indicator = "env.pm25_1h"
limit = 50
valid_from = "2023-01-01"
valid_to = "2026-01-01"
document = "QCVN 05:2023/BTNMT"

[[view]]
id = "main"
title = { vi = "Chính", en = "Main" }
tiles = ["env.pm25_1h"]
map = "env.pm25_1h"
"#;
const AREAS: &str = "# test\ncode,name,name_en,kind,parent,column,row\n80,Tây Ninh,Tay Ninh,province,,,\n\
    1,Một,One,xa,80,0,0\n2,Hai,Two,xa,80,1,0\n";
const SOURCES: &str = "id,stream,area,name,name_en,owner\ns1,air,1,Trạm 1,Station 1,Sở\n";

fn files(profile: &str, areas: &str, sources: &str) -> Vec<(String, String)> {
    [("profile.toml", profile), ("areas.csv", areas), ("sources.csv", sources)]
        .map(|(path, text)| (path.to_owned(), text.to_owned()))
        .to_vec()
}

fn loaded(profile: &str) -> Result<Profile, Vec<Mistake>> {
    load(&files(profile, AREAS, SOURCES))
}

fn shown(result: Result<Profile, Vec<Mistake>>) -> Vec<String> {
    result.err().unwrap_or_default().iter().map(Mistake::to_string).collect()
}

#[test]
fn a_good_profile_has_no_mistake() {
    assert_eq!(shown(loaded(PROFILE)), Vec::<String>::new());
}
