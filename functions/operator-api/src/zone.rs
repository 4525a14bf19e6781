//! The time zone in which a person reads the pages: a cookie holds the choice. The API speaks UTC.

use std::fmt;
use std::ops::Range;

use chrono::{DateTime, Duration, MappedLocalTime, NaiveDate, NaiveDateTime, NaiveTime, TimeZone as _, Utc};
use chrono_tz::Tz;

/// The cookie that holds a person's time zone, by its IANA name.
pub(crate) const ZONE_COOKIE: &str = "zone";

/// `2 Mar 2024, 15:00`.
pub(crate) const MINUTE: &str = "%-d %b %Y, %H:%M";
/// `2 Mar 2024, 15:00:12`.
pub(crate) const SECOND: &str = "%-d %b %Y, %H:%M:%S";

/// A time zone, as `Europe/Berlin`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Zone(Tz);

impl Zone {
    /// Used until a person has chosen one.
    pub(crate) const UTC: Self = Self(Tz::UTC);

    /// The time zone of this IANA name.
    pub(crate) fn of(name: &str) -> Option<Self> {
        name.parse().ok().map(Self)
    }

    /// All names, by region; those without a region but `UTC` are former names.
    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        let names = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name());
        names.filter(|name| *name == "UTC" || (name.contains('/') && !name.starts_with("Etc/")))
    }

    /// The IANA name.
    pub(crate) fn name(self) -> &'static str {
        self.0.name()
    }

    /// The day that it is at a moment.
    pub(crate) fn day_of(self, at: DateTime<Utc>) -> NaiveDate {
        at.with_timezone(&self.0).date_naive()
    }

    /// From the first moment of one day to the first moment after another.
    pub(crate) fn days(self, first: NaiveDate, last: NaiveDate) -> Range<DateTime<Utc>> {
        self.midnight(first)..self.midnight(last.succ_opt().unwrap_or(last))
    }

    /// The first moment of each of some days, and the end of the last one.
    pub(crate) fn starts(self, first: NaiveDate, last: NaiveDate) -> Vec<DateTime<Utc>> {
        let end = last.succ_opt().unwrap_or(last);
        first.iter_days().take_while(|day| *day <= end).map(|day| self.midnight(day)).collect()
    }

    /// The first moment of a day; where clocks go forward at midnight, that is later.
    fn midnight(self, day: NaiveDate) -> DateTime<Utc> {
        let start = day.and_time(NaiveTime::MIN);
        let tried = (0..4).map(|hours| start + Duration::hours(hours));
        tried.into_iter().find_map(|local| self.utc_of(local).earliest()).unwrap_or(start.and_utc())
    }

    /// The moment of a local time: none where clocks skip it, two where they repeat it.
    pub(crate) fn utc_of(self, local: NaiveDateTime) -> MappedLocalTime<DateTime<Utc>> {
        self.0.from_local_datetime(&local).map(|at| at.to_utc())
    }

    /// A moment in this zone, formatted; `form` is chrono's.
    pub(crate) fn text(self, at: DateTime<Utc>, form: &str) -> String {
        at.with_timezone(&self.0).format(form).to_string()
    }

    /// `2 Mar 2024, 15:00`, as HTML.
    pub(crate) fn moment(self, at: DateTime<Utc>) -> Moment {
        Moment { at, zone: self, form: MINUTE }
    }

    /// The same in a form of chrono's.
    pub(crate) fn formatted(self, at: DateTime<Utc>, form: &'static str) -> Moment {
        Moment { at, zone: self, form }
    }
}

/// A moment as an element of HTML, which shows UTC on hover where the person's zone is another.
pub(crate) struct Moment {
    at: DateTime<Utc>,
    zone: Zone,
    form: &'static str,
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, zone, form } = self;
        write!(f, "<time datetime=\"{}\"", at.format("%Y-%m-%dT%H:%M:%SZ"))?;
        if *zone != Zone::UTC {
            write!(f, " title=\"{} UTC\"", at.format(form))?;
        }
        write!(f, ">{}</time>", zone.text(*at, form))
    }
}

/// What it writes holds no text from outside.
impl askama::filters::HtmlSafe for Moment {}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_moment_is_shown_in_the_persons_zone_and_in_utc_on_hover() {
        let moment = at("2024-07-14T19:00:00Z");
        assert_eq!(
            Zone::of("Europe/Berlin").unwrap().moment(moment).to_string(),
            "<time datetime=\"2024-07-14T19:00:00Z\" title=\"14 Jul 2024, 19:00 UTC\">14 Jul 2024, 21:00</time>"
        );
        assert_eq!(
            Zone::UTC.moment(moment).to_string(),
            "<time datetime=\"2024-07-14T19:00:00Z\">14 Jul 2024, 19:00</time>"
        );
        assert_eq!(Zone::of("Mars/Olympus"), None);
        assert_eq!(Zone::of("<script>"), None);
    }

    #[test]
    fn a_day_begins_and_ends_where_the_person_is() {
        let day = "2024-03-31".parse().unwrap();
        // Clocks go forward on this day: it has 23 hours.
        assert_eq!(
            Zone::of("Europe/Berlin").unwrap().days(day, day),
            at("2024-03-30T23:00:00Z")..at("2024-03-31T22:00:00Z")
        );
        // There they went forward at midnight: the day began at 01:00.
        let day = "2018-11-04".parse().unwrap();
        assert_eq!(Zone::of("America/Sao_Paulo").unwrap().days(day, day).start, at("2018-11-04T03:00:00Z"));
    }

    #[test]
    fn days_around_a_change_of_the_clocks_have_23_and_25_hours() {
        let berlin = Zone::of("Europe/Berlin").unwrap();
        let hours = |first: &str, last: &str| -> Vec<i64> {
            let starts = berlin.starts(first.parse().unwrap(), last.parse().unwrap());
            starts.windows(2).map(|pair| (pair[1] - pair[0]).num_hours()).collect()
        };
        assert_eq!(hours("2024-03-30", "2024-04-01"), [24, 23, 24]);
        assert_eq!(hours("2024-10-27", "2024-10-27"), [25]);
    }

    #[test]
    fn every_name_offered_is_a_time_zone() {
        assert!(Zone::names().count() > 400);
        assert!(Zone::names().all(|name| Zone::of(name).is_some()));
    }
}
