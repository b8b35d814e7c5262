//! Days and the calendar, by hand.

/// Days since 1970-01-01, a Thursday.
pub type Day = i64;

pub fn parse_day(text: &str) -> Option<Day> {
    let [y, m, d] = text.split('-').map(|part| part.parse().ok()).collect::<Option<Vec<i64>>>()?[..] else {
        return None;
    };
    let (shifted_year, shifted_month) = if m > 2 { (y, m - 3) } else { (y - 1, m + 9) };
    let leap_days = shifted_year / 4 - shifted_year / 100 + shifted_year / 400;
    let day = 365 * shifted_year + leap_days + (153 * shifted_month + 2) / 5 + d - 1 - 719_468;
    (iso(day) == text).then_some(day)
}

pub fn iso(day: Day) -> String {
    let days_in_year = |y: i64| 365 + i64::from(y % 4 == 0 && (y % 100 != 0 || y % 400 == 0));
    let (mut year, mut rest) = (1970, day);
    while rest < 0 {
        year -= 1;
        rest += days_in_year(year);
    }
    while rest >= days_in_year(year) {
        rest -= days_in_year(year);
        year += 1;
    }
    let february = days_in_year(year) - 337;
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if rest < length {
            break;
        }
        rest -= length;
        month += 1;
    }
    format!("{year:04}-{month:02}-{:02}", rest + 1)
}

/// A date as a number such as 20240320.
pub fn number(day: Day) -> i64 {
    iso(day).replace('-', "").parse().expect("digits")
}

/// The window of a clock that a date falls into.
pub fn window(clock: &str, day: Day) -> String {
    match clock {
        "calendar_year" => iso(day)[..4].to_owned(),
        "calendar_month" => iso(day)[..7].to_owned(),
        _ => "all".to_owned(),
    }
}

/// First and last day of a year or a month.
pub fn calendar(window: &str) -> (Day, Day) {
    let (year, month) = window.split_once('-').unwrap_or((window, ""));
    let year: i64 = year.parse().expect("a year");
    let first_of = |year: i64, month: i64| parse_day(&format!("{year:04}-{month:02}-01")).expect("a month");
    match month.parse() {
        Ok(12) => (first_of(year, 12), first_of(year + 1, 1) - 1),
        Ok(month) => (first_of(year, month), first_of(year, month + 1) - 1),
        Err(_) => (first_of(year, 1), first_of(year + 1, 1) - 1),
    }
}
