//! A request that is sent again does nothing again: the header `Idempotency-Key`
//! (draft-ietf-httpapi-idempotency-key-header-07).
//!
//! 1. The first request with a key is done, and its answer is kept beside a hash of what was asked.
//! 2. The same request with the same key gets the same answer, with `Idempotency-Replayed: true`.
//! 3. Another request with it is refused, and so is the same one while the first is still being done.
//!
//! Keys belong to whoever asks; nobody meets another's. They are kept in memory for a day: a cloud that is started anew
//! has forgotten them. What went wrong in a way that may pass (nobody signed in, too many tries, too slow, stopping) is
//! not kept: it may be sent again.

use conclave_directory::TokenHash;
use conclave_types::Secret;
use ring::digest::{SHA256, digest};
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

/// How long an answer is kept.
const KEPT: Duration = Duration::from_secs(86_400);

/// Answers kept for one asker. A script that makes a thousand things at once can ask for each of them again.
const MOST_OF_ONE: usize = 1_000;

/// Answers kept in all: with 64 KiB each 640 MiB at the worst, with the usual kilobyte 10 MiB.
const MOST: usize = 10_000;

/// The longest answer that is kept. None of what changes something has a tenth of it.
pub(super) const LONGEST_ANSWER: usize = 64 * 1024;

/// What a key may be: 1 to 128 visible characters of ASCII.
pub(super) fn is_key(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|octet| octet.is_ascii_graphic())
}

/// What is asked: a hash of method, path with query, and body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Asked([u8; 32]);

impl Asked {
    /// Of one request.
    pub(super) fn of(method: &str, path: &str, body: &[u8]) -> Asked {
        let mut all = Vec::with_capacity(method.len() + path.len() + body.len() + 2);
        for part in [method.as_bytes(), b" ", path.as_bytes(), b"\n", body] {
            all.extend_from_slice(part);
        }
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, &all).as_ref());
        Asked(hash)
    }
}

/// An answer that is kept. It may hold a secret that is told once.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    /// The status.
    pub(super) status: u16,
    /// `Content-Type`, when there is a body.
    pub(super) media_type: Option<String>,
    /// The body.
    pub(super) body: Secret<Vec<u8>>,
}

/// What to do with a request that has a key.
#[derive(Debug)]
pub(super) enum First {
    /// It is the first one: do it, then say [`Answers::keep`] or [`Answers::forget`].
    Yes,
    /// It was done: this was the answer.
    Was(Kept),
    /// It is being done.
    BeingDone,
    /// The key was another request's.
    Another,
}

#[derive(Debug)]
struct Entry {
    asked: Asked,
    at: Instant,
    answer: Option<Kept>,
}

type Key = (TokenHash, String);

/// The answers of one day.
#[derive(Debug, Default)]
pub(super) struct Answers {
    entries: BTreeMap<Key, Entry>,
    /// In the order in which they came; one whose place was taken by a newer one of theirs stands here until its turn comes.
    order: VecDeque<(Instant, Key)>,
}

impl Answers {
    /// A request with this key came.
    pub(super) fn begin(&mut self, now: Instant, who: TokenHash, key: &str, asked: Asked) -> First {
        self.drop_old(now);
        let key = (who, key.to_owned());
        match self.entries.get(&key) {
            Some(entry) if entry.asked != asked => First::Another,
            Some(Entry { answer: Some(answer), .. }) => First::Was(answer.clone()),
            Some(_) => First::BeingDone,
            None => {
                self.make_room(who);
                self.entries.insert(key.clone(), Entry { asked, at: now, answer: None });
                self.order.push_back((now, key));
                First::Yes
            }
        }
    }

    /// It was done, and this is the answer.
    pub(super) fn keep(&mut self, who: TokenHash, key: &str, answer: Kept) {
        if let Some(entry) = self.entries.get_mut(&(who, key.to_owned())) {
            entry.answer = Some(answer);
        }
    }

    /// It was not done, and may be sent again.
    pub(super) fn forget(&mut self, who: TokenHash, key: &str) {
        let key = (who, key.to_owned());
        self.entries.remove(&key);
        // Strangers' requests end here: they must not push out what others sent.
        if let Some(at) = self.order.iter().rposition(|(_, other)| *other == key) {
            self.order.remove(at);
        }
    }

