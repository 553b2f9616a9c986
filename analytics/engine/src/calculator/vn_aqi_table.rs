//! What QĐ 1459/QĐ-TCMT of 12/11/2019 lays down in tables: breakpoints (Bảng 2), classes with colours (Bảng 1),
//! effects on health (Bảng 4) and advice (Bảng 5), verbatim.

use jiff::civil::{Date, date};

/// One issue of the rules, with the document it stands in.
#[derive(Debug)]
pub struct Edition {
    /// The document.
    pub document: &'static str,
    /// Where in it the breakpoints stand.
    pub article: &'static str,
    /// The first day it holds: Điều 2, from the day it was issued.
    pub valid_from: Date,
    /// Index values of the eight levels (Ii).
    pub index: [u16; LEVELS],
    /// Concentrations of the levels (BPi), µg/m³, for each column of the table.
    pub breakpoints: [(Column, &'static [u32]); 7],
    /// Classes by index.
    pub classes: [Class; 6],
}

/// Levels of the breakpoint table.
pub const LEVELS: usize = 8;

/// A column of the breakpoint table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// PM2.5.
    Pm25,
    /// PM10.
    Pm10,
    /// Ozone, mean of one hour.
    O3Hour,
    /// Ozone, mean of eight hours; its table ends at level 6 (400 µg/m³).
    O3EightHours,
    /// Nitrogen dioxide.
    No2,
    /// Sulphur dioxide.
    So2,
    /// Carbon monoxide, in µg/m³ as all others.
    Co,
}

/// A class of air quality.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Class {
    /// Stable key.
    pub code: &'static str,
    /// The least index of the class.
    pub from: u16,
    /// The greatest.
    pub to: u16,
    /// The decision's word.
    pub name: &'static str,
    /// An English word of ours.
    pub name_en: &'static str,
    /// Its colour, red, green and blue.
    pub colour: [u8; 3],
    /// Bảng 4: the effect on health.
    pub effect: &'static str,
    /// Bảng 5: advice to people who are well.
    pub advice: &'static str,
    /// Bảng 5: advice to sensitive people.
    pub advice_sensitive: &'static str,
}

/// The rules in force on a day; none before the first we know (QĐ 878/QĐ-TCMT of 2011 used other breakpoints).
#[must_use]
pub fn edition(day: Date) -> Option<&'static Edition> {
    EDITIONS.iter().rev().find(|edition| edition.valid_from <= day)
}

impl Edition {
    /// The breakpoints of a column.
    #[must_use]
    pub fn column(&self, column: Column) -> &'static [u32] {
        self.breakpoints.iter().find(|(name, _)| *name == column).map_or(&[], |(_, points)| points)
    }

    /// The class of an index.
    #[must_use]
    pub fn class(&self, index: u16) -> Option<&Class> {
        self.classes.iter().find(|class| (class.from..=class.to).contains(&index))
    }
}

/// In order of their first day.
static EDITIONS: [Edition; 1] = [Edition {
    document: "QĐ 1459/QĐ-TCMT",
    article: "Bảng 2",
    valid_from: date(2019, 11, 12),
    index: [0, 50, 100, 150, 200, 300, 400, 500],
    breakpoints: [
        (Column::Pm25, &[0, 25, 50, 80, 150, 250, 350, 500]),
        (Column::Pm10, &[0, 50, 150, 250, 350, 420, 500, 600]),
        (Column::O3Hour, &[0, 160, 200, 300, 400, 800, 1_000, 1_200]),
        (Column::O3EightHours, &[0, 100, 120, 170, 210, 400]),
        (Column::No2, &[0, 100, 200, 700, 1_200, 2_350, 3_100, 3_850]),
        (Column::So2, &[0, 125, 350, 550, 800, 1_600, 2_100, 2_630]),
        (Column::Co, &[0, 10_000, 30_000, 45_000, 60_000, 90_000, 120_000, 150_000]),
    ],
    classes: CLASSES_2019,
}];

