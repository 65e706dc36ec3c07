//! What a password is held against: the hash of whoever is named, and for a login that is nobody's somebody else's, so that
//! either is looked at once and costs the same. A hash that was brought along in a file may cost more or less than ours: a
//! login of nobody's then takes as long as one of the administrators, and always as long as the same one.
//!
//! Not here: the hashing (`store`), places at it (`places`), the count of failures (`guard`).

use std::hash::{BuildHasher as _, RandomState};

use model::config::Office;
use model::{Id, Secret};

use super::person;

/// Somebody's password, or nobody's.
pub(super) struct Scale {
    /// Whose it is; `None`: there is no such administrator.
    pub found: Option<(Id, Secret)>,
    against: Secret,
}

impl Scale {
    /// For who says that he is `login`. `nobody` stands in where there is no administrator at all, `lot` draws.
    pub(super) fn of(office: &Office, login: &str, nobody: &Secret, lot: &RandomState) -> Scale {
        let found = person(office, login).map(|(id, _, hash)| (id, hash.clone()));
        let other = drawn(office, login, lot).unwrap_or(nobody);
        let against = found.as_ref().map_or(other, |(_, hash)| hash).clone();
        Scale { found, against }
    }

    /// Whether the password is right: one look by `verify`, whoever it is.
    pub(super) fn weigh(&self, password: &Secret, verify: impl FnOnce(&str, &Secret) -> bool) -> bool {
        let fits = verify(self.against.expose(), password);
        fits && self.found.is_some()
    }
}

/// The hash of one of the administrators, for one login always the same.
fn drawn<'a>(office: &'a Office, login: &str, lot: &RandomState) -> Option<&'a Secret> {
    let hashes = || office.users.keys().filter_map(|login| person(office, login)).map(|(_, _, hash)| hash);
    // Drawn by the largest lot, not by number: who comes or goes moves nobody else.
    hashes().max_by_key(|hash| lot.hash_one((login, hash.expose())))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use model::config::{Object, Role, User};

    use super::*;

    /// An office of these people: login, role, cost of the hash.
    fn office(people: &[(&str, Role, &str)]) -> Office {
        let mut office = Office::default();
        for (number, (login, role, cost)) in (1..).zip(people) {
            let user = User { login: (*login).into(), role: *role, ..User::default() };
            let object = Object { id: Id::from_bits(number), value: Arc::new(user) };
            office.users.insert((*login).into(), object);
            let hash = Secret::new(format!("$argon2id$v=19${cost}$salt{login}$hash"));
            office.password_hashes.insert((*login).into(), hash);
        }
        office
    }

    /// What each hashing cost that a sign-in by this login led to.
    fn costs(office: &Office, login: &str, lot: &RandomState) -> Vec<String> {
        let mut costs = Vec::new();
        let scale = Scale::of(office, login, &Secret::new("$argon2id$v=19$m=1,t=1,p=1$s$h".into()), lot);
        let fits = scale.weigh(&Secret::new("wrong".into()), |hash, _| {
            costs.extend(hash.split('$').nth(3).map(str::to_owned));
            true
        });
        assert_eq!(fits, scale.found.is_some(), "nobody's password never fits");
        costs
    }

    #[test]
    fn whoever_is_named_costs_one_hashing_of_the_same_kind() {
        let lot = RandomState::new();
        let logins = ["admin", "eve", "phone", "", "ADMIN"];
        for cost in ["m=19456,t=2,p=1", "m=65536,t=3,p=4"] {
            let office = office(&[("admin", Role::Full, cost), ("phone", Role::User, "m=8,t=1,p=1")]);
            for login in logins {
                assert_eq!(costs(&office, login, &lot), [cost], "{login}");
            }
        }
        for login in logins {
            assert_eq!(costs(&Office::default(), login, &lot), ["m=1,t=1,p=1"], "{login}");
        }
    }

    #[test]
    fn where_hashes_cost_differently_nobody_is_like_one_of_them_and_stays_so() {
        let lot = RandomState::new();
        let one = ("admin", Role::Full, "m=19456,t=2,p=1");
        let other = ("brought", Role::Operator, "m=65536,t=3,p=4");
        let both = office(&[one, other]);
        let drawn: Vec<_> = (0..200).map(|n| costs(&both, &format!("no{n}"), &lot)).collect();
        let dear = drawn.iter().filter(|cost| cost[..] == ["m=65536,t=3,p=4"]).count();
        assert!((40..160).contains(&dear), "{dear} of 200");
        let again: Vec<_> = (0..200).map(|n| costs(&both, &format!("no{n}"), &lot)).collect();
        assert_eq!(drawn, again);
    }
}