    fn drop_old(&mut self, now: Instant) {
        while self.order.front().is_some_and(|(at, _)| now.duration_since(*at) >= KEPT) {
            self.drop_first();
        }
    }

    fn drop_first(&mut self) {
        let Some((at, key)) = self.order.pop_front() else { return };
        // The same key may have been used anew since.
        if self.entries.get(&key).is_some_and(|entry| entry.at == at) {
            self.entries.remove(&key);
        }
    }

    /// The oldest goes: of whoever has too many, or else of all.
    fn make_room(&mut self, who: TokenHash) {
        let of_one = || (who, String::new())..;
        let own = self.entries.range(of_one()).take_while(|((whose, _), _)| *whose == who);
        if own.clone().count() >= MOST_OF_ONE {
            let oldest = own.min_by_key(|(_, entry)| entry.at).map(|(key, _)| key.clone());
            oldest.into_iter().for_each(|key| drop(self.entries.remove(&key)));
        }
        while self.order.len() >= MOST {
            self.drop_first();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use conclave_directory::Token;

    fn who(number: u8) -> TokenHash {
        Token::from_random([number; 32]).hash()
    }

    fn answer(text: &str) -> Kept {
        Kept { status: 200, media_type: None, body: Secret::new(text.as_bytes().to_vec()) }
    }

    fn asked(body: &str) -> Asked {
        Asked::of("POST", "/api/v1/groups", body.as_bytes())
    }

    #[test]
    fn the_same_request_gets_the_same_answer_and_another_one_is_told_from_it() {
        let (mut answers, now) = (Answers::default(), Instant::now());
        assert!(matches!(answers.begin(now, who(1), "a", asked("x")), First::Yes));
        assert!(matches!(answers.begin(now, who(1), "a", asked("x")), First::BeingDone));
        answers.keep(who(1), "a", answer("done"));
        let First::Was(was) = answers.begin(now, who(1), "a", asked("x")) else {
            panic!("it was done")
        };
        assert_eq!(was.body.expose(), b"done");
        assert!(matches!(answers.begin(now, who(1), "a", asked("y")), First::Another));
        // Somebody else's key is none of theirs.
        assert!(matches!(answers.begin(now, who(2), "a", asked("x")), First::Yes));
    }

    #[test]
    fn what_may_be_sent_again_is_done_again_and_a_day_later_everything_is() {
        let (mut answers, now) = (Answers::default(), Instant::now());
        assert!(matches!(answers.begin(now, who(1), "a", asked("x")), First::Yes));
        answers.forget(who(1), "a");
        assert!(answers.order.is_empty());
        assert!(matches!(answers.begin(now, who(1), "a", asked("x")), First::Yes));
        answers.keep(who(1), "a", answer("done"));
        let almost = now + KEPT - Duration::from_secs(1);
        assert!(matches!(answers.begin(almost, who(1), "a", asked("x")), First::Was(_)));
        assert!(matches!(answers.begin(now + KEPT, who(1), "a", asked("x")), First::Yes));
    }

    #[test]
    fn one_who_sends_many_loses_their_own_and_nobody_elses_and_there_is_a_bound_for_all() {
        let (mut answers, now) = (Answers::default(), Instant::now());
        answers.begin(now, who(0), "mine", asked("x"));
        answers.keep(who(0), "mine", answer("done"));
        for number in 0..MOST_OF_ONE + 10 {
            answers.begin(now, who(1), &format!("{number}"), asked("x"));
        }
        let of_one = answers.entries.keys().filter(|(whose, _)| *whose == who(1)).count();
        assert_eq!(of_one, MOST_OF_ONE);
        assert!(matches!(answers.begin(now, who(0), "mine", asked("x")), First::Was(_)));
        for asker in 2..20 {
            for number in 0..MOST_OF_ONE {
                answers.begin(now, who(asker), &format!("{number}"), asked("x"));
            }
        }
        assert!(answers.entries.len() <= MOST && answers.order.len() <= MOST);
    }

    #[test]
    fn keys_are_visible_and_short() {
        for (key, is) in [("a", true), ("", false), ("a b", false), ("é", false)] {
            assert_eq!(is_key(key), is, "{key}");
        }
        assert!(is_key(&"k".repeat(128)) && !is_key(&"k".repeat(129)));
    }
}