const CLASSES_2019: [Class; 6] = [
    Class {
        code: "good",
        from: 0,
        to: 50,
        name: "Tốt",
        name_en: "Good",
        colour: [0, 228, 0],
        effect: "Chất lượng không khí tốt, không ảnh hưởng tới sức khỏe",
        advice: "Tự do thực hiện các hoạt động ngoài trời",
        advice_sensitive: "Tự do thực hiện các hoạt động ngoài trời",
    },
    Class {
        code: "moderate",
        from: 51,
        to: 100,
        name: "Trung bình",
        name_en: "Moderate",
        colour: [255, 255, 0],
        effect: "Chất lượng không khí ở mức chấp nhận được. Tuy nhiên, đối với những người nhạy cảm (người già, \
                 trẻ em, người mắc các bệnh hô hấp, tim mạch…) có thể chịu những tác động nhất định tới sức khỏe.",
        advice: "Tự do thực hiện các hoạt động ngoài trời",
        advice_sensitive: "Nên theo dõi các triệu chứng như ho hoặc khó thở, nhưng vẫn có thể hoạt động bên ngoài.",
    },
    Class {
        code: "poor",
        from: 101,
        to: 150,
        name: "Kém",
        name_en: "Poor",
        colour: [255, 126, 0],
        effect: "Những người nhạy cảm gặp phải các vấn đề về sức khỏe, những người bình thường ít ảnh hưởng.",
        advice: "Những người thấy có triệu chứng đau mắt, ho hoặc đau họng… nên cân nhắc giảm các hoạt động ngoài \
                 trời. Đối với học sinh, có thể hoạt động bên ngoài, nhưng nên giảm bớt việc tập thể dục kéo dài.",
        advice_sensitive: "Nên giảm các hoạt động mạnh và giảm thời gian hoạt động ngoài trời. Những người mắc \
                           bệnh hen suyễn có thể cần sử dụng thuốc thường xuyên hơn.",
    },
    Class {
        code: "bad",
        from: 151,
        to: 200,
        name: "Xấu",
        name_en: "Bad",
        colour: [255, 0, 0],
        effect: "Những người bình thường bắt đầu có các ảnh hưởng tới sức khỏe, nhóm người nhạy cảm có thể gặp \
                 những vấn đề sức khỏe nghiêm trọng hơn.",
        advice: "Mọi người nên giảm các hoạt động mạnh khi ở ngoài trời, tránh tập thể dục kéo dài và nghỉ ngơi \
                 nhiều hơn trong nhà.",
        advice_sensitive: "Nên ở trong nhà và giảm hoạt động mạnh. Nếu cần thiết phải ra ngoài, hãy đeo khẩu \
                           trang đạt tiêu chuẩn.",
    },
    Class {
        code: "very_bad",
        from: 201,
        to: 300,
        name: "Rất xấu",
        name_en: "Very bad",
        colour: [143, 63, 151],
        effect: "Cảnh báo hưởng tới sức khỏe: mọi người bị ảnh hưởng tới sức khỏe nghiêm trọng hơn.",
        advice: "Mọi người hạn chế tối đa các hoạt động ngoài trời và chuyển tất cả các hoạt động vào trong nhà. \
                 Nếu cần thiết phải ra ngoài, hãy đeo khẩu trang đạt tiêu chuẩn.",
        advice_sensitive: "Nên ở trong nhà và giảm hoạt động mạnh.",
    },
    Class {
        code: "hazardous",
        from: 301,
        to: 500,
        name: "Nguy hại",
        name_en: "Hazardous",
        colour: [126, 0, 35],
        effect: "Cảnh báo khẩn cấp về sức khỏe: Toàn bộ dân số bị ảnh hưởng tới sức khỏe tới mức nghiêm trọng.",
        advice: HAZARDOUS_ADVICE,
        advice_sensitive: HAZARDOUS_ADVICE,
    },
];

/// One cell of the table for both groups.
const HAZARDOUS_ADVICE: &str = "Mọi người nên ở trong nhà, đóng cửa ra vào và cửa sổ. Nếu cần thiết phải ra ngoài, \
                                hãy đeo khẩu trang đạt tiêu chuẩn.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_edition_holds_from_its_day() {
        assert!(edition(date(2019, 11, 11)).is_none());
        assert_eq!(edition(date(2019, 11, 12)).map(|edition| edition.document), Some("QĐ 1459/QĐ-TCMT"));
        assert!(edition(date(2026, 11, 21)).is_some());
    }

    #[test]
    fn every_index_has_one_class_with_the_colour_of_the_decision() {
        let edition = edition(date(2026, 1, 1)).expect("an edition");
        let code = |index| edition.class(index).map(|class| (class.code, class.colour));
        let expected = [
            (0, "good", [0, 228, 0]),
            (50, "good", [0, 228, 0]),
            (51, "moderate", [255, 255, 0]),
            (100, "moderate", [255, 255, 0]),
            (101, "poor", [255, 126, 0]),
            (150, "poor", [255, 126, 0]),
            (151, "bad", [255, 0, 0]),
            (200, "bad", [255, 0, 0]),
            (201, "very_bad", [143, 63, 151]),
            (300, "very_bad", [143, 63, 151]),
            (301, "hazardous", [126, 0, 35]),
            (500, "hazardous", [126, 0, 35]),
        ];
        for (index, class, colour) in expected {
            assert_eq!(code(index), Some((class, colour)), "{index}");
        }
        assert_eq!(code(501), None);
    }

    #[test]
    fn breakpoints_rise() {
        for edition in &EDITIONS {
            for (column, points) in &edition.breakpoints {
                assert!(points.windows(2).all(|pair| pair[0] < pair[1]), "{column:?}");
                assert!(points.len() <= LEVELS, "{column:?}");
            }
        }
    }
}
