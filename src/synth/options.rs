use std::fmt;
use std::str::FromStr;

use super::error::SynthError;

/// Declares an enum whose variants have one name each, written once and used
/// for reading, printing and listing alike.
macro_rules! named {
    ($(#[$doc:meta])* $enum:ident, $kind:literal { $($(#[$variant_doc:meta])* $variant:ident = $name:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $enum {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $enum {
            /// Every variant, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name used on the command line and in messages.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }

        impl fmt::Display for $enum {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.name())
            }
        }

        impl FromStr for $enum {
            type Err = SynthError;

            fn from_str(name: &str) -> Result<Self, SynthError> {
                Self::ALL
                    .iter()
                    .copied()
                    .find(|variant| variant.name() == name)
                    .ok_or_else(|| SynthError::UnknownName {
                        kind: $kind,
                        name: name.to_owned(),
                        known: [$($name),+].join(", "),
                    })
            }
        }
    };
}

named! {
    /// The shape of an export: who published or collected it, and how.
    Dialect, "dialect" {
        /// The charts site's daily download, one file per region and day.
        OfficialDaily = "official-daily",
        /// The charts site's weekly download, one file per region and week.
        OfficialWeekly = "official-weekly",
        /// The charts site's daily download before it was rebuilt: a banner
        /// line, lead artist only.
        OfficialOld = "official-old",
        /// The large merged data set that circulates on Kaggle.
        Kaggle = "kaggle",
        /// Weekly charts merged into one file with run lengths worked out.
        MergedWeekly = "merged-weekly",
        /// The output of the fycharts download tool, lead artist only.
        Fycharts = "fycharts",
        /// A scraper's weekly table, featured artists as a list in a cell.
        Scraper = "scraper",
        /// kworb.net's daily tables: no header, running totals.
        Kworb = "kworb",
    }
}

named! {
    /// How many files the charts are spread over.
    Layout, "layout" {
        /// Everything in one file, by date, then region, then rank.
        OneFile = "one-file",
        /// One file per day (or week), and per region where the dialect
        /// has neither date nor region in its rows.
        PerDay = "per-day",
    }
}

named! {
    /// How the files are compressed.
    Compression, "compression" {
        /// Plain text.
        None = "none",
        /// `.gz`
        Gzip = "gzip",
        /// `.zst`
        Zstd = "zstd",
    }
}

impl Compression {
    /// What is added to a file name.
    pub(super) const fn suffix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip => ".gz",
            Self::Zstd => ".zst",
        }
    }
}
