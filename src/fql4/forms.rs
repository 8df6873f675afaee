//! The table of forms: one declaration for each function of the language (`spec fql4 6`).
//!
//! A [`Form`] is declared once, in the file of its family under `functions`, with its name in texts, its keys on the
//! wire and what each of them accepts, how a text's arguments become keys, its effect, the versions that have it, and the
//! function that runs it. The reader of the wire finds forms by their key sets, the reader of texts and the printer by
//! names; a second list of function names anywhere is a defect.
//!
//! Arguments reach a form's function evaluated and cast: the casts stand in the declaration ([`Cast`]), and all errors of
//! all arguments are collected before the function would run. The [`Special`] forms evaluate their parts themselves.

use super::error::Result;
use super::eval::{Arguments, Evaluator};
use super::functions;
use super::version::ApiVersion;
use crate::FastMap;
use crate::fql::interp::Effect;
use std::sync::OnceLock;

/// One declaration.
#[derive(Debug)]
pub struct Form {
    /// Its names in texts, the one that is printed first; none if it can only be sent.
    pub names: &'static [&'static str],
    /// Its keys, in the order in which they are evaluated and written. The first one is always required.
    pub keys: &'static [Key],
    /// How the arguments of a text become keys.
    pub text: TextRule,
    /// What running it does, beside what its arguments do.
    pub effect: Effect,
    /// The versions that have it.
    pub versions: Versions,
    /// What it does.
    pub run: Run,
}

/// A key of a form.
#[derive(Debug)]
pub struct Key {
    /// On the wire.
    pub name: &'static str,
    /// May be left out.
    pub optional: bool,
    /// What it accepts.
    pub cast: Cast,
}

/// What a key accepts (`spec fql4 4.3`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cast {
    /// Anything.
    Any,
    /// Anything but arrays, objects, documents, pages, sets, lambdas and events.
    Scalar,
    /// An integer.
    Integer,
    /// A number.
    Number,
    /// A Boolean.
    Boolean,
    /// Text.
    String,
    /// `null`
    Null,
    /// An object.
    Object,
    /// An array.
    Array,
    /// A literal lambda: read as such, and evaluated to a closure.
    Lambda,
    /// A literal lambda, or an expression.
    LambdaOrAny,
    /// A reference that resolves.
    Ref,
    /// A reference to a collection, native ones included.
    CollectionRef,
    /// A reference to a database.
    DatabaseRef,
    /// A reference to a database, or null.
    DatabaseRefOrNull,
    /// A reference of any kind, or text.
    NameOrRef,
    /// A reference to an index, or text.
    NameOrIndexRef,
    /// A reference or a set; a native collection becomes a set.
    Identifier,
    /// The same, and references that do not resolve.
    IdentifierOrUnresolved,
    /// A set; a native collection becomes one.
    Set,
    /// An array, page or set; a native collection becomes a set.
    Iterable,
    /// An array or set.
    SetOrArray,
    /// A Time, or an integer of microseconds: becomes a Time.
    Timestamp,
    /// The same, or the time of the transaction.
    TransactionTimestamp,
    /// A Time or Date.
    Temporal,
    /// The name of a unit of time.
    TimeUnit,
    /// A path: text, an integer, or an array of them. Becomes an array.
    Path,
    /// The name of a normal form.
    Normalizer,
    /// A regular expression.
    Regex,
    /// `create`, `update`, `delete`. Becomes an action.
    DocumentAction,
    /// What can be a term of an index.
    MatchTerm,
    /// One or an array of them, at least one. Becomes an array.
    OneOrMore(&'static Cast),
    /// One or an array of them. Becomes an array.
    ZeroOrMore(&'static Cast),
}

/// How a text's arguments become the values of keys (`spec fql4 1.3`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextRule {
    /// Arguments are the keys in order. Those beyond `required` may be left out, and are when they are `null`.
    Positional {
        /// At least so many.
        required: usize,
        /// At most so many; further keys cannot be typed.
        most: usize,
    },
    /// Like `Positional`, but how many there are at most is not looked at.
    AtLeast {
        /// At least so many.
        required: usize,
    },
    /// Like `Positional`, all required, in the reverse order of the keys: `Map(collection, lambda)`.
    Reversed,
    /// So many arguments are keys in order; the rest together are the value of the next: one is itself, several are an
    /// array, none an array without elements. With `fixed: 0` at least one argument.
    Varargs {
        /// Arguments before them.
        fixed: usize,
    },
    /// The arguments, at least one, are an array, even a single one: `Do`.
    List,
    /// No argument; the key is `null`.
    Nothing,
    /// One argument or none, which is `null`: `Collections(scope)`.
    OneOrNull,
    /// A name, and a scope that is sent whenever there is a second argument.
    NameAndScope,
    /// `Let(bindings, in)`
    Let,
    /// `Object(fields)`
    Object,
    /// `Lambda(pattern, expr)`, or `Lambda(function)`
    Lambda,
    /// `Ref(collection, id)`, or `Ref("collections/x/1")`, which is an `@ref`.
    Ref,
    /// `Bytes("base64")`: an `@bytes`.
    Bytes,
    /// `Paginate(set, options)`: the options are keys beside `paginate`.
    Options,
    /// `Select(path, from, default)`: a default that is `null` is sent; one that is left out is not.
    Select,
    /// `Create(collection, params)`: only params that are left out are not sent.
    Create,
    /// Cannot be typed.
    WireOnly,
}

