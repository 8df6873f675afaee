//! The demo store: stores, products, customers, managers and orders, two roles whose predicates ask who is asking, and
//! a password for everybody. `examples/abac-demo.fql` walks through it.

use super::{Engine, QueryError, Request, Session};
use crate::value::rendered::Rendered;

/// What is there once the demo is.
const PRESENT: &str = "Role.byName('customer').exists() && Role.byName('manager').exists()";

/// Definitions come first: a query uses the schema it began with.
const QUERIES: [&str; 2] = [
    include_str!("demo/schema.fql"),
    include_str!("demo/data.fql"),
];

impl Engine {
    /// Fills the session's database with the demo store. False if it is there already; fails as its queries would,
    /// in a database that has other collections of these names in particular.
    pub fn fill_demo(session: &Session) -> Result<bool, QueryError> {
        let ask = |text: &str| session.query(&Request::text(text)).result;
        if matches!(ask(PRESENT)?, Rendered::Bool(true)) {
            return Ok(false);
        }
        for query in QUERIES {
            ask(query)?;
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::format::Format;

    fn ask(session: &Session, text: &str) -> String {
        match session.query(&Request::text(text)).result {
            Ok(rendered) => rendered.to_text(Format::Simple),
            Err(error) => error.code.to_string(),
        }
    }

    #[test]
    fn each_sees_its_own_orders() {
        let engine = Engine::memory().unwrap();
        let root = engine.root();
        assert!(Engine::fill_demo(&root).unwrap());
        assert!(!Engine::fill_demo(&root).unwrap());
        let login = |collection: &str, email: &str| {
            let text = format!(
                "Credential.byDocument({collection}.byEmail('{email}@example.com').first()!)!.login('demo').secret"
            );
            engine.with_secret(ask(&root, &text).trim_matches('"'))
        };
        for (collection, email, orders) in [
            ("Customer", "ada", "3"),
            ("Customer", "bob", "2"),
            ("Customer", "eve", "0"),
            ("Manager", "mia", "3"),
            ("Manager", "sam", "2"),
        ] {
            let session = login(collection, email);
            assert_eq!(ask(&session, "Order.all().count()"), orders, "{email}");
        }
        let ada = login("Customer", "ada");
        assert_eq!(ask(&ada, "checkout('3', '1', 6).quantity"), "6");
        assert_eq!(ask(&ada, "checkout('3', '1', 1)"), "abort");
        assert_eq!(
            ask(&ada, "Product.byId('3')!.update({ stock: 9 })"),
            "permission_denied"
        );
        assert_eq!(ask(&ada, "Order.all().count()"), "4");
    }
}
