//! A season's address at football-data.org.

use football::domain::{Mode, RoundAddress, StandingsMode};
use serde::Serialize;
use url::Url;

use super::stage;

/// The start of every stored URL, whatever host requests go to.
const API: &str = "https://api.football-data.org/v4";

/// A competition of the free plan. Others are known by what their address has.
struct Competition {
    id: u32,
    code: &'static str,
    /// Its name as SofaScore's addresses have it.
    name: &'static str,
    mode: Mode,
    standings_mode: StandingsMode,
    /// Whether a season is one calendar year.
    in_one_year: bool,
}

const fn league(id: u32, code: &'static str, name: &'static str) -> Competition {
    let (mode, standings_mode) = (Mode::RegularSeasonOnly, StandingsMode::UniqueGroup);
    Competition { id, code, name, mode, standings_mode, in_one_year: false }
}

const fn groups(id: u32, code: &'static str, name: &'static str) -> Competition {
    let (mode, standings_mode) = (Mode::RegularSeasonAndKnockout, StandingsMode::MultiGroup);
    Competition { id, code, name, mode, standings_mode, in_one_year: true }
}

const COMPETITIONS: [Competition; 12] = [
    groups(2000, "WC", "fifa-world-cup"),
    Competition { mode: Mode::RegularSeasonAndKnockout, ..league(2001, "CL", "uefa-champions-league") },
    league(2002, "BL1", "bundesliga"),
    league(2003, "DED", "eredivisie"),
    Competition { in_one_year: true, ..league(2013, "BSA", "brasileirao-serie-a") },
    league(2014, "PD", "laliga"),
    league(2015, "FL1", "ligue-1"),
    league(2016, "ELC", "championship"),
    league(2017, "PPL", "primeira-liga"),
    groups(2018, "EC", "uefa-euro"),
    league(2019, "SA", "serie-a"),
    league(2021, "PL", "premier-league"),
];

/// One season of one competition.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct SeasonRef {
    /// The competition's code, `PL`; its id where the address has another one than those of the free plan.
    pub competition: String,
    /// The year in which the season begins.
    pub season: i32,
}

impl SeasonRef {
    /// Reads `https://api.football-data.org/v4/competitions/{code}/matches?season={year}`, and nothing else.
    pub fn parse(base_url: &str) -> Option<Self> {
        let rest = base_url.strip_prefix(API)?.strip_prefix("/competitions/")?;
        let (competition, season) = rest.split_once("/matches?season=")?;
        Self::of(competition, season)
    }

    /// The season of a competition, by its code or id.
    pub(super) fn of(competition: &str, season: &str) -> Option<Self> {
        let is_code = (1..=8).contains(&competition.len())
            && competition.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        let is_year = season.len() == 4 && season.bytes().all(|byte| byte.is_ascii_digit());
        let known =
            competition.parse().ok().and_then(|id: u32| COMPETITIONS.iter().find(|other| other.id == id));
        let competition = known.map_or(competition, |known| known.code).to_owned();
        (is_code && is_year).then(|| season.parse().ok().map(|season| Self { competition, season }))?
    }

    /// The season's URL as the application stores it.
    pub fn base_url(&self) -> String {
        format!("{API}{}/matches?season={}", self.path(), self.season)
    }

    /// A round's URL as the application stores it.
    pub fn round_url(&self, address: &RoundAddress) -> String {
        match &address.slug {
            Some(slug) => format!("{}&stage={}", self.base_url(), stage::of_slug(slug).unwrap_or(slug)),
            None => {
                let stage =
                    address.prefix.as_deref().map(|prefix| format!("&stage={}", prefix.to_uppercase()));
                format!("{}{}&matchday={}", self.base_url(), stage.unwrap_or_default(), address.number)
            }
        }
    }

    /// The provider's id of the competition, where it is known; its code otherwise.
    pub fn external_id(&self) -> String {
        self.known().map_or_else(|| self.competition.clone(), |known| known.id.to_string())
    }

    fn known(&self) -> Option<&'static Competition> {
        COMPETITIONS.iter().find(|known| known.code == self.competition)
    }

    /// The competition's name, as SofaScore's addresses have it; none: it is none of the free plan.
    pub(in crate::provider) fn name(&self) -> Option<&'static str> {
        self.known().map(|known| known.name)
    }

    /// How the competition is played.
    pub(in crate::provider) fn modes(&self) -> Option<(Mode, StandingsMode)> {
        self.known().map(|known| (known.mode, known.standings_mode))
    }

    /// The season as people call it: `2025/26`, or `2026` of a competition that is played in one year.
    pub(in crate::provider) fn label(&self) -> String {
        match self.known() {
            Some(known) if known.in_one_year => self.season.to_string(),
            _ => format!("{}/{:02}", self.season, (self.season + 1).rem_euclid(100)),
        }
    }

    /// The path of the competition below the API.
    pub(super) fn path(&self) -> String {
        format!("/competitions/{}", self.competition)
    }
}

/// Reads a round's address back from a stored URL; none if it is not one of a round.
pub(in crate::provider) fn round_address(url: &str) -> Option<RoundAddress> {
    let url = Url::parse(url).ok().filter(|url| url.as_str().starts_with(API))?;
    let value =
        |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    let matchday = value("matchday").and_then(|number| number.parse().ok());
    let stage = value("stage").unwrap_or_else(|| stage::ANY_TABLE.to_owned());
    Some(stage::round(&stage, matchday)?.address)
}

/// Reads a season as a person gives it: the API's address, or code and year, as `PL 2025`.
pub(in crate::provider) fn season_of_text(text: &str) -> Option<SeasonRef> {
    let text = text.trim();
    let (competition, season) = match text.split_once([' ', '/']) {
        Some((competition, season)) if !text.contains(':') => (competition, season),
        _ => return SeasonRef::parse(text),
    };
    SeasonRef::of(&competition.to_uppercase(), season.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_back() {
        let season = season_of_text(" pl 2025").unwrap();
        assert_eq!(season.base_url(), "https://api.football-data.org/v4/competitions/PL/matches?season=2025");
        assert_eq!(season.external_id(), "2021");
        let by_id = "https://api.football-data.org/v4/competitions/2021/matches?season=2025";
        assert_eq!(SeasonRef::parse(by_id), Some(season.clone()));
        for (stage, matchday) in
            [("REGULAR_SEASON", Some(7)), ("APERTURA", Some(3)), ("LAST_16", None), ("FINAL", None)]
        {
            let address = super::stage::round(stage, matchday).unwrap().address;
            assert_eq!(round_address(&season.round_url(&address)), Some(address));
        }
        for text in [
            "",
            "PL",
            "PL 25",
            "https://api.football-data.org/v4/competitions/../x/matches?season=2025",
            "https://evil.example/v4/competitions/PL/matches?season=2025",
        ] {
            assert_eq!(season_of_text(text), None, "{text}");
        }
        assert_eq!(round_address("https://evil.example/?matchday=7"), None);
    }
}
