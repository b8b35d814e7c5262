//! The places charts are kept for.

/// The script and spelling a region's own artists use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tongue {
    English,
    /// Latin letters with accents.
    Diacritics,
    Hangul,
    Arabic,
}

/// A chart region.
#[derive(Debug)]
pub struct Region {
    /// `global` or a two-letter code.
    pub code: &'static str,
    /// The full English name.
    pub name: &'static str,
    /// The name as the scraper's source spells it.
    pub short_name: &'static str,
    /// How much of the world's listening happens here, in 100,000ths.
    pub share: u64,
    pub tongue: Tongue,
}

const fn region(
    code: &'static str,
    name: &'static str,
    short_name: &'static str,
    share: u64,
    tongue: Tongue,
) -> Region {
    Region { code, name, short_name, share, tongue }
}

/// The world first, then its parts from large to small, so that a request for
/// a few regions gets those with the longest charts.
pub static REGIONS: &[Region] = &[
    region("global", "Global", "Global", 100_000, Tongue::English),
    region("us", "United States", "USA", 20_800, Tongue::English),
    region("br", "Brazil", "Brazil", 7520, Tongue::Diacritics),
    region("mx", "Mexico", "Mexico", 7200, Tongue::Diacritics),
    region("in", "India", "India", 6080, Tongue::English),
    region("gb", "United Kingdom", "United Kingdom", 4480, Tongue::English),
    region("de", "Germany", "Germany", 3840, Tongue::Diacritics),
    region("ph", "Philippines", "Philippines", 3360, Tongue::English),
    region("id", "Indonesia", "Indonesia", 3680, Tongue::English),
    region("es", "Spain", "Spain", 2720, Tongue::Diacritics),
    region("fr", "France", "France", 2640, Tongue::Diacritics),
    region("it", "Italy", "Italy", 2480, Tongue::Diacritics),
    region("au", "Australia", "Australia", 2160, Tongue::English),
    region("tr", "Turkey", "Turkey", 2000, Tongue::Diacritics),
    region("ca", "Canada", "Canada", 2080, Tongue::English),
    region("ar", "Argentina", "Argentina", 1920, Tongue::Diacritics),
    region("cl", "Chile", "Chile", 1840, Tongue::Diacritics),
    region("pl", "Poland", "Poland", 1520, Tongue::Diacritics),
    region("nl", "Netherlands", "Netherlands", 1440, Tongue::Diacritics),
    region("co", "Colombia", "Colombia", 1360, Tongue::Diacritics),
    region("jp", "Japan", "Japan", 1280, Tongue::English),
    region("pe", "Peru", "Peru", 1200, Tongue::Diacritics),
    region("se", "Sweden", "Sweden", 1120, Tongue::Diacritics),
    region("kr", "South Korea", "South Korea", 880, Tongue::Hangul),
    region("th", "Thailand", "Thailand", 760, Tongue::English),
    region("tw", "Taiwan", "Taiwan", 720, Tongue::English),
    region("my", "Malaysia", "Malaysia", 704, Tongue::English),
    region("vn", "Vietnam", "Vietnam", 656, Tongue::Diacritics),
    region("no", "Norway", "Norway", 640, Tongue::Diacritics),
    region("dk", "Denmark", "Denmark", 624, Tongue::Diacritics),
    region("fi", "Finland", "Finland", 560, Tongue::Diacritics),
    region("be", "Belgium", "Belgium", 544, Tongue::Diacritics),
    region("pt", "Portugal", "Portugal", 512, Tongue::Diacritics),
    region("za", "South Africa", "South Africa", 496, Tongue::English),
    region("ie", "Ireland", "Ireland", 480, Tongue::English),
    region("ec", "Ecuador", "Ecuador", 472, Tongue::Diacritics),
    region("at", "Austria", "Austria", 448, Tongue::Diacritics),
    region("sa", "Saudi Arabia", "Saudi Arabia", 432, Tongue::Arabic),
    region("ch", "Switzerland", "Switzerland", 416, Tongue::Diacritics),
    region("eg", "Egypt", "Egypt", 400, Tongue::Arabic),
    region("nz", "New Zealand", "New Zealand", 384, Tongue::English),
    region("sg", "Singapore", "Singapore", 376, Tongue::English),
    region("ro", "Romania", "Romania", 360, Tongue::Diacritics),
    region("cz", "Czech Republic", "Czech Republic", 344, Tongue::Diacritics),
    region("hu", "Hungary", "Hungary", 328, Tongue::Diacritics),
    region("hk", "Hong Kong", "Hong Kong", 320, Tongue::English),
    region("il", "Israel", "Israel", 312, Tongue::English),
    region("gr", "Greece", "Greece", 296, Tongue::English),
    region("gt", "Guatemala", "Guatemala", 288, Tongue::Diacritics),
    region("cr", "Costa Rica", "Costa Rica", 280, Tongue::Diacritics),
    region("bo", "Bolivia", "Bolivia", 264, Tongue::Diacritics),
    region("ae", "United Arab Emirates", "UAE", 256, Tongue::Arabic),
    region("pk", "Pakistan", "Pakistan", 248, Tongue::English),
    region("ua", "Ukraine", "Ukraine", 232, Tongue::English),
    region("do", "Dominican Republic", "Dominican Republic", 224, Tongue::Diacritics),
    region("py", "Paraguay", "Paraguay", 208, Tongue::Diacritics),
    region("uy", "Uruguay", "Uruguay", 200, Tongue::Diacritics),
    region("sv", "El Salvador", "El Salvador", 192, Tongue::Diacritics),
    region("hn", "Honduras", "Honduras", 184, Tongue::Diacritics),
    region("pa", "Panama", "Panama", 168, Tongue::Diacritics),
    region("sk", "Slovakia", "Slovakia", 160, Tongue::Diacritics),
    region("ma", "Morocco", "Morocco", 152, Tongue::Arabic),
    region("kz", "Kazakhstan", "Kazakhstan", 136, Tongue::English),
    region("bg", "Bulgaria", "Bulgaria", 128, Tongue::English),
    region("ng", "Nigeria", "Nigeria", 120, Tongue::English),
    region("ni", "Nicaragua", "Nicaragua", 104, Tongue::Diacritics),
    region("ve", "Venezuela", "Venezuela", 96, Tongue::Diacritics),
    region("lt", "Lithuania", "Lithuania", 88, Tongue::Diacritics),
    region("lv", "Latvia", "Latvia", 72, Tongue::Diacritics),
    region("ee", "Estonia", "Estonia", 64, Tongue::Diacritics),
    region("is", "Iceland", "Iceland", 56, Tongue::Diacritics),
    region("cy", "Cyprus", "Cyprus", 40, Tongue::English),
    region("lu", "Luxembourg", "Luxembourg", 32, Tongue::Diacritics),
    region("by", "Belarus", "Belarus", 24, Tongue::English),
];
