//! Kinds that are stored as a word, and told to people in others.

macro_rules! stored_words {
    ($(#[$about:meta])* $kind:ident: $($(#[$doc:meta])* $name:ident = $text:literal, $words:literal;)*) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $kind { $($(#[$doc])* $name,)* }

        impl $kind {
            /// As it is stored: one word that never changes.
            pub fn as_str(self) -> &'static str {
                match self { $($kind::$name => $text,)* }
            }

            /// For people.
            pub fn words(self) -> &'static str {
                match self { $($kind::$name => $words,)* }
            }

            pub(crate) fn from_str(text: &str) -> Option<$kind> {
                match text { $($text => Some($kind::$name),)* _ => None }
            }
        }
    };
}

pub(crate) use stored_words;