impl TextRule {
    /// How many arguments a text gives: at least, and at most, `None` for no limit.
    pub fn arity(self, form: &Form) -> (usize, Option<usize>) {
        match self {
            TextRule::Positional { required, most } => (required, Some(most)),
            TextRule::AtLeast { required } => (required, None),
            TextRule::Reversed => (form.keys.len(), Some(form.keys.len())),
            TextRule::Varargs { fixed } => (fixed.max(1), None),
            TextRule::List => (1, None),
            TextRule::Nothing => (0, Some(0)),
            TextRule::OneOrNull => (0, Some(1)),
            TextRule::NameAndScope => (1, Some(2)),
            TextRule::Let => (2, Some(2)),
            TextRule::Object | TextRule::Bytes => (1, Some(1)),
            TextRule::Lambda | TextRule::Ref | TextRule::Options | TextRule::Create => (1, Some(2)),
            TextRule::Select => (2, Some(3)),
            TextRule::WireOnly => (0, Some(0)),
        }
    }
}

/// The versions that have a form: from the first on, before the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Versions {
    /// Introduced with.
    pub from: ApiVersion,
    /// Removed with.
    pub before: Option<ApiVersion>,
}

impl Versions {
    /// Every version.
    pub const ALL: Versions = Versions::from(ApiVersion::V20);
    /// All that is not renamed in the unstable version.
    pub const STABLE: Versions = Versions::before(ApiVersion::Unstable);

    /// From a version on.
    pub const fn from(version: ApiVersion) -> Versions {
        Versions {
            from: version,
            before: None,
        }
    }

    /// Before a version.
    pub const fn before(version: ApiVersion) -> Versions {
        Versions {
            from: ApiVersion::V20,
            before: Some(version),
        }
    }

    /// Whether a version has it.
    pub fn contain(self, version: ApiVersion) -> bool {
        version >= self.from && self.before.is_none_or(|before| version < before)
    }
}

/// What a form does.
#[derive(Clone, Copy)]
pub enum Run {
    /// Arguments are evaluated and cast, then the function runs.
    Function(fn(&mut Evaluator, Arguments) -> Result),
    /// The reader makes a node of its own of it.
    Special(Special),
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Run::Function(_) => f.write_str("Function"),
            Run::Special(special) => special.fmt(f),
        }
    }
}

/// The forms that are nodes of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Special {
    /// `let`
    Let,
    /// `var`
    Var,
    /// `if`
    If,
    /// `do`
    Do,
    /// `object`
    Object,
    /// `quote`
    Quote,
    /// `and`
    And,
    /// `or`
    Or,
    /// `at`
    At,
    /// `call`
    Call,
    /// `select`
    Select,
    /// `lambda`: only where a lambda is expected.
    Lambda,
    /// `@ref`, `@bytes` ...: values.
    Escape,
}

impl Form {
    /// The place of a key.
    pub fn key(&self, name: &str) -> Option<usize> {
        self.keys.iter().position(|key| key.name == name)
    }

    /// Whether `names` are keys of it, all required ones among them.
    fn fits<'k>(&self, names: impl Iterator<Item = &'k str> + Clone) -> bool {
        names.clone().all(|name| self.key(name).is_some())
            && self
                .keys
                .iter()
                .all(|key| key.optional || names.clone().any(|name| name == key.name))
    }
}

/// All forms, by family in the order of the reference.
pub fn all() -> impl Iterator<Item = &'static Form> {
    functions::FAMILIES.iter().flat_map(|family| family.iter())
}

/// The form with a name in texts.
pub fn by_name(name: &str) -> Option<&'static Form> {
    static NAMES: OnceLock<FastMap<&'static str, &'static Form>> = OnceLock::new();
    let names = NAMES.get_or_init(|| {
        all()
            .flat_map(|form| form.names.iter().map(move |name| (*name, form)))
            .collect()
    });
    names.get(name).copied()
}

/// The form of a version with exactly these keys on the wire.
pub fn by_keys<'k>(
    keys: impl Iterator<Item = &'k str> + Clone,
    version: ApiVersion,
) -> Option<&'static Form> {
    static KEYS: OnceLock<FastMap<&'static str, Vec<&'static Form>>> = OnceLock::new();
    let forms = KEYS.get_or_init(|| {
        let mut forms: FastMap<&'static str, Vec<&'static Form>> = FastMap::default();
        for form in all() {
            if let Some(first) = form.keys.first() {
                forms.entry(first.name).or_default().push(form);
            }
        }
        forms
    });
    keys.clone()
        .filter_map(|key| forms.get(key))
        .flatten()
        .copied()
        .find(|form| form.versions.contain(version) && form.fits(keys.clone()))
}

/// A required key.
pub const fn key(name: &'static str, cast: Cast) -> Key {
    Key {
        name,
        optional: false,
        cast,
    }
}

/// A key that may be left out.
pub const fn optional(name: &'static str, cast: Cast) -> Key {
    Key {
        name,
        optional: true,
        cast,
    }
}

/// Arguments that are the keys in order.
pub const fn positional(required: usize, most: usize) -> TextRule {
    TextRule::Positional { required, most }
}

/// The same where the driver does not look how many there are at most.
pub const fn at_least(required: usize) -> TextRule {
    TextRule::AtLeast { required }
}

/// A form that every version has.
pub const fn form(
    names: &'static [&'static str],
    keys: &'static [Key],
    text: TextRule,
    effect: Effect,
    call: fn(&mut Evaluator, Arguments) -> Result,
) -> Form {
    Form {
        names,
        keys,
        text,
        effect,
        versions: Versions::ALL,
        run: Run::Function(call),
    }
}

/// A form that is a node of its own.
pub const fn special(
    names: &'static [&'static str],
    keys: &'static [Key],
    text: TextRule,
    special: Special,
) -> Form {
    Form {
        names,
        keys,
        text,
        effect: Effect::Pure,
        versions: Versions::ALL,
        run: Run::Special(special),
    }
}

impl Form {
    /// The same in some versions only.
    pub const fn only(mut self, versions: Versions) -> Form {
        self.versions = versions;
        self
    }
}
